import type { Color, Style } from './terminal.ts'
import { textWidth, truncate, truncateStart, visible } from './text-width.ts'

export interface TableColumn {
  readonly title: string
  /** Numbers stand to the right. */
  readonly align?: 'left' | 'right'
  /** Gives way first when the table is wider than the terminal. */
  readonly flexible?: boolean
  /** Which end of a value is cut off when there is no room for it; default `end`. */
  readonly cut?: 'start' | 'end'
}

/** A cell is its text, or a text with a colour. */
export type Cell = string | { readonly text: string; readonly color: Color }

export interface TableOptions {
  /** Columns of the terminal; undefined leaves every cell whole (pipes and files). */
  readonly width: number | undefined
  readonly style: Style
}

const GAP = '  '
/** A flexible column is not squeezed below this, nor any other below its title. */
const LEAST = 12

const cellText = (cell: Cell | undefined): string =>
  visible(cell === undefined ? '' : typeof cell === 'string' ? cell : cell.text)

/**
 * Aligned columns under a title line, ending in a newline. On a terminal the flexible columns, then
 * the widest ones, are cut so that each row stays on one line.
 */
export function renderTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly Cell[])[],
  options: TableOptions,
): string {
  const widths = columns.map((column, index) =>
    Math.max(textWidth(column.title), ...rows.map((row) => textWidth(cellText(row[index])))),
  )
  if (options.width !== undefined) squeeze(columns, widths, options.width)
  const line = (cells: readonly Cell[], titles: boolean) => {
    const texts = columns.map((column, index) => {
      const cell = cells[index] ?? ''
      const width = widths[index] ?? 0
      const text = (column.cut === 'start' ? truncateStart : truncate)(cellText(cell), width)
      const space = ' '.repeat(width - textWidth(text))
      const color = titles ? 'dim' : typeof cell === 'string' ? undefined : cell.color
      const shown = color === undefined || text === '' ? text : options.style(color, text)
      if (column.align === 'right') return space + shown
      // No blanks at the end of a line: they wrap in narrow windows and soil copied text.
      return index === columns.length - 1 ? shown : shown + space
    })
    return texts.join(GAP).trimEnd()
  }
  const titles = line(
    columns.map((column) => column.title),
    true,
  )
  return `${[titles, ...rows.map((row) => line(row, false))].join('\n')}\n`
}

function squeeze(columns: readonly TableColumn[], widths: number[], width: number): void {
  const total = () => widths.reduce((sum, each) => sum + each, GAP.length * (widths.length - 1))
  const shrink = (candidates: readonly number[], least: (index: number) => number) => {
    while (total() > width) {
      const open = candidates.filter((index) => (widths[index] ?? 0) > least(index))
      if (open.length === 0) return
      const widest = open.reduce((a, b) => ((widths[b] ?? 0) > (widths[a] ?? 0) ? b : a))
      widths[widest] = (widths[widest] ?? 0) - 1
    }
  }
  const all = columns.map((_, index) => index)
  shrink(
    all.filter((index) => columns[index]?.flexible === true),
    () => LEAST,
  )
  shrink(all, (index) => Math.min(LEAST, textWidth(columns[index]?.title ?? '')))
}
