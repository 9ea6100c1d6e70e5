import { foldCase } from './field-table.ts'
import { show } from './json-scanner.ts'
import { Refusal } from './refusal.ts'

export const MAX_COLUMNS = 10_000

/** Throws a `Refusal` for names that cannot be those of a dataset's columns. */
export function checkHeader(names: readonly string[]): void {
  if (names.length > MAX_COLUMNS) {
    throw new Refusal('header', `The header names more than ${MAX_COLUMNS} columns.`)
  }
  if (names.length === 1 && (names[0] as string).trim() === '') {
    throw new Refusal('header', 'The header line is empty (skip_lines passes over lines).')
  }
  const seen = new Set<string>()
  for (const [at, name] of names.entries()) {
    if (name === '') throw new Refusal('header', `Column ${at + 1} of the header has no name.`)
    if (name.includes('\0')) {
      throw new Refusal('header', `The name of column ${at + 1} of the header holds U+0000.`)
    }
    const folded = foldCase(name)
    if (seen.has(folded)) {
      throw new Refusal('header', `The header names ${show(name)} twice (case is not told apart).`)
    }
    seen.add(folded)
  }
}
