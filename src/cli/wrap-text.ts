import { splitAtWidth, textWidth } from './text-width.ts'

/** In fewer columns than these, a text begins below what leads it and not beside it. */
const LEAST_BESIDE = 16
/** A lead that is wider does not set the indent of what follows. */
const WIDEST_INDENT = 24

/**
 * The lines of a text, broken at blanks so that each takes at most `width` columns, the first one
 * `first`. A word that is wider than a line, such as a key, is broken behind a slash where it has one.
 * Not for coloured text.
 */
export function wrapText(text: string, width: number, first = width): readonly string[] {
  // Unbroken it stays as it is, blanks at its start included: a caret under a place in SQL.
  if (textWidth(text) <= Math.max(1, first)) return [text]
  const lines: string[] = []
  let line = ''
  const room = () => Math.max(1, lines.length === 0 ? first : width)
  for (const word of text.split(' ')) {
    const joined = line === '' ? word : `${line} ${word}`
    if (textWidth(joined) <= room()) {
      line = joined
      continue
    }
    if (line !== '') lines.push(line)
    line = word
    while (textWidth(line) > room()) {
      const [head, tail] = breakWord(line, room())
      lines.push(head)
      line = tail
    }
  }
  return [...lines, line]
}

function breakWord(word: string, width: number): readonly [string, string] {
  const [head, tail] = splitAtWidth(word, width)
  // A character that is wider than the line still has to go somewhere.
  if (head === '') return [word.slice(0, 2), word.slice(2)]
  const slash = head.lastIndexOf('/') + 1
  // Not for the sake of a slash that would leave most of the line empty.
  if (slash * 2 < head.length) return [head, tail]
  return [word.slice(0, slash), word.slice(slash)]
}

/**
 * A text behind its lead, such as a code, further lines indented to where the first one began. The
 * lead may be coloured. Without a width (pipes and files) it stays one line.
 */
export function hangingText(lead: string, text: string, width: number | undefined): string {
  if (width === undefined) return lead + text
  const lead_width = textWidth(lead)
  const indent = lead_width <= Math.min(WIDEST_INDENT, width / 2) ? lead_width : 4
  const first = width - lead_width
  const rest = Math.max(1, width - indent)
  const space = ' '.repeat(indent)
  if (textWidth(text) > first && first < LEAST_BESIDE) {
    return [lead.trimEnd(), ...wrapText(text, rest).map((line) => space + line)].join('\n')
  }
  return lead + wrapText(text, rest, first).join(`\n${space}`)
}
