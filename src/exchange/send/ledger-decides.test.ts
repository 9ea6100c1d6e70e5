import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  openSendBench,
  recordLine,
  type SendBench,
  sampleStream,
  sendRecord,
} from '../../../test/support/send-bench.ts'
import type { LogEntry } from './attempt-log.ts'
import { readJson, writeJson } from './json-object.ts'
import type { Send, SendContext } from './send.ts'

let bench: SendBench
beforeEach(async () => {
  bench = await openSendBench()
})
afterEach(() => bench[Symbol.asyncDispose]())

const begin = (more: Pick<SendContext, 'emit' | 'lastCommit'>): Promise<Send> =>
  bench.begin({ streams: [sampleStream('users')], ...more })

function sendOne(send: Send): void {
  sendRecord(send, recordLine('users', { id: 1 }))
  send.complete(0)
}

/** A ledger that keeps a commit, or does not, and then is cut off before it answers. */
const cutOff = (keeps: boolean) => {
  let last = -1
  return {
    emit: async (_: unknown, { n }: { readonly n: number }) => {
      if (keeps) last = n
      throw new Error('the connection was lost')
    },
    lastCommit: async () => last,
  }
}

describe('a commit whose answer was lost', () => {
  it('has taken place where the ledger says so: its objects stay', async () => {
    const send = await begin(cutOff(true))
    sendOne(send)
    await expect(send.finish()).rejects.toThrow('the connection was lost')
    await send.abort()
    expect(await bench.keys('lake/users/')).toHaveLength(1)
    expect(await bench.keys('lake/_bucketline/attempts/')).toEqual([])
  })

  it('has not where it does not: they are taken back', async () => {
    const send = await begin(cutOff(false))
    sendOne(send)
    await expect(send.finish()).rejects.toThrow('the connection was lost')
    await send.abort()
    expect(await bench.keys('lake/users/')).toEqual([])
  })

  it('waits for the next sync where the ledger cannot be asked: nothing is deleted', async () => {
    const send = await begin({
      ...cutOff(true),
      lastCommit: async () => {
        throw new Error('still away')
      },
    })
    sendOne(send)
    await expect(send.finish()).rejects.toThrow('the connection was lost')
    await expect(send.abort()).rejects.toThrow('still away')
    expect(await bench.keys('lake/users/')).toHaveLength(1)
    expect(await bench.keys('lake/_bucketline/attempts/')).not.toEqual([])
  })
})

describe('a dead attempt with a commit that a ledger decides on', () => {
  /** An attempt that was prepared and then killed, in a process that is no more. */
  async function die(): Promise<string> {
    const send = await begin({
      emit: async () => {
        throw new Error('killed')
      },
      lastCommit: () => Promise.reject(new Error('killed')),
    })
    sendOne(send)
    await send.finish().catch(() => {})
    await send.abort().catch(() => {})
    const first = `lake/_bucketline/attempts/${send.attempt_id}/000000.json`
    const entry = (await readJson<LogEntry>(bench.store, first)) as Extract<
      LogEntry,
      { type: 'begin' }
    >
    await writeJson(bench.store, first, {
      ...entry,
      writer: { ...entry.writer, started: 'long ago' },
    })
    return send.attempt_id
  }
  const emit = async () => {}

  const cases: readonly [string, SendContext['lastCommit'], number, number][] = [
    ['is left alone by who has no ledger', undefined, 1, 0],
    ['is left alone by who has another ledger', async () => undefined, 1, 0],
    ['is finished where its ledger knows the commit', async () => 0, 1, 1],
    ['is taken back where its ledger knows none', async () => -1, 0, 1],
  ]
  it.each(cases)('%s', async (_, lastCommit, objects, recovered) => {
    const attempt_id = await die()
    const send = await begin({ emit, ...(lastCommit === undefined ? {} : { lastCommit }) })
    const report = await send.finish()
    expect(report.recovered).toHaveLength(recovered)
    expect(await bench.keys('lake/users/')).toHaveLength(objects)
    expect(await bench.keys(`lake/_bucketline/attempts/${attempt_id}/`)).toHaveLength(
      recovered === 1 ? 0 : 4,
    )
  })
})
