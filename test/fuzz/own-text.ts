import { expect } from 'vitest'
import type { RefusedRow } from '../../src/format/format.ts'
import { rawText } from '../../src/format/raw-text.ts'

/** Fails where a reject tells what does not stand in its file, such as what lies beside it in memory. */
export function expectOwnText(file: Buffer, refused: readonly RefusedRow[], shown: string): void {
  const readable = rawText(file)
  for (const { raw } of refused)
    expect(readable, shown).toContain(raw.replace(/… \(\d+ bytes\)$/, ''))
}
