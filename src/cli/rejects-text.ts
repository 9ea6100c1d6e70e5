import type { Reject } from '../exchange/rejects.ts'
import { renderTable, type TableColumn } from './table.ts'
import type { Terminal } from './terminal.ts'
import { splitAtWidth, textWidth, truncate, truncateStart, visible } from './text-width.ts'

const INDENT = '  '
/** More of a raw row than any terminal is wide need not be looked at. */
const RAW = 2000

/**
 * Refused rows as a table; ends in a newline. On a terminal the reason has the room: object and raw
 * row stand on a dim line below it, cut to the terminal. `cut` says whether something was.
 */
export function rejectsText(
  rows: readonly Reject[],
  { width, style }: Terminal,
): { readonly text: string; readonly cut: boolean } {
  const columns: TableColumn[] = [
    { title: 'partition' },
    { title: 'row', align: 'right' },
    { title: 'column', drop: 1 },
    { title: 'code' },
    { title: 'message', flexible: 1, least: 40, narrow: 'wrap' },
  ]
  const cells = rows.map((each) => [
    each.partition,
    // A place, not an amount: no grouping.
    String(each.row),
    each.column ?? '',
    { text: each.code, color: 'yellow' as const },
    each.message,
  ])
  if (width === undefined) {
    const text = renderTable(
      [...columns, { title: 'object' }, { title: 'raw' }],
      rows.map((each, index) => [...(cells[index] ?? []), each.object, each.raw]),
      { width, style },
    )
    return { text, cut: false }
  }
  let cut = false
  const below = (index: number): string => {
    const { object, raw } = rows[index] ?? { object: '', raw: '' }
    const room = width - INDENT.length
    const key = visible(object)
    const row = visible(splitAtWidth(raw, RAW)[0])
    cut ||= textWidth(key) + INDENT.length + textWidth(row) > room || raw.length > RAW
    // The raw row gives way first, but some of it tells which row it is.
    const key_room = Math.max(Math.floor(room / 2), room - INDENT.length - textWidth(row))
    const place = truncateStart(key, key_room)
    const said = truncate(row, room - textWidth(place) - INDENT.length)
    return style('dim', `${INDENT}${place}${said === '' ? '' : INDENT + said}`)
  }
  const text = renderTable(columns, cells, { width, style, below })
  return { text, cut }
}
