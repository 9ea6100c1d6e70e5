import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  openSendBench,
  recordLine as record,
  type SendBench,
  sendRecord,
  sampleStream as stream,
} from '../../../test/support/send-bench.ts'
import type { Destination } from '../../core/destination/destination.ts'
import type { Stream } from '../../core/destination/stream.ts'
import { routeLines } from '../../format/encode/envelope.ts'
import { receiveMessages } from './messages.ts'
import type { SendReport } from './send.ts'

let bench: SendBench
beforeEach(async () => {
  bench = await openSendBench()
})
afterEach(() => bench[Symbol.asyncDispose]())

const state = (name: string, at: unknown): string =>
  JSON.stringify({
    type: 'STATE',
    state: { type: 'STREAM', stream: { stream_descriptor: { name }, stream_state: { at } } },
  })
const globalState = (at: unknown): string =>
  JSON.stringify({ type: 'STATE', state: { type: 'GLOBAL', global: { stream_states: [], at } } })
const status = (name: string, what: string): string =>
  JSON.stringify({
    type: 'TRACE',
    trace: {
      type: 'STREAM_STATUS',
      emitted_at: 1,
      stream_status: { stream_descriptor: { name }, status: what },
    },
  })

interface Run {
  readonly states: string[]
  readonly report: SendReport
  readonly incomplete: string | undefined
}

async function sync(
  streams: readonly Stream[],
  lines: readonly string[],
  settings: Partial<Destination> = {},
): Promise<Run> {
  const states: string[] = []
  const send = await bench.begin({
    streams,
    settings,
    emit: async (durable) => {
      states.push(...durable.map(({ raw }) => raw))
    },
  })
  async function* input() {
    const bytes = Buffer.from(`${lines.join('\n')}\n`)
    for (let at = 0; at < bytes.length; at += 1_000) yield bytes.subarray(at, at + 1_000)
  }
  const { incomplete } = await receiveMessages(input(), { send, streams, routeLines })
  return { report: await send.finish(), states, incomplete }
}

const isControl = (key: string) => key.startsWith('lake/_bucketline/')
const objects = async () => (await bench.keys()).filter((key) => !isControl(key))

/** What readers of the bucket see of a stream: the data of its rows. */
async function rows(name: string): Promise<unknown[]> {
  const found: unknown[] = []
  for (const key of await objects()) {
    if (!key.startsWith(`lake/${name}/`)) continue
    const bytes = Buffer.from(await new Response(await bench.store.read(key)).arrayBuffer())
    const text = gunzipSync(bytes).toString()
    found.push(
      ...text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)._airbyte_data),
    )
  }
  return found
}
const ids = async (name: string) => (await rows(name)).map((row) => (row as { id: number }).id)

describe('a sync', () => {
  it('writes each stream to its directory, then gives the states back in order', async () => {
    const lines = [
      record('users', { id: 1 }),
      state('users', 1),
      record('orders', { id: 10 }),
      record('users', { id: 2 }),
      state('orders', 10),
      state('users', 2),
    ]
    const { states, report } = await sync([stream('users'), stream('orders')], lines)
    expect(await ids('users')).toEqual([1, 2])
    expect(await ids('orders')).toEqual([10])
    expect(states.filter((each) => each.includes('users'))).toEqual([lines[1], lines[5]])
    expect(states).toHaveLength(3)
    expect(report.streams.map(({ records_sent }) => records_sent)).toEqual([2, 1])
  })

  it('leaves no log behind, and a manifest of each stream under _bucketline', async () => {
    await sync([stream('users')], [record('users', { id: 1 })])
    const control = (await bench.keys()).filter(isControl)
    expect(control).toHaveLength(1)
    expect(control[0]).toMatch(/^lake\/_bucketline\/streams\/users-[0-9a-f]{12}\/manifests\//)
  })

  it('leaves nothing at all where nothing came', async () => {
    await sync([stream('users')], [])
    expect(await bench.keys()).toEqual([])
  })

  it('loses no record that comes behind the end of its stream', async () => {
    const done = status('users', 'COMPLETE')
    await sync([stream('users')], [record('users', { id: 1 }), done, record('users', { id: 2 })])
    expect((await ids('users')).sort()).toEqual([1, 2])
  })

  it('refuses a stream that would be written among its own things', async () => {
    await expect(sync([stream('_bucketline')], [])).rejects.toMatchObject({
      code: 'config_invalid',
    })
  })

  it('writes no object for a stream without records', async () => {
    const { states } = await sync([stream('users')], [state('users', 1)])
    expect(await objects()).toEqual([])
    expect(states).toHaveLength(1)
  })

  it('closes objects at a state when they are large enough', async () => {
    const lines = Array.from({ length: 30 }, (_, id) => [
      record('users', { id, v: 'x'.repeat(100_000) }),
      state('users', id),
    ]).flat()
    const { report, states } = await sync([stream('users')], lines, { max_part_rows: 10 })
    expect(report.streams[0]?.objects.length).toBeGreaterThan(1)
    expect(await ids('users')).toHaveLength(30)
    expect(states).toHaveLength(30)
  })
})

describe('a source that does not come to its end', () => {
  const cut = [
    status('users', 'STARTED'),
    record('users', { id: 1 }),
    record('users', { id: 2 }),
    state('users', 2),
    record('users', { id: 3 }),
  ]

  it('leaves what states cover, and nothing behind them', async () => {
    const { incomplete, states } = await sync([stream('users')], cut)
    expect(incomplete).toContain('users')
    expect(await ids('users')).toEqual([1, 2])
    expect(states).toEqual([cut[3]])
  })

  it('leaves the old objects of an overwrite whole', async () => {
    const over = stream('users', { write_mode: 'overwrite' })
    await sync([over], [record('users', { id: 100 })])
    await sync([over], [status('users', 'STARTED'), record('users', { id: 1 })])
    expect(await ids('users')).toEqual([100])
  })

  it('keeps a global state back as long as one stream lacks its records', async () => {
    const lines = [
      status('a', 'STARTED'),
      record('a', { id: 1 }),
      record('b', { id: 2 }),
      globalState(1),
      record('b', { id: 3 }),
    ]
    const { states } = await sync([stream('a'), stream('b')], lines)
    expect(states).toEqual([lines[3]])
    expect(await ids('a')).toEqual([1])
    expect(await ids('b')).toEqual([2])
  })
})

describe('overwrite', () => {
  const over = stream('users', { write_mode: 'overwrite' })

  it('takes the place of the stream’s own objects only', async () => {
    await sync([stream('users2')], [record('users2', { id: 7 })])
    await sync([over], [record('users', { id: 1 })])
    await sync([over], [record('users', { id: 2 })])
    expect(await ids('users')).toEqual([2])
    expect(await ids('users2')).toEqual([7])
  })

  it('leaves nothing of the stream when it is empty', async () => {
    await sync([over], [record('users', { id: 1 })])
    const { report } = await sync([over], [])
    expect(await objects()).toEqual([])
    expect(report.streams[0]?.superseded).toBe(1)
  })

  it('takes what the path format matches for the stream’s where no manifest is there yet', async () => {
    const body = Buffer.from('old')
    await bench.store.write('lake/users/2022_04_04_123456789_0.csv.gz', body)
    await bench.store.write('lake/users/notes.txt', body)
    await bench.store.write('lake/users2/2022_04_04_123456789_0.csv.gz', body)
    await sync([over], [record('users', { id: 1 })])
    expect((await objects()).filter((key) => !key.endsWith('.jsonl.gz'))).toEqual([
      'lake/users/notes.txt',
      'lake/users2/2022_04_04_123456789_0.csv.gz',
    ])
  })

  it('goes by generations where the platform counts them', async () => {
    const generation = (generation_id: number, minimum_generation_id: number) => [
      stream('users', { generation_id, minimum_generation_id, write_mode: 'overwrite' }),
    ]
    const done = status('users', 'COMPLETE')
    await sync(generation(1, 0), [record('users', { id: 1 }), done])
    // A truncate refresh that fails keeps old and new; the next of the same generation goes on from it.
    const partial = [record('users', { id: 2 }), state('users', 2), record('users', { id: 3 })]
    await sync(generation(2, 2), partial)
    expect(await ids('users')).toEqual([1, 2])
    await sync(generation(2, 2), [record('users', { id: 3 }), done])
    expect(await ids('users')).toEqual([2, 3])
    await sync(generation(3, 0), [record('users', { id: 4 }), done])
    expect(await ids('users')).toEqual([2, 3, 4])
  })
})

describe('append and deduplicate', () => {
  const merged = stream('users', {
    write_mode: 'append_dedup',
    primary_key: [['id']],
    cursor_field: ['at'],
  })

  it('keeps the row with the greatest cursor of each key', async () => {
    await sync(
      [merged],
      [record('users', { id: 1, at: 1, v: 'a' }), record('users', { id: 2, at: 1, v: 'b' })],
    )
    await sync(
      [merged],
      [
        record('users', { id: 1, at: 3, v: 'c' }),
        record('users', { id: 1, at: 2, v: 'late' }),
        record('users', { id: 3, at: 1, v: 'd' }),
      ],
    )
    const found = (await rows('users')) as { id: number; v: string }[]
    expect(found.map(({ id, v }) => [id, v]).sort()).toEqual([
      [1, 'c'],
      [2, 'b'],
      [3, 'd'],
    ])
  })

  it('keeps every digit, and keys apart that only a parser takes for the same', async () => {
    const line = (digits: string) =>
      `{"type":"RECORD","record":{"stream":"users","data":{"id":${digits},"n":50000.0000000000000001},"emitted_at":1}}`
    await sync(
      [merged],
      [line('99999999999999999999999999999999'), line('99999999999999999999999999999998')],
    )
    const [key = ''] = await objects()
    const bytes = Buffer.from(await new Response(await bench.store.read(key)).arrayBuffer())
    const text = gunzipSync(bytes).toString()
    expect(text).toContain('"id":99999999999999999999999999999999,"n":50000.0000000000000001')
    expect(text).toContain('"id":99999999999999999999999999999998')
  })

  it('removes a row whose winner says that it was deleted', async () => {
    await sync([merged], [record('users', { id: 1, at: 1 }), record('users', { id: 2, at: 1 })])
    await sync([merged], [record('users', { id: 1, at: 2, _ab_cdc_deleted_at: '2024-01-01' })])
    expect(await ids('users')).toEqual([2])
  })

  it('merges later what a sync that failed had made durable', async () => {
    await sync([merged], [record('users', { id: 1, at: 1, v: 'a' })])
    const failed = await sync(
      [merged],
      [
        status('users', 'STARTED'),
        record('users', { id: 1, at: 2, v: 'b' }),
        state('users', 2),
        record('users', { id: 9, at: 2 }),
      ],
    )
    expect(failed.states).toHaveLength(1)
    expect(await rows('users')).toMatchObject([{ v: 'a' }])
    await sync([merged], [record('users', { id: 2, at: 1 })])
    expect(await rows('users')).toMatchObject([{ id: 1, v: 'b' }, { id: 2 }])
  })

  it('refuses a stream that was written without a key', async () => {
    await sync([stream('users')], [record('users', { id: 1 })])
    await expect(sync([merged], [])).rejects.toMatchObject({ code: 'stream_not_mergeable' })
  })
})

describe('two writers on one path', () => {
  it('take different part ids', async () => {
    const settings = { path_format: '$' + '{STREAM_NAME}/', max_part_rows: 1 }
    const [one, two] = await Promise.all([
      bench.begin({ streams: [stream('users')], settings }),
      bench.begin({ streams: [stream('users')], settings }),
    ])
    for (const send of [one, two]) {
      sendRecord(send, record('users', { id: 1 }))
      send.complete(0)
    }
    await Promise.all([one.finish(), two.finish()])
    expect(await objects()).toEqual(['lake/users/0.jsonl.gz', 'lake/users/1.jsonl.gz'])
    expect(await ids('users')).toEqual([1, 1])
  })
})

describe('records that cannot be taken', () => {
  it('refuses a stream that the catalog does not have', async () => {
    await expect(sync([stream('users')], [record('other', {})])).rejects.toMatchObject({
      code: 'stream_unknown',
    })
  })

  it('takes everything back when it is aborted', async () => {
    const send = await bench.begin({
      streams: [stream('users')],
      settings: { max_part_rows: 1 },
    })
    sendRecord(send, record('users', { id: 1 }))
    await send.abort()
    expect(await bench.keys()).toEqual([])
  })
})
