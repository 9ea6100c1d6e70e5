import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seeded } from '../support/seeded.ts'
import {
  type Ids,
  idsOfFile,
  openSyncCrashRig,
  type Remembered,
  type SyncCrashRig,
  type SyncTrial,
} from '../support/sync-crash-rig.ts'
import { type RunningServer, startServer } from './launch.ts'
import { s3Server } from './s3-bucket.ts'

/**
 * `sync` killed with SIGKILL at random instants and run again: every record is in the bucket once, by whatever
 * mode, format and ledger, and nothing else is left.
 */

/** Kills at random instants, all combinations of ledger and format together. */
const KILLS = Number(process.env.BUCKETLINE_CRASHES ?? 8)
const SEED = Number(process.env.BUCKETLINE_CRASH_SEED ?? Date.now() % 1_000_000)
/** More than the few that every change is tested with: then each ledger is tried with each format. */
const THOROUGH = KILLS > 8
/** Races of two processes. */
const RACES = Math.max(3, Math.ceil(KILLS / 8))

const COMBINATIONS = (
  [
    ['PGlite', 'jsonl', true],
    ['PostgreSQL', 'parquet', true],
    ['PGlite', 'parquet', THOROUGH],
    ['PostgreSQL', 'jsonl', THOROUGH],
  ] as const
).filter(([, , is_tried]) => is_tried)

let minio: RunningServer
let postgresql: RunningServer
beforeAll(async () => {
  minio = await startServer('minio')
  postgresql = await startServer('postgresql')
})
afterAll(async () => {
  await minio?.stop()
  await postgresql?.stop()
})

const open = (ledger: 'PGlite' | 'PostgreSQL', format: 'jsonl' | 'parquet') =>
  openSyncCrashRig({
    s3: s3Server(minio),
    format,
    ...(ledger === 'PostgreSQL' ? { postgres_url: postgresql.settings.url } : {}),
  })

describe.each(COMBINATIONS)(
  'a sync killed with SIGKILL and run again: %s, %s',
  (ledger, format) => {
    const kills = Math.ceil(KILLS / COMBINATIONS.length)
    it(
      `at ${kills} random instants it leaves what one clean run leaves (seed ${SEED})`,
      async () => {
        await using rig = await open(ledger, format)
        const random = seeded(SEED)
        const places = new Map<string, number>()
        let { ms } = rig.clean
        let killed = 0
        let trials = 0
        while (killed < kills) {
          const trial = await rig.trial()
          const wanted = Math.min(kills - killed, 1 + Math.floor(random() * 3))
          const instants: number[] = []
          const whole = new Set<string | undefined>([rig.before.remembered.succeeded.whole])
          while (instants.length < wanted) {
            const kill_after_ms = random() * ms
            const run = await trial.run({ kill_at: delay(kill_after_ms) })
            const remembered = await trial.remembered()
            whole.add(remembered.succeeded.whole)
            if (run.signal !== 'SIGKILL') {
              // It had ended before: the machine has less to do now.
              ms = run.ms
              break
            }
            instants.push(Math.round(kill_after_ms))
            await expectHonest(rig, trial, remembered, `killed after ${instants.join(', ')} ms`)
            const place = `${remembered.cut_off.join('+') || 'no sync'}/${(await trial.phase()) ?? 'no log'}`
            places.set(place, (places.get(place) ?? 0) + 1)
          }
          whole.delete(undefined)
          // It is appended whole by each run that ends well, and the last one does.
          await expectWhole(rig, trial, whole.size, `killed after ${instants.join(', ')} ms`)
          await trial.remove()
          killed += instants.length
          trials += 1
          if (THOROUGH) console.info(`${killed} kills in ${trials} buckets`)
        }
        const where = [...places].sort().map(([place, times]) => `${place} ${times}`)
        console.info(
          `${ledger}, ${format}: ${killed} kills in ${trials} buckets, every record once, seed ${SEED}; in ${where.join(', ')}`,
        )
      },
      180_000 + kills * 60_000,
    )
  },
)

describe('on PostgreSQL', () => {
  let rig: SyncCrashRig
  beforeAll(async () => {
    rig = await open('PostgreSQL', 'jsonl')
  })
  afterAll(() => rig?.[Symbol.asyncDispose]())

  it.each(['crm', 'whole'])(
    'a sync killed in the middle of its commit, and run again before that is done, leaves what one clean run leaves: %s',
    async (sync) => {
      const trial = await rig.trial()
      const pool = new pg.Pool({ connectionString: trial.ledger_url, max: 1 })
      await using _ = { [Symbol.asyncDispose]: () => pool.end() }
      // A server does not notice in the middle of a commit that its client is gone.
      await pool.query(`
        CREATE SEQUENCE public.commits;
        CREATE FUNCTION public.be_slow() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN
            IF NEW.sync = '${sync}' AND nextval('public.commits') = 1 THEN
              PERFORM pg_sleep(${SLOW_COMMIT_S});
            END IF;
            RETURN NULL;
          END $$;
        CREATE CONSTRAINT TRIGGER slow AFTER UPDATE OF last_commit ON bucketline.sync_attempts
          DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.be_slow()`)
      const committing = async () => {
        const { rows } = await pool.query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND query = 'COMMIT' AND wait_event = 'PgSleep'`,
        )
        return rows.length > 0
      }
      const at_commit = (async () => {
        while (!(await committing())) await delay(20)
      })()
      const only = { syncs: [sync] }
      expect((await trial.run({ ...only, kill_at: at_commit })).signal).toBe('SIGKILL')
      expect(await committing()).toBe(true)
      expect(await trial.run(only)).toMatchObject({ code: 0, syncs: [{ state: 'succeeded' }] })
      await expectWhole(rig, trial, sync === 'whole' ? 2 : 1, 'killed at a commit')
    },
  )

  it(
    `two processes with the same syncs, ${RACES} times, and one after them leave what one clean run leaves (seed ${SEED})`,
    async () => {
      const random = seeded(SEED)
      const ends = new Map<string, number>()
      for (let race = 0; race < RACES; race += 1) {
        const trial = await rig.trial()
        // Both from the start, and then the second one while the first is somewhere in its syncs.
        const after_ms = race === 0 ? 0 : random() * rig.clean.ms
        const first = trial.run()
        await delay(after_ms)
        const runs = [await trial.run(), await first]
        expect(runs.map(({ error }) => error)).toEqual([undefined, undefined])
        const reports = runs.flatMap(({ syncs }) => syncs)
        for (const { state, code = state } of reports) ends.set(code, (ends.get(code) ?? 0) + 1)
        const whole = reports.filter(({ sync, state }) => sync === 'whole' && state === 'succeeded')
        await expectWhole(rig, trial, 1 + whole.length, `begun ${Math.round(after_ms)} ms later`)
        await trial.remove()
      }
      const how = [...ends].map(([end, times]) => `${end} ${times}`)
      console.info(`${RACES} races, every record once, seed ${SEED}; syncs ended ${how.join(', ')}`)
    },
    180_000 + RACES * 60_000,
  )
})
/** Longer than it takes until the next run recovers what the killed one left. */
const SLOW_COMMIT_S = 12

/** What holds at any instant, whatever has died: what states cover is there, and nothing old has gone without a new one. */
async function expectHonest(
  { before }: SyncCrashRig,
  trial: SyncTrial,
  { states }: Remembered,
  how: string,
): Promise<void> {
  const ids = await trial.ids()
  const missing = (stream: string, wanted: readonly number[]) => {
    const seen = new Set(ids[stream])
    return wanted.filter((id) => !seen.has(id))
  }
  for (const stream of Object.keys(before.ids).filter((each) => !MERGED.includes(each)))
    expect(missing(stream, before.ids[stream] ?? []), `${how}: ${stream} has lost these`).toEqual(
      [],
    )
  const users = JSON.parse(states['crm stream:["users"]'] ?? '').stream.stream_state.id as number
  const upto = Array.from({ length: users }, (_, at) => at + 1)
  expect(missing('users', upto), `${how}: users lacks these`).toEqual([])
  const files = Object.keys(states).filter((scope) => scope.startsWith('files file:'))
  expect(missing('lines', files.flatMap(idsOfFile)), `${how}: lines lacks these`).toEqual([])
}
/** What is merged shows once it is merged; that it is not lost shows at the end. */
const MERGED: readonly string[] = ['orders', 'merged']

/** Runs to the end; then it is as if there had been one run, but for what each run that ends well appends whole. */
async function expectWhole(
  { clean, before }: SyncCrashRig,
  trial: SyncTrial,
  runs_of_whole: number,
  how: string,
): Promise<void> {
  const { code, syncs, error } = await trial.run()
  expect([code, error, ...syncs.flatMap(({ message = [] }) => message)], how).toEqual([
    0,
    undefined,
  ])
  const flags = clean.ids.flags ?? []
  const wanted: Ids = {
    ...clean.ids,
    'whole/flags': [
      ...(before.ids['whole/flags'] ?? []),
      ...Array.from({ length: runs_of_whole }, () => flags).flat(),
    ].sort((a, b) => a - b),
  }
  expect(counted(await trial.ids()), how).toEqual(counted(wanted))
  expect((await trial.remembered()).states, how).toEqual(clean.remembered.states)
  expect(await trial.leftovers(), how).toEqual([])
}

/** By stream how often each id is there, as far as that is told in few words. */
const counted = (ids: Ids) =>
  Object.fromEntries(
    Object.entries(ids).map(([stream, list]) => {
      const times = new Map<number, number>()
      for (const id of list) times.set(id, (times.get(id) ?? 0) + 1)
      return [stream, rangesOf([...times])]
    }),
  )

/** Ids that follow each other and are there as often, such as `1-5000` or `7-9 x2`. */
function rangesOf(times: readonly (readonly [number, number])[]): string[] {
  const ranges: { readonly from: number; upto: number; readonly n: number }[] = []
  for (const [id, n] of times) {
    const last = ranges.at(-1)
    if (last !== undefined && last.upto + 1 === id && last.n === n) last.upto = id
    else ranges.push({ from: id, upto: id, n })
  }
  return ranges.map(({ from, upto, n }) => `${from}-${upto}${n === 1 ? '' : ` x${n}`}`)
}
