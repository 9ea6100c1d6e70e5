import type { Color, Style } from './terminal.ts'
import { splitAtWidth, textWidth, truncate, truncateStart, visible } from './text-width.ts'
import { wrapText } from './wrap-text.ts'

export interface TableColumn {
  readonly title: string
  /** Numbers stand to the right. */
  readonly align?: 'left' | 'right'
  /**
   * Left out where there is no room for it: 1 goes first. A column without this always stands, whole
   * unless it is flexible.
   */
  readonly drop?: number
  /** A text that can be made narrower: 1 gives way first, equal ones together. Numbers and names are not. */
  readonly flexible?: number
  /** Columns that a flexible text keeps as long as another column can be left out for it; default 12. */
  readonly least?: number
  /** How it is made narrower: cut at its end (the default) or start, or wrapped at words, which loses nothing. */
  readonly narrow?: 'cut' | 'cut_start' | 'wrap'
}

/** A cell is its text, or a text with a colour. */
export type Cell = string | { readonly text: string; readonly color: Color }

export interface TableOptions {
  /** Columns of the terminal; undefined leaves every cell whole (pipes and files). */
  readonly width: number | undefined
  readonly style: Style
  /** A line below a row, such as what has no room in it; '' for none. */
  readonly below?: (row: number) => string
}

const GAP = '  '
const LEAST = 12
/** Where nothing is left to leave out, a flexible text is made as narrow as its title, or this. */
const NARROWEST = 4
/** A cell that is longer is cut before it is measured: a row of a partner's file can be megabytes. */
const MEASURED = 4096

const cellText = (cell: Cell | undefined): string =>
  visible(cell === undefined ? '' : typeof cell === 'string' ? cell : cell.text)

/** As `fitTable`, for tables whose left out columns nobody misses. */
export const renderTable = (
  columns: readonly TableColumn[],
  rows: readonly (readonly Cell[])[],
  options: TableOptions,
): string => fitTable(columns, rows, options).text

/**
 * Aligned columns under a title line, ending in a newline. On a terminal that is too narrow, flexible
 * texts shrink to their least, then columns are left out by their `drop`, and at last texts shrink
 * further. What is neither flexible nor droppable is never cut: sooner the lines grow too long.
 */
export function fitTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly Cell[])[],
  options: TableOptions,
): { readonly text: string; readonly dropped: readonly string[] } {
  const texts = rows.map((row) =>
    columns.map((_, index) => {
      const text = cellText(row[index])
      const whole = options.width === undefined || text.length <= MEASURED
      return whole ? text : splitAtWidth(text, MEASURED)[0]
    }),
  )
  const natural = columns.map((column, index) =>
    texts.reduce(
      (most, row) => Math.max(most, textWidth(row[index] ?? '')),
      textWidth(column.title),
    ),
  )
  const { shown, widths } = chooseColumns(
    columns,
    natural,
    options.width ?? Number.POSITIVE_INFINITY,
  )
  const line = (cells: readonly string[], colors: readonly (Color | undefined)[]) =>
    shown
      .map((index, place) => {
        const { align } = columns[index] ?? {}
        const text = cells[index] ?? ''
        const color = colors[index]
        const space = ' '.repeat(Math.max(0, (widths[index] ?? 0) - textWidth(text)))
        const painted = color === undefined || text === '' ? text : options.style(color, text)
        if (align === 'right') return space + painted
        // No blanks at the end of a line: they wrap in narrow windows and soil copied text.
        return place === shown.length - 1 ? painted : painted + space
      })
      .join(GAP)
      .trimEnd()
  const lines = [
    line(
      columns.map((column, index) => truncate(column.title, widths[index] ?? 0)),
      columns.map(() => 'dim'),
    ),
  ]
  for (const [number, row] of rows.entries()) {
    const cells = columns.map((column, index) =>
      narrowed(texts[number]?.[index] ?? '', column, widths[index] ?? 0),
    )
    const colors = columns.map((_, index) => {
      const cell = row[index]
      return cell === undefined || typeof cell === 'string' ? undefined : cell.color
    })
    const height = Math.max(1, ...shown.map((index) => cells[index]?.length ?? 0))
    for (let n = 0; n < height; n += 1) {
      lines.push(
        line(
          cells.map((each) => each[n] ?? ''),
          colors,
        ),
      )
    }
    const below = options.below?.(number) ?? ''
    if (below !== '') lines.push(below)
  }
  return {
    text: `${lines.join('\n')}\n`,
    dropped: columns.flatMap(({ title }, index) => (shown.includes(index) ? [] : [title])),
  }
}

function narrowed(text: string, column: TableColumn, width: number): readonly string[] {
  if (column.flexible === undefined || textWidth(text) <= width) return [text]
  if (column.narrow === 'wrap') return wrapText(text, width)
  return [(column.narrow === 'cut_start' ? truncateStart : truncate)(text, width)]
}

/** Columns that stand, and how wide each is; a wider table than `width` where nothing can give way any more. */
function chooseColumns(
  columns: readonly TableColumn[],
  natural: readonly number[],
  width: number,
): { readonly shown: readonly number[]; readonly widths: readonly number[] } {
  const least = (index: number) => columns[index]?.least ?? LEAST
  const narrowest = (index: number) => Math.max(NARROWEST, textWidth(columns[index]?.title ?? ''))
  let shown = columns.map((_, index) => index)
  for (;;) {
    const widths = squeeze(columns, { shown, natural, width, least })
    if (total(shown, widths) <= width) return { shown, widths }
    const [first] = shown
      .filter((index) => columns[index]?.drop !== undefined)
      .sort((a, b) => (columns[a]?.drop ?? 0) - (columns[b]?.drop ?? 0))
    if (first === undefined) break
    shown = shown.filter((index) => index !== first)
  }
  return { shown, widths: squeeze(columns, { shown, natural, width, least: narrowest }) }
}

const total = (shown: readonly number[], widths: readonly number[]) =>
  shown.reduce((sum, index) => sum + (widths[index] ?? 0), GAP.length * (shown.length - 1))

/** Widths with the flexible columns made narrower, in their order, each group's widest first. */
function squeeze(
  columns: readonly TableColumn[],
  room: {
    readonly shown: readonly number[]
    readonly natural: readonly number[]
    readonly width: number
    readonly least: (index: number) => number
  },
): readonly number[] {
  const widths = [...room.natural]
  const ranks = new Set(room.shown.map((index) => columns[index]?.flexible))
  for (const rank of [...ranks].filter((each) => each !== undefined).sort((a, b) => a - b)) {
    const group = room.shown.filter((index) => columns[index]?.flexible === rank)
    while (total(room.shown, widths) > room.width) {
      const open = group.filter((index) => (widths[index] ?? 0) > room.least(index))
      if (open.length === 0) break
      const widest = open.reduce((a, b) => ((widths[b] ?? 0) > (widths[a] ?? 0) ? b : a))
      widths[widest] = (widths[widest] ?? 0) - 1
    }
  }
  return widths
}
