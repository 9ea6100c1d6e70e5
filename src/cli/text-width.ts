import { stripVTControlCharacters } from 'node:util'

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/**
 * Code points that terminals draw two columns wide: the W and F ranges of Unicode's East Asian
 * Width (UAX #11), joined where only unassigned code points lie between them.
 */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x2329, 0x232a],
  [0x23e9, 0x23ec],
  [0x25fd, 0x25fe],
  [0x2614, 0x2615],
  [0x2648, 0x2653],
  [0x26aa, 0x26ab],
  [0x26bd, 0x26be],
  [0x26c4, 0x26c5],
  [0x2705, 0x2705],
  [0x270a, 0x270b],
  [0x2728, 0x2728],
  [0x274c, 0x274c],
  [0x2753, 0x2755],
  [0x2795, 0x2797],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2ff],
  [0x1f004, 0x1f004],
  [0x1f0cf, 0x1f0cf],
  [0x1f18e, 0x1f18e],
  [0x1f191, 0x1f19a],
  [0x1f200, 0x1f320],
  [0x1f32d, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1f9ff],
  [0x1fa70, 0x1faff],
  [0x20000, 0x3fffd],
]

function graphemeWidth(grapheme: string): number {
  const code = grapheme.codePointAt(0) ?? 0
  if (/^[\p{Mark}\p{Cf}\p{Cc}]/u.test(grapheme)) return 0
  // U+FE0F asks for the emoji form of a character that is text by default.
  if (grapheme.includes('\ufe0f')) return 2
  // Two regional indicators are one flag.
  if (/^\p{Regional_Indicator}{2}/u.test(grapheme)) return 2
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1
}

/** Columns a text takes on a terminal; colour codes take none. */
export function textWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes.segment(stripVTControlCharacters(text))) {
    width += graphemeWidth(segment)
  }
  return width
}

/** The text cut to at most `width` columns, ending in `…` where something was cut off. Not for coloured text. */
export function truncate(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  let kept = ''
  let used = 1
  for (const { segment } of graphemes.segment(text)) {
    used += graphemeWidth(segment)
    if (used > width) break
    kept += segment
  }
  return width > 0 ? `${kept}…` : ''
}

/** As `truncate`, cut at its start: the end of a key tells more than its folders. */
export function truncateStart(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  let kept = ''
  let used = 1
  for (const { segment } of [...graphemes.segment(text)].reverse()) {
    used += graphemeWidth(segment)
    if (used > width) break
    kept = segment + kept
  }
  return width > 0 ? `…${kept}` : ''
}

/** The text in two: as much of it as fits in `width` columns, and the rest. Not for coloured text. */
export function splitAtWidth(text: string, width: number): readonly [string, string] {
  let used = 0
  let end = 0
  for (const { segment } of graphemes.segment(text)) {
    used += graphemeWidth(segment)
    if (used > width) break
    end += segment.length
  }
  return [text.slice(0, end), text.slice(end)]
}

/**
 * Control characters made visible, so that a value from a partner's file can neither move the cursor
 * nor colour the screen, and stays on its line.
 */
export function visible(text: string): string {
  return text.replaceAll(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (c) => {
      if (c === '\n') return '\\n'
      if (c === '\r') return '\\r'
      if (c === '\t') return '\\t'
      return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
    },
  )
}
