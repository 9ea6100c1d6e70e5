import type { StrayReport } from './app-port.ts'
import { formatCount, formatPlural } from './format-value.ts'
import { renderTable } from './table.ts'
import type { Terminal } from './terminal.ts'

/** More than this is a wrong layout, and the first ones tell as much. */
const SHOWN = 20

/** Objects that belong to no partition, as a paragraph of their own; '' without any. */
export function straysText(strays: readonly StrayReport[], terminal: Terminal): string {
  if (strays.length === 0) return ''
  const { style, width } = terminal
  const table = renderTable(
    [
      { title: 'feed' },
      { title: 'object', flexible: 2, narrow: 'cut_start' },
      { title: 'reason', flexible: 1, least: 24, narrow: 'wrap' },
    ],
    strays.slice(0, SHOWN).map((each) => [each.feed, each.object, each.reason]),
    { width, style },
  )
  const more =
    strays.length > SHOWN ? `… ${formatCount(strays.length - SHOWN)} more; --json lists all\n` : ''
  return `\n${style('yellow', `${formatPlural(strays.length, 'object')} in no partition:`)}\n${table}${more}`
}
