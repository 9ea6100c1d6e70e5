import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { openDuckdb } from '../../src/duckdb/duckdb.ts'
import { probeApart } from '../../src/format/probe-apart.ts'
import { damaged, makeSamples, parquet } from './damaged-parquet.ts'
import { fuzz, watchForHangs } from './fuzz.ts'
import type { ReaderAnswer } from './parquet-reader.ts'

watchForHangs()

const dir = mkdtempSync(join(tmpdir(), 'fuzz-parquet-'))
const samples: Buffer[] = []
/** Reads what a load would; started again where a file has ended it. */
let reader: ChildProcess | undefined
let ended = 0

beforeAll(async () => {
  await using duckdb = await openDuckdb({ memory_limit: '256MB', spill_dir: dir, threads: 1 })
  samples.push(...(await makeSamples(dir, duckdb)))
})
afterAll(() => {
  reader?.kill()
  rmSync(dir, { recursive: true })
  writeSync(2, `fuzz: Parquet: ${ended} files ended their reader, and were refused by name\n`)
})

fuzz(
  'Parquet: a damaged file is read, or refused by name; what ends its reader is refused by the next',
  parquet,
  async (cases) => {
    const paths = cases.map((one) => {
      // DuckDB remembers files by path: each gets its own.
      const path = join(dir, `${files++}.parquet`)
      writeFileSync(path, damaged(one, samples))
      return path
    })
    const answer = await read(paths)
    if (answer === undefined) for (const path of paths) await judgeApart(path)
    else expect(answer.broken).toBe(undefined)
    for (const path of paths) rmSync(path)
  },
  { batch: 25 },
)
let files = 0

/** As the load after one that was cut off: what it does not refuse, no load is cut off by. */
async function judgeApart(path: string): Promise<void> {
  const limits = { memory_limit: '1GB', spill_dir: join(dir, 'spill') }
  const refused = await probeApart({ key: 'part.parquet', path }, limits)
  if (refused === undefined) {
    const answer = await read([path])
    if (answer === undefined) throw new Error('it ends its reader, and is not refused for that')
    expect(answer.broken).toBe(undefined)
  } else if (/ends the process/.test(refused.message)) ended++
}

/** Undefined where the reader has died of it. */
async function read(paths: readonly string[]): Promise<ReaderAnswer | undefined> {
  // What was damaged in its memory may end it later on.
  if (reader === undefined || reader.exitCode !== null || reader.signalCode !== null) {
    reader = fork(join(import.meta.dirname, 'parquet-reader.ts'), [dir])
    await answerOf(reader)
  }
  // That it cannot be sent to is told by its end.
  reader.send(paths, () => {})
  const answer = await answerOf(reader)
  if (answer === undefined) reader = undefined
  return answer
}

async function answerOf(child: ChildProcess): Promise<ReaderAnswer | undefined> {
  const stop = new AbortController()
  const { signal } = stop
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([answer]) => answer as ReaderAnswer),
      once(child, 'exit', { signal }).then(([code, by]) => {
        if (by === null) throw new Error(`the reader ended with code ${code}`)
        return undefined
      }),
    ])
  } finally {
    stop.abort()
  }
}
