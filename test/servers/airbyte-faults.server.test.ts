import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bucket, openBucket } from '../support/airbyte-bucket.ts'
import { startConnector, write } from '../support/airbyte-connector.ts'
import { catalogOf, recordLine, stateLine, statusLine } from '../support/airbyte-messages.ts'
import { type HttpProxy, openHttpProxy } from './http-proxy.ts'
import { type RunningServer, startServer } from './launch.ts'
import { s3Server } from './s3-bucket.ts'

/** A destination whose store does not answer as it should. */

const STREAMS = [
  { name: 'appended', mode: 'append' },
  { name: 'replaced', mode: 'overwrite' },
  { name: 'merged', mode: 'append_dedup' },
] as const
const ROUNDS = 12
const IDS = Array.from({ length: ROUNDS * 10 }, (_, at) => at)

let server: RunningServer
let proxy: HttpProxy
let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'airbyte-faults-'))
  server = await startServer('minio')
  proxy = await openHttpProxy(server.settings.url)
})
afterAll(async () => {
  await proxy.close()
  await server.stop()
  await rm(dir, { recursive: true, force: true })
})

function heal(): void {
  proxy.before = undefined
  proxy.alter = undefined
}

const bucketAt = async (name: string) => openBucket(s3Server(server), name, proxy.url)

/** What the streams say, a piece at a time, so that there are many commits. */
async function sync(bucket: Bucket, old = false) {
  const { child, ended } = await startConnector('write', {
    config: bucket.config({ max_part_age_seconds: 0.01 }),
    catalog: catalogOf(STREAMS),
    dir,
  })
  const send = (lines: readonly string[]) =>
    void child.stdin?.write(lines.map((line) => `${line}\n`).join(''))
  void (async () => {
    // Not before it is there: what waits in the pipe is taken at once, and makes few commits.
    for (const seen = proxy.requests.length; proxy.requests.length === seen; ) {
      if (child.exitCode !== null) return
      await delay(10)
    }
    const ids = old ? [1_000] : IDS
    for (let at = 0; at < ids.length; at += 10) {
      const piece = ids.slice(at, at + 10)
      send(
        STREAMS.flatMap((stream) => [
          ...piece.map((id) => recordLine(stream, { id, at: 1, v: '' })),
          stateLine(stream, at + 10, piece.length),
        ]),
      )
      await delay(20)
    }
    send(STREAMS.map((stream) => statusLine(stream, 'COMPLETE')))
    child.stdin?.end()
  })()
  return ended
}

async function idsOf(bucket: Bucket, stream: string): Promise<number[]> {
  const keys = (await bucket.objects()).filter((key) => key.startsWith(`lake/${stream}/`))
  const texts = await Promise.all(keys.map(bucket.text))
  return texts
    .flatMap((text) => text.split('\n').filter(Boolean))
    .map((line) => (JSON.parse(line) as { _airbyte_data: { id: number } })._airbyte_data.id)
    .sort((a, b) => a - b)
}

type Fate = 'reset' | 'lost' | 'slow'

/** Every tenth request fails, in three ways by turns. `phase`: which is the first. */
function failEveryTenth(phase: number): Record<Fate, number> {
  const failed = { reset: 0, lost: 0, slow: 0 }
  const fates = new WeakMap<object, Fate>()
  let asked = phase
  proxy.before = (request) => {
    asked += 1
    if (asked % 10 !== 0) return
    const fate = (['reset', 'lost', 'slow'] as const)[Math.floor(asked / 10) % 3] as Fate
    failed[fate] += 1
    fates.set(request, fate)
    // The connection ends before the server was asked.
    if (fate === 'reset') throw new Error('reset')
  }
  proxy.alter = (answer, request) => {
    const fate = fates.get(request)
    if (fate === undefined) return answer
    // Here it was asked, and the answer does not arrive.
    if (fate === 'lost') throw new Error('lost')
    const body = Buffer.from('<Error><Code>SlowDown</Code><Message>Slower.</Message></Error>')
    return { status: 503, headers: { 'content-type': 'application/xml' }, body }
  }
  return failed
}

describe('a store that fails every tenth request', () => {
  it.each([0, 3, 6, 9])('gets all records once, from the request %i on', async (phase) => {
    const bucket = await bucketAt(`tenth-${phase}`)
    heal()
    expect((await sync(bucket, true)).code).toBe(0)
    const failed = failEveryTenth(phase)
    const end = await sync(bucket)
    heal()
    expect(end.code, JSON.stringify(end.errors)).toBe(0)
    expect(end.states).toHaveLength(STREAMS.length * ROUNDS)
    expect(await idsOf(bucket, 'replaced')).toEqual(IDS)
    expect(await idsOf(bucket, 'appended')).toEqual([...IDS, 1_000])
    expect(await idsOf(bucket, 'merged')).toEqual([...IDS, 1_000])
    expect(await bucket.leftovers()).toEqual([])
    expect(Math.min(...Object.values(failed))).toBeGreaterThan(0)
    bucket.close()
  })
})

describe('a store that dies for good', () => {
  it.each([6, 14, 22])(
    'after %i requests fails the sync; the next one takes its rest back',
    async (requests) => {
      const bucket = await bucketAt(`dead-${requests}`)
      heal()
      expect((await sync(bucket, true)).code).toBe(0)
      let asked = 0
      proxy.before = () => {
        if (++asked > requests) throw new Error('gone')
      }
      const end = await sync(bucket)
      expect(end.code).toBe(1)
      expect(end.errors).toHaveLength(1)
      expect(end.errors[0]?.failure_type).toBe('transient_error')
      heal()
      const upto = (name: string) =>
        10 * end.states.filter((line) => line.includes(`"name":"${name}"`)).length
      // What states covered is there; an overwrite has left the old rows, or was done before the store died.
      expect(await idsOf(bucket, 'appended')).toEqual(
        expect.arrayContaining(IDS.slice(0, upto('appended'))),
      )
      const replaced = await idsOf(bucket, 'replaced')
      if (!replaced.includes(1_000)) expect(replaced).toEqual(IDS)
      const lines = STREAMS.flatMap((stream) => [
        ...IDS.slice(stream.mode === 'overwrite' ? 0 : upto(stream.name)).map((id) =>
          recordLine(stream, { id, at: 1, v: '' }),
        ),
        statusLine(stream, 'COMPLETE'),
      ])
      const config = bucket.config()
      expect((await write({ config, catalog: catalogOf(STREAMS), dir }, lines)).code).toBe(0)
      expect(await idsOf(bucket, 'replaced')).toEqual(IDS)
      expect(await idsOf(bucket, 'appended')).toEqual([...IDS, 1_000])
      expect(await idsOf(bucket, 'merged')).toEqual([...IDS, 1_000])
      expect(await bucket.leftovers()).toEqual([])
      bucket.close()
    },
  )
})

describe('a store that does not delete for a while', () => {
  it.each(['replaced', 'merged'])(
    'leaves %s whole, old or new, and the next sync goes on',
    async (name) => {
      const bucket = await bucketAt(`deletes-${name}`)
      heal()
      expect((await sync(bucket, true)).code).toBe(0)
      let refused = 0
      proxy.before = ({ method, path, body }) => {
        const deletes = method === 'POST' && path.includes('delete')
        // As often as the client tries; what it does after it has given up succeeds.
        if (deletes && refused < 6 && body.includes(`lake/${name}/`)) {
          refused += 1
          throw new Error('refused')
        }
      }
      const end = await sync(bucket)
      heal()
      expect(refused).toBe(6)
      expect(end.code).toBe(1)
      const wanted = name === 'merged' ? [...IDS, 1_000] : IDS
      expect(await idsOf(bucket, name)).toEqual(wanted)
      // No record: the platform has all states.
      const streams = STREAMS.filter((stream) => stream.name === 'merged')
      const lines = streams.map((stream) => statusLine(stream, 'COMPLETE'))
      const call = { config: bucket.config(), catalog: catalogOf(streams), dir }
      expect((await write(call, lines)).code).toBe(0)
      expect(await idsOf(bucket, 'merged')).toEqual([...IDS, 1_000])
      expect(await bucket.leftovers()).toEqual([])
      bucket.close()
    },
  )
})
