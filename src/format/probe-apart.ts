import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ObjectCode } from '../core/rejects.ts'
import { readHead } from './codecs.ts'
import type { StagedObject } from './format.ts'

/** What the child says of a file; nothing where all is well. */
export interface ProbeAnswer {
  readonly refused?: { readonly code: ObjectCode; readonly message: string }
}

/**
 * Reads a Parquet file in a process of its own, in every way that a load might. DuckDB can end the
 * process on a file that is damaged in some places: a load that was cut off looks first whether one
 * of its objects does that, or it would be cut off by it again and again.
 */
export async function probeApart(
  object: Pick<StagedObject, 'key' | 'path'>,
  limits: { readonly memory_limit: string; readonly spill_dir: string },
): Promise<ProbeAnswer['refused']> {
  const head = Buffer.from(await readHead(object.path, 4)).toString('latin1')
  if (head !== 'PAR1') return undefined
  // Run from the sources this module is TypeScript, in the built package it is not.
  const file = import.meta.url.endsWith('.ts') ? './probe-child.ts' : './probe-child.js'
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      fileURLToPath(new URL(file, import.meta.url)),
      JSON.stringify({ ...limits, key: object.key, path: object.path }),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let said = ''
  let complaint = ''
  child.stdout.on('data', (chunk) => {
    said += chunk
  })
  child.stderr.on('data', (chunk) => {
    complaint += chunk
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  if (code === 0) return (JSON.parse(said) as ProbeAnswer).refused
  if (signal !== null && FAULTS.has(signal))
    return {
      code: 'corrupt_object',
      message: `Reading the Parquet file ends the process that reads it (${signal}): it is damaged.`,
    }
  // Out of memory, no disk, or stopped from outside: that says nothing about the file.
  throw new Error(`a file could not be probed (${signal ?? code}): ${complaint.slice(-500)}`)
}

/** How a process ends that read or wrote where it must not. */
const FAULTS: ReadonlySet<NodeJS.Signals> = new Set([
  'SIGSEGV',
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGILL',
  'SIGTRAP',
])
