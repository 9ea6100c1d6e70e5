import { writeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'

/** Cases of each target; `BUCKETLINE_FUZZ_RUNS=1000000` is the long form. */
export const RUNS = wholeNumber('BUCKETLINE_FUZZ_RUNS') ?? 10_000
/**
 * The short form tries the same cases everywhere, so that a change that breaks one is what turns it
 * red. The long form draws its own seed, unless `BUCKETLINE_FUZZ_SEED` gives one to repeat; it is
 * printed with every result.
 */
const SEED =
  wholeNumber('BUCKETLINE_FUZZ_SEED') ?? (RUNS > 10_000 ? Math.floor(Math.random() * 2 ** 31) : 7)

/** A batch that takes longer is a hang: whatever is in it is small. */
const STALL_MS = 120_000

function wholeNumber(name: string): number | undefined {
  const text = process.env[name]
  if (text === undefined || text === '') return undefined
  if (!/^-?\d+$/.test(text)) throw new Error(`${name} is no whole number: ${text}`)
  return Number(text)
}

interface FuzzOptions {
  /** Cases handed to `check` at once, for what shares one costly call. */
  readonly batch?: number
  /** Cases that are made of each run's number: 10 where a case holds ten objects. */
  readonly runs?: number
}

/**
 * One fuzz target as a test: `check` is given cases of `arbitrary` and throws on a broken promise.
 * A batch that fails is run again case by case, so that fast-check can shrink it; its report names
 * the seed with which this run begins at the failing batch.
 */
export function fuzz<Case>(
  name: string,
  arbitrary: fc.Arbitrary<Case>,
  check: (cases: readonly Case[]) => void | Promise<void>,
  options: FuzzOptions = {},
): void {
  const batch = options.batch ?? 100
  const runs = options.runs ?? RUNS
  it(name, { timeout: Math.max(900_000, runs * 100) }, async () => {
    const started = Date.now()
    const cpu = process.cpuUsage()
    // Told first: a crash of the process leaves nothing else to repeat it by.
    report(`${name}: begins with seed ${SEED}`)
    const property = fc.asyncProperty(arbitrary, async (one) => {
      Atomics.add(steps, 0, 1)
      await check([one])
    })
    const warnings: string[] = []
    const warned = (warning: Error) => warnings.push(warning.message)
    process.on('warning', warned)
    let slowest = 0
    for (let done = 0; done < runs; done += batch) {
      const seed = SEED + done / batch
      watch(`${name}, BUCKETLINE_FUZZ_SEED=${seed}`)
      const begun = Date.now()
      const numRuns = Math.min(batch, runs - done)
      const cases: Case[] = []
      // What `fc.assert` would make of the seed, which `fc.sample` is not.
      fc.assert(
        fc.property(arbitrary, (one) => {
          cases.push(one)
        }),
        { seed, numRuns },
      )
      try {
        await check(cases)
      } catch (cause) {
        // Where no case fails alone, the batch as a whole is what is wrong.
        await fc.assert(property, { seed, numRuns: batch, verbose: false })
        throw new Error(`only together, in the batch BUCKETLINE_FUZZ_SEED=${seed}`, { cause })
      }
      slowest = Math.max(slowest, Date.now() - begun)
      if (runs > 20_000 && (done / batch) % 100 === 99) report(`${name}: past seed ${seed}`)
    }
    process.off('warning', warned)
    // They would stand on the standard error of a command, about nothing its user wrote.
    expect(warnings).toEqual([])
    const seconds = ((Date.now() - started) / 1000).toFixed(1)
    const { user, system } = process.cpuUsage(cpu)
    const work = ((user + system) / 1e6).toFixed(1)
    report(
      `${name}: ${runs} cases in ${seconds} s (${work} s of work), slowest ${numbered(batch)} ${slowest} ms, seed ${SEED}`,
    )
  })
}

const numbered = (batch: number) => (batch === 1 ? 'case' : `${batch} cases`)

/** Past the reporter, which shows the output of tests that fail only. */
const report = (line: string) => writeSync(2, `fuzz: ${line}\n`)

/** Counts steps; the other thread ends the process when the count stands still. */
const steps = new Int32Array(new SharedArrayBuffer(4))
const label = new Uint8Array(new SharedArrayBuffer(1024))

function watch(what: string): void {
  new TextEncoder().encodeInto(`${what}\0`, label)
  Atomics.add(steps, 0, 1)
}

/** A loop that never ends holds this thread, so that no timeout of a test would ever be looked at. */
const WATCHDOG = `
const { workerData: { steps, label, stall } } = require('node:worker_threads')
const { writeSync } = require('node:fs')
let seen = -1
let since = Date.now()
setInterval(() => {
  const now = Atomics.load(steps, 0)
  if (now !== seen) { seen = now; since = Date.now(); return }
  if (Date.now() - since < stall) return
  const text = Buffer.from(label).toString().split('\\0')[0]
  writeSync(2, 'fuzz: nothing ended for ' + stall + ' ms in ' + text + '\\n')
  process.kill(process.pid, 'SIGKILL')
}, 1000)
`

let watchdog: Worker | undefined

/** To be called once by each file of fuzz targets. */
export function watchForHangs(): void {
  beforeAll(() => {
    watchdog = new Worker(WATCHDOG, { eval: true, workerData: { steps, label, stall: STALL_MS } })
  })
  afterAll(async () => {
    await watchdog?.terminate()
  })
}
