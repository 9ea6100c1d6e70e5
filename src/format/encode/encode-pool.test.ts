import { setImmediate } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { encodingWith } from '../../../test/support/encoding.ts'
import { ExchangeError } from '../../core/errors.ts'
import type { Encoder, Encoding } from './encode.ts'
import { openEncoder } from './encode-pool.ts'

let encoder: Encoder | undefined
afterEach(async () => {
  await encoder?.[Symbol.asyncDispose]()
})

const encoding = (name = 's'): Encoding =>
  encodingWith({
    id: `encoding of ${name}`,
    stream: { name, json_schema: {} },
    output: { type: 'jsonl', flatten: true, compression: 'none' },
    keep_additional_properties: true,
  })
/** A block alone in its memory, as its memory is given away. */
function block(from: number, count: number, stream = 's') {
  const lines = Array.from(
    { length: count },
    (_, at) =>
      `{"type":"RECORD","record":{"stream":"${stream}","data":{"i":${from + at}},"emitted_at":1700000000000}}\n`,
  )
  return { bytes: new Uint8Array(Buffer.from(lines.join(''))), records: count }
}
const numbers = (segments: readonly { bytes: Uint8Array }[]) =>
  segments.flatMap(
    ({ bytes }) =>
      Buffer.from(bytes)
        .toString()
        .match(/(?<="i":)\d+/g)
        ?.map(Number) ?? [],
  )

describe('an encoder', () => {
  it('answers each of many blocks at once with its own records', async () => {
    encoder = openEncoder({ threads: 2 })
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, at) => {
        const stream = at % 3 === 0 ? 'a' : 'b'
        return encoder?.encode(block(at * 1000, 100 + at, stream), encoding(stream))
      }),
    )
    for (const [at, answer] of answers.entries()) {
      const expected = Array.from({ length: 100 + at }, (_, i) => at * 1000 + i)
      expect(numbers(answer?.segments ?? [])).toEqual(expected)
      expect(answer?.segments[0]?.records).toBe(100 + at)
    }
  })

  it('takes the memory of blocks', async () => {
    encoder = openEncoder({ threads: 1 })
    const given = block(0, 10)
    await encoder.encode(given, encoding())
    expect(given.bytes.byteLength).toBe(0)
  })

  it('refuses a block whose memory was given away before, and goes on', async () => {
    encoder = openEncoder({ threads: 1 })
    const given = block(0, 10)
    const first = encoder.encode(given, encoding())
    await expect(encoder.encode(given, encoding())).rejects.toThrow()
    expect((await first).segments[0]?.records).toBe(10)
    expect(numbers((await encoder.encode(block(5, 1), encoding())).segments)).toEqual([5])
  })

  it('hands on what is refused, and goes on', async () => {
    encoder = openEncoder({ threads: 1 })
    const bad = encoder.encode(block(0, 1, 'other'), encoding())
    const good = encoder.encode(block(7, 1), encoding())
    const error = await bad.catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ExchangeError)
    expect(error).toMatchObject({ code: 'record_invalid', retryable: false })
    expect((error as ExchangeError).message).toContain('of the stream other')
    expect((error as ExchangeError).hint).toContain('RECORD message')
    expect((error as ExchangeError).details).toHaveProperty('line')
    expect(numbers((await good).segments)).toEqual([7])
  })

  it('fails a block by a defect alone', async () => {
    encoder = openEncoder({ threads: 1 })
    const { bytes } = block(0, 1)
    const broken = encoder.encode({ bytes, records: 2 }, encoding())
    await expect(broken).rejects.toThrow('a block of 2 records has 1 lines')
    expect(numbers((await encoder.encode(block(3, 1), encoding())).segments)).toEqual([3])
  })

  it('fails the blocks of a thread that dies, and takes others after that', async () => {
    const threads: Worker[] = []
    const seen = (thread: Worker) => threads.push(thread)
    process.on('worker', seen)
    encoder = openEncoder({ threads: 1 })
    const given = [0, 1, 2].map((at) => encoder?.encode(block(at, 1), encoding()))
    const outcomes = Promise.allSettled(given)
    // It is told in the next turn.
    await setImmediate()
    process.off('worker', seen)
    await threads[0]?.terminate()
    // Two were with the thread, the third had not been given away.
    const [first, second, third] = await outcomes
    expect(first).toMatchObject({ status: 'rejected' })
    expect((second as PromiseRejectedResult).reason).toMatchObject({
      message: expect.stringContaining('a thread of the encoder ended'),
    })
    expect(third).toMatchObject({ status: 'fulfilled', value: { segments: [{ records: 1 }] } })
  })

  it('ends what is under way when it is closed', async () => {
    encoder = openEncoder({ threads: 2 })
    const under_way = Array.from({ length: 20 }, (_, at) =>
      encoder?.encode(block(at, 20_000), encoding()),
    )
    const outcomes = Promise.allSettled(under_way)
    await encoder[Symbol.asyncDispose]()
    const last = (await outcomes).at(-1)
    expect(last).toMatchObject({ status: 'rejected', reason: new Error('the encoder was closed') })
    await expect(encoder.encode(block(0, 1), encoding())).rejects.toThrow('closed')
  })
})
