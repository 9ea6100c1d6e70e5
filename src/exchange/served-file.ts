import { join } from 'node:path'
import type { Ledger } from '../ledger/ledger.ts'

/** A served data file of a feed's latest partition; undefined before the first publication. */
export async function latestServedFile(
  feed: string,
  { ledger, datasets_dir }: { readonly ledger: Ledger; readonly datasets_dir: string },
): Promise<string | undefined> {
  const files = await ledger.servedFiles(feed, { kinds: ['data'], objects: false })
  const last = files.at(-1)
  return last === undefined ? undefined : join(datasets_dir, last.path)
}
