import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SEND_STEPS } from '../../src/exchange/send/send.ts'
import { type Bucket, openBucket } from '../support/airbyte-bucket.ts'
import { startConnector, write } from '../support/airbyte-connector.ts'
import { catalogOf, recordLine, stateLine, statusLine } from '../support/airbyte-messages.ts'
import {
  NEW_IDS,
  OLD_IDS,
  openPlatform,
  openTemplate,
  type Platform,
  RECORDS,
  STREAMS,
} from '../support/airbyte-platform.ts'
import { seeded } from '../support/seeded.ts'
import { openHttpProxy } from './http-proxy.ts'
import { type RunningServer, startServer } from './launch.ts'
import { s3Server } from './s3-bucket.ts'

/**
 * A destination killed with SIGKILL and run again with the states it had given back: what is promised then
 * of each way to write a stream.
 */

const KILLS = Number(process.env.BUCKETLINE_CRASHES ?? 20)
const SEED = Number(process.env.BUCKETLINE_CRASH_SEED ?? Date.now() % 1_000_000)

let server: RunningServer
let template: Bucket
let dir = ''
let trials = 0
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'airbyte-crash-'))
  server = await startServer('minio')
  template = await openTemplate(s3Server(server), 'template', dir)
})
afterAll(async () => {
  template.close()
  await server.stop()
  await rm(dir, { recursive: true, force: true })
})

const open = () => openPlatform(s3Server(server), `trial-${++trials}`, template, dir)
const ids = (rows: readonly { readonly id: number }[] = []) => rows.map(({ id }) => id)
const sorted = (list: readonly number[]) => [...list].sort((a, b) => a - b)

/** What holds at any instant, whatever has died: checked right after a kill. */
async function expectHonest(platform: Platform, how: string): Promise<void> {
  const visible = await platform.visible()
  for (const { name } of STREAMS) {
    const seen = new Set(ids(visible[name]))
    const covered = NEW_IDS.slice(0, platform.received.get(name) ?? 0)
    // What is merged shows once it is merged; that it is not lost shows at the end.
    if (name !== 'merged') {
      expect(
        covered.filter((id) => !seen.has(id)),
        `${how}: ${name} lacks these`,
      ).toEqual([])
    }
    const has = (wanted: readonly number[]) => wanted.every((id) => seen.has(id))
    if (name === 'replaced') {
      expect(has(OLD_IDS) || has(NEW_IDS), `${how}: ${name} is neither old nor new`).toBe(true)
    } else expect(has(OLD_IDS), `${how}: ${name} has lost old rows`).toBe(true)
  }
}

/** Runs to the end; then nothing is lost, and twice is only what no state had covered in time. */
async function expectWhole(platform: Platform, how: string): Promise<number> {
  const end = await platform.attempt({})
  expect(end.code, `${how}: ${JSON.stringify(end.errors)}`).toBe(0)
  expect(end.torn, how).toEqual([])
  const visible = await platform.visible()
  let twice = 0
  for (const { name, mode } of STREAMS) {
    expect(platform.received.get(name), `${how}: states of ${name}`).toBe(RECORDS)
    const again = mode === 'append_dedup' ? [] : (platform.allowed.get(name) ?? [])
    const old = mode === 'overwrite' ? [] : OLD_IDS
    twice += again.length
    expect(sorted(ids(visible[name])), `${how}: ${name}`).toEqual(
      sorted([...NEW_IDS, ...old, ...again]),
    )
  }
  expect(await platform.bucket.leftovers(), how).toEqual([])
  return twice
}

describe('a destination killed with SIGKILL and run again', () => {
  // A ledger's own; without one they are not reached.
  const of_a_ledger: readonly string[] = ['prepared', 'decided']
  const steps = SEND_STEPS.filter((step) => !of_a_ledger.includes(step))
  const places = [
    ...steps,
    ...['intended:3', 'uploaded:2', 'uploaded:6', 'committed:4', 'emitted:4'],
    ...['superseding:2', 'superseded:2'],
  ]
  it.each(places)('at %s', async (place) => {
    const platform = await open()
    const { signal, torn } = await platform.attempt({ crash_at: place })
    expect(signal).toBe('SIGKILL')
    expect(torn).toEqual([])
    await expectHonest(platform, place)
    await platform.noteCommitted()
    await expectWhole(platform, place)
    platform.close()
  })

  it.each(['emitted', 'merged'])(
    'at %s of a first sync, when the next has no record',
    async (place) => {
      const bucket = await openBucket(s3Server(server), `first-${place}`)
      const stream = { name: 'merged', mode: 'append_dedup' } as const
      const call = { config: bucket.config(), catalog: catalogOf([stream]), dir }
      const done = statusLine(stream, 'COMPLETE')
      const lines = [1, 2, 2].map((id, at) => recordLine(stream, { id, at, v: '' }))
      const env = { BUCKETLINE_CRASH_AT: place }
      const killed = await write({ ...call, env }, [...lines, stateLine(stream, 3, 3), done])
      expect(killed.signal).toBe('SIGKILL')
      expect(killed.states).toHaveLength(1)
      expect((await write(call, [done])).code).toBe(0)
      const texts = await Promise.all((await bucket.objects()).map(bucket.text))
      const rows = texts.flatMap((text) => text.split('\n').filter(Boolean))
      expect(rows.map((row) => JSON.parse(row)._airbyte_data.id).sort()).toEqual([1, 2])
      expect(await bucket.leftovers()).toEqual([])
      bucket.close()
    },
  )

  it('in the middle of a multipart upload shows readers nothing of it, and leaves nothing', async () => {
    const proxy = await openHttpProxy(server.settings.url)
    const bucket = await openBucket(s3Server(server), 'multipart', proxy.url)
    const stream = { name: 'large', mode: 'append' } as const
    const call = { config: bucket.config(), catalog: catalogOf([stream]), dir }
    // More than two parts of 8 MB, in one object.
    const lines = Array.from({ length: 24 }, (_, id) =>
      recordLine(stream, { id, at: 1, v: 'x'.repeat(1 << 20) }),
    )
    const all = [...lines, stateLine(stream, 24, 24), statusLine(stream, 'COMPLETE')]
    const { child, ended } = await startConnector('write', call)
    proxy.before = ({ path }) => {
      if (path.includes('partNumber=2')) child.kill('SIGKILL')
    }
    child.stdin?.end(`${all.join('\n')}\n`)
    const killed = await ended
    expect(killed.signal).toBe('SIGKILL')
    expect(killed.states).toEqual([])
    expect(await bucket.objects()).toEqual([])
    expect((await bucket.leftovers()).join('\n')).toContain('unfinished: ')
    proxy.before = undefined
    expect((await write(call, all)).code).toBe(0)
    const [key = '', ...others] = await bucket.objects()
    expect(others).toEqual([])
    expect((await bucket.text(key)).trimEnd().split('\n')).toHaveLength(24)
    expect(await bucket.leftovers()).toEqual([])
    bucket.close()
    await proxy.close()
  })

  it(
    `at ${KILLS} random instants (seed ${SEED})`,
    async () => {
      const random = seeded(SEED)
      const clean = await open()
      const began = performance.now()
      await expectWhole(clean, 'without a kill')
      const ms = performance.now() - began
      clean.close()
      let killed = 0
      let trials_run = 0
      let twice = 0
      while (killed < KILLS) {
        const platform = await open()
        const wanted = Math.min(KILLS - killed, 1 + Math.floor(random() * 3))
        const instants: number[] = []
        while (instants.length < wanted) {
          const kill_after_ms = random() * ms
          const { signal, torn } = await platform.attempt({ kill_after_ms })
          expect(torn).toEqual([])
          // It had ended before.
          if (signal !== 'SIGKILL') break
          instants.push(Math.round(kill_after_ms))
          await expectHonest(platform, `killed after ${instants.join(', ')} ms`)
          await platform.noteCommitted()
        }
        twice += await expectWhole(platform, `killed after ${instants.join(', ')} ms`)
        platform.close()
        killed += instants.length
        trials_run += 1
      }
      console.info(
        `${killed} kills in ${trials_run} buckets: nothing lost, ${twice} records twice whose states had not been given back, seed ${SEED}`,
      )
    },
    60_000 + KILLS * 20_000,
  )
})
