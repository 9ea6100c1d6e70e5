import { beforeEach, describe, expect, it } from 'vitest'
import { ExchangeError } from '../../core/errors.ts'
import { openMemory } from '../../store/memory.ts'
import { isKeyPrefix, type ObjectStore } from '../../store/store.ts'
import { ALIVE, DEAD_AFTER_MS, entryKey, type LogEntry, type Writer } from './attempt-log.ts'
import { controlKeys } from './control.ts'
import { writeJson } from './json-object.ts'
import { readManifests } from './manifest.ts'
import { ATTEMPT_METADATA, recoverAttempts } from './recover.ts'
import { thisWriter } from './writer.ts'

const control = controlKeys('lake')
const USERS = { name: 'users' }
/** No process has this id: it lies beyond what systems give. */
const dead: Writer = { ...thisWriter(), pid: 2 ** 22 + 7, started: '1' }

let store: ObjectStore
beforeEach(() => {
  store = openMemory()
})

const written = (key: string, by = 'dead') =>
  store.write(key, Buffer.from(key), { metadata: { [ATTEMPT_METADATA]: by } })
const object = (key: string) => ({ key, stream: 0, bytes: key.length, records: 1 })
const begin = (more: Partial<Extract<LogEntry, { type: 'begin' }>> = {}): LogEntry => ({
  type: 'begin',
  attempt_id: 'dead',
  writer: dead,
  streams: [USERS],
  decided_by: 'log',
  ...more,
})
async function log(...entries: readonly LogEntry[]): Promise<void> {
  const folder = control.attempt('dead')
  await writeJson(store, `${folder}${ALIVE}`, {})
  for (const [n, entry] of entries.entries()) await writeJson(store, entryKey(folder, n), entry)
}
const recover = (more: Partial<Parameters<typeof recoverAttempts>[0]> = {}) =>
  recoverAttempts({
    store,
    control,
    by: { writer: thisWriter(), attempt_id: 'mine' },
    now: new Date(),
    ...more,
  })
async function keys(): Promise<string[]> {
  const found: string[] = []
  for await (const entry of store.list('')) if (!isKeyPrefix(entry)) found.push(entry.key)
  return found
}
const data = async () => (await keys()).filter((key) => !key.startsWith(control.prefix))
const logs = async () => (await keys()).filter((key) => key.startsWith(control.attempts))

describe('an attempt that has died', () => {
  it('keeps what it committed, loses what it did not, and leaves no log', async () => {
    for (const key of ['lake/1', 'lake/2', 'lake/3']) await written(key)
    await log(
      begin(),
      { type: 'intent', objects: [object('lake/1'), object('lake/2')] },
      { type: 'commit', n: 0, keys: ['lake/1'] },
      { type: 'intent', objects: [object('lake/3'), object('lake/never-written')] },
    )
    expect(await recover()).toEqual([
      { attempt_id: 'dead', removed: ['lake/2', 'lake/3'], uploads: { aborted: 0 } },
    ])
    expect(await data()).toEqual(['lake/1'])
    expect(await logs()).toEqual([])
    const [manifest] = await readManifests(store, control.stream(USERS))
    expect(manifest).toMatchObject({ complete: false, objects: [{ key: 'lake/1' }] })
  })

  it('leaves an object alone that another writer has put under its key', async () => {
    await written('lake/1', 'other')
    await log(begin(), { type: 'intent', objects: [object('lake/1')] })
    expect(await recover()).toMatchObject([{ attempt_id: 'dead', removed: [] }])
    expect(await data()).toEqual(['lake/1'])
  })

  it('deletes what its objects had taken the place of', async () => {
    for (const key of ['lake/old', 'lake/new']) await written(key)
    await log(
      begin(),
      { type: 'intent', objects: [object('lake/new')] },
      { type: 'commit', n: 0, keys: ['lake/new'] },
      { type: 'supersede', keys: ['lake/old'] },
    )
    await recover()
    expect(await data()).toEqual(['lake/new'])
  })

  it('is finished by the next one where its recovery died, too', async () => {
    await written('lake/1')
    await log(
      begin(),
      { type: 'intent', objects: [object('lake/1')] },
      { type: 'taken_over', by: dead, attempt_id: 'dead-too' },
    )
    expect(await recover()).toHaveLength(1)
    expect(await keys()).toEqual([])
  })

  /** The store, with something done between the first look at the log and the second one. */
  const meanwhile = (act: () => Promise<void>): ObjectStore => {
    let done = false
    return {
      ...store,
      async *list(prefix, io) {
        if (prefix === control.attempt('dead') && !done) {
          done = true
          await act()
        }
        yield* store.list(prefix, io)
      },
    }
  }
  const sent = { type: 'intent', objects: [object('lake/1')] } as const

  it('is read again once it is known to have died: its last word may have been a commit', async () => {
    await written('lake/1')
    await log(begin(), sent)
    const late = meanwhile(() =>
      writeJson(store, entryKey(control.attempt('dead'), 2), {
        type: 'commit',
        n: 0,
        keys: ['lake/1'],
      }),
    )
    expect(await recover({ store: late })).toMatchObject([{ attempt_id: 'dead', removed: [] }])
    expect(await data()).toEqual(['lake/1'])
    const [manifest] = await readManifests(store, control.stream(USERS))
    expect(manifest).toMatchObject({ objects: [{ key: 'lake/1' }] })
  })

  it('is left alone where it has come to a good end since it was seen', async () => {
    await written('lake/1')
    await log(begin(), sent)
    const late = meanwhile(async () => store.delete(await logs()))
    expect(await recover({ store: late })).toEqual([])
    expect(await keys()).toEqual(['lake/1'])
  })

  it('is left to another process that claims it first, and a store that fails is no such process', async () => {
    await log(begin())
    const claiming = (code: 'object_exists' | 'store_unavailable'): ObjectStore => ({
      ...store,
      write: async () => {
        throw new ExchangeError(code, 'the claim')
      },
    })
    expect(await recover({ store: claiming('object_exists') })).toEqual([])
    await expect(recover({ store: claiming('store_unavailable') })).rejects.toMatchObject({
      code: 'store_unavailable',
    })
    expect(await logs()).toHaveLength(2)
  })

  it('is not taken for unfinished while its log was being deleted', async () => {
    await written('lake/1')
    const folder = control.attempt('dead')
    // The first entry has gone, and the commit with it.
    await writeJson(store, entryKey(folder, 1), { type: 'intent', objects: [object('lake/1')] })
    expect(await recover()).toEqual([])
    expect(await keys()).toEqual(['lake/1'])
  })
})

describe('where a ledger decides', () => {
  const prepared = async () => {
    for (const key of ['lake/1', 'lake/2']) await written(key)
    await log(
      begin({ decided_by: 'ledger' }),
      { type: 'intent', objects: [object('lake/1'), object('lake/2')] },
      { type: 'prepare', n: 0, keys: ['lake/1'] },
      { type: 'commit', n: 0, keys: ['lake/1'] },
      { type: 'prepare', n: 1, keys: ['lake/2'] },
    )
  }

  it('keeps what the ledger committed though the log does not say so', async () => {
    await prepared()
    await recover({ lastCommit: async () => 1 })
    expect(await data()).toEqual(['lake/1', 'lake/2'])
  })

  it('removes what the ledger did not commit', async () => {
    await prepared()
    await recover({ lastCommit: async () => 0 })
    expect(await data()).toEqual(['lake/1'])
  })

  it('goes by the commit that it finds when it cuts the attempt off, which is once the log is its own', async () => {
    await prepared()
    let claimed = false
    const cutOff = async () => {
      claimed = (await logs()).length > 6
      return 1
    }
    // The attempt lives after all, and commits between the two questions.
    await recover({ lastCommit: async () => 0, cutOff })
    expect(claimed).toBe(true)
    expect(await data()).toEqual(['lake/1', 'lake/2'])
  })

  it('leaves everything to who has that ledger', async () => {
    await prepared()
    const before = await keys()
    expect(await recover()).toEqual([])
    expect(await recover({ lastCommit: async () => undefined })).toEqual([])
    expect(await keys()).toEqual(before)
  })
})

describe('an attempt that lives', () => {
  it('is left alone on this machine as long as its process runs', async () => {
    await log(begin({ writer: thisWriter() }))
    expect(await recover({ now: new Date(Date.now() + 10 * DEAD_AFTER_MS) })).toEqual([])
    expect(await logs()).toHaveLength(2)
  })

  it('is left alone on another machine until its signs of life are old', async () => {
    await log(begin({ writer: { ...dead, host: 'elsewhere' } }))
    const at = (ms: number) => ({ now: new Date(Date.now() + ms) })
    expect(await recover(at(DEAD_AFTER_MS - 5_000))).toEqual([])
    expect(await recover(at(DEAD_AFTER_MS + 5_000))).toHaveLength(1)
  })
})
