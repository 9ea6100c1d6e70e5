import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Duckdb, openDuckdb } from '../src/duckdb/duckdb.ts'
import type { Context } from './benchmark.ts'

/**
 * A folder of made data, made once and kept. `version` is part of its name: raise it when what is made
 * changes. The folder appears whole or not at all.
 */
export async function madeData(
  context: Context,
  wanted: { readonly name: string; readonly version: number; readonly rows: number },
  make: (dir: string, db: Duckdb) => Promise<void>,
): Promise<string> {
  const parent = join(context.data_dir, 'made')
  const dir = join(parent, `${wanted.name}-v${wanted.version}-${wanted.rows}`)
  if (await isThere(dir)) return dir
  context.note(`making ${dir}`)
  await wholeOrNothing(dir, async (unfinished) => {
    const spill_dir = join(unfinished, '.spill')
    {
      await using db = await openDuckdb({
        memory_limit: '4GB',
        threads: context.threads,
        spill_dir,
      })
      await make(unfinished, db)
    }
    await rm(spill_dir, { recursive: true, force: true })
  })
  return dir
}

/** A folder that appears under its name when it is complete, and leaves nothing behind where it fails. */
export async function wholeOrNothing(
  dir: string,
  make: (unfinished: string) => Promise<void>,
): Promise<void> {
  const unfinished = `${dir}.${process.pid}`
  await mkdir(unfinished, { recursive: true })
  try {
    await make(unfinished)
    await rename(unfinished, dir)
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true })
    throw cause
  }
}

/** Rows of a benchmark at the scale asked for. */
export const rowsAt = (context: Context, rows: number): number =>
  Math.max(100, Math.round(rows * context.scale))

/** Bytes and number of the files below a folder. */
export async function sizeOf(dir: string): Promise<{ files: number; bytes: number }> {
  let files = 0
  let bytes = 0
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    files += 1
    bytes += (await stat(join(entry.parentPath, entry.name))).size
  }
  return { files, bytes }
}

export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw cause
  }
}
