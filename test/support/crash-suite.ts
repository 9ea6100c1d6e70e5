import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LOAD_STEPS } from '../../src/exchange/load/load.ts'
import type { Outcome } from './crash-outcome.ts'
import { PHASES, type Phase } from './crash-phase.ts'
import { openRig, type Rig, type RigOptions, type StartingPoint, type Trial } from './crash-rig.ts'
import { CRASH_FEEDS } from './crash-workload.ts'
import { seeded } from './seeded.ts'

/**
 * Promise 2: killed at any instant and run again, the dataset, the ledger and the counts are as if
 * it ran once. Loads are killed for real, several times in one data directory before it is compared.
 */

/** Kills at random instants, all combinations of store and ledger together. */
const KILLS = Number(process.env.BUCKETLINE_CRASHES ?? 20)
const SEED = Number(process.env.BUCKETLINE_CRASH_SEED ?? Date.now() % 1_000_000)
const COMBINATIONS = 4
/** More than the few that every change is tested with: then each step of each feed is tried as well. */
const THOROUGH = KILLS > 20

export interface CrashSuiteOptions {
  readonly open: () => Promise<RigOptions>
  /** Kill at every named step, too: for combinations that between them have each store and each ledger. */
  readonly steps: boolean
}

export function describeCrashes(name: string, options: CrashSuiteOptions): void {
  describe(`a load killed with SIGKILL and run again: ${name}`, () => {
    let opened: Rig | undefined
    const rig = () => opened as Rig
    beforeAll(async () => {
      opened = await openRig(await options.open())
    }, 180_000)
    afterAll(() => opened?.[Symbol.asyncDispose](), 60_000)

    if (options.steps) namedSteps(rig)
    randomInstants(rig, Math.ceil(KILLS / COMBINATIONS))
  })
}

function namedSteps(rig: () => Rig): void {
  const some: readonly string[] = ['staged', 'moved', 'committed']
  for (const feed of Object.keys(CRASH_FEEDS)) {
    const steps = LOAD_STEPS.filter((step) => THOROUGH || feed === 'events' || some.includes(step))
    it(
      `at the steps ${steps.join(', ')} of ${feed} it leaves what one clean run leaves`,
      async () => {
        const trial = await rig().trial('served')
        for (const step of steps)
          expect(await trial.kill({ step: `${step}@${feed}` }), step).toBe(true)
        await expectClean(rig(), trial, 'served')
      },
      60_000 * (1 + steps.length),
    )
  }

  it('serves the generation before until the new one is committed', async () => {
    const trial = await rig().trial('served')
    expect(await trial.kill({ step: 'moved@events' })).toBe(true)
    const { datasets } = await trial.outcome()
    expect(datasets).toEqual(rig().first.datasets)
    await trial.remove()
  })
}

function randomInstants(rig: () => Rig, kills: number): void {
  it(
    `at ${kills} random instants it leaves what one clean run leaves (seed ${SEED})`,
    async () => {
      const random = seeded(SEED)
      const phases = new Map<Phase, number>()
      let killed = 0
      let rounds = 0
      let late = 0
      const began = performance.now()
      while (killed < kills) {
        const from: StartingPoint = THOROUGH && rounds % 10 === 9 ? 'nothing' : 'served'
        const { ms } = await rig().clean(from)
        const trial = await rig().trial(from)
        const wanted = Math.min(kills - killed, 1 + Math.floor(random() * 4))
        const instants: number[] = []
        // One that ended before it was killed has nothing left for the next.
        while (instants.length < wanted) {
          const after_ms = random() * ms
          if (!(await trial.kill({ ms: after_ms }))) break
          instants.push(Math.round(after_ms))
          const phase = await trial.phase()
          phases.set(phase, (phases.get(phase) ?? 0) + 1)
        }
        if (instants.length < wanted) late += 1
        await expectClean(rig(), trial, from, `killed after ${instants.join(', ')} ms`)
        killed += instants.length
        rounds += 1
        if (THOROUGH) console.info(`${killed} kills: ${placesOf(phases)}`)
      }
      const seconds = Math.round((performance.now() - began) / 1000)
      console.info(
        `${killed} kills in ${rounds} data directories (${placesOf(phases)}; ${late} came too late): nothing lost, ${seconds} s, seed ${SEED}`,
      )
    },
    60_000 + kills * 60_000,
  )
}

const placesOf = (phases: ReadonlyMap<Phase, number>) =>
  PHASES.map((phase) => `${phase} ${phases.get(phase) ?? 0}`).join(', ')

async function expectClean(rig: Rig, trial: Trial, from: StartingPoint, how?: string) {
  await trial.load()
  const { interrupted, ...left } = await trial.outcome()
  const { interrupted: none, ...clean }: Outcome = (await rig.clean(from)).outcome
  expect(none).toBe(0)
  expect(left, how).toEqual(clean)
  await trial.remove()
}
