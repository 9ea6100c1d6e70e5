import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** In the order of a load. */
export const PHASES = ['start', 'between loads', 'fetch', 'check', 'stage', 'publish'] as const
export type Phase = (typeof PHASES)[number]

/**
 * Where a load was when it was killed, by what it left on disk. `start` is before it holds the
 * embedded ledger; with a PostgreSQL ledger that cannot be told from listing and planning.
 */
export async function phaseOf(data_dir: string, pid: number): Promise<Phase> {
  const [load_id] = await names(join(data_dir, 'staging'))
  if (load_id === undefined) return (await heldLedger(data_dir, pid)) ? 'between loads' : 'start'
  const moved = await names(join(data_dir, 'datasets'), true)
  if (moved.some((path) => path.includes(load_id))) return 'publish'
  const staged = await names(join(data_dir, 'staging', load_id))
  if (staged.some((name) => name.endsWith('.parquet'))) return 'stage'
  return staged.includes('checked') ? 'check' : 'fetch'
}

async function heldLedger(data_dir: string, pid: number): Promise<boolean> {
  if (!(await names(data_dir)).includes('ledger')) return false
  const text = await readFile(join(data_dir, 'holder.json'), 'utf8').catch(() => '{}')
  const { pid: holder, socket } = JSON.parse(text)
  return holder === pid && socket !== undefined
}

async function names(dir: string, recursive = false): Promise<string[]> {
  try {
    return await readdir(dir, { recursive })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
