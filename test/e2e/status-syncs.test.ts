import { mkdir, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SyncStatus } from '../../src/core/sync-status.ts'
import { openSyncRig, type SyncFolder, type SyncRig, upTo } from '../support/sync-rig.ts'

let rig: SyncRig
beforeAll(async () => {
  rig = await openSyncRig()
}, 60_000)
afterAll(() => rig?.[Symbol.asyncDispose]())

interface Status {
  readonly partitions: readonly { readonly feed: string }[]
  readonly syncs: readonly Record<string, unknown>[]
}

/** The document of `status --json`; every sync in it is held against the documented shape. */
async function statusOf(folder: SyncFolder, ...words: string[]): Promise<Status> {
  const { stdout, stderr } = await folder.run(['status', '--json', ...words])
  if (stdout === '') throw new Error(stderr)
  const document = JSON.parse(stdout) as Status
  for (const sync of document.syncs) {
    const times = ['started_at', 'ended_at', 'states_at']
    const read = Object.entries(sync).map(([name, value]) => [
      name,
      times.includes(name) ? new Date(value as string) : value,
    ])
    SyncStatus.parse(Object.fromEntries(read))
  }
  return document
}

const files = (stream: string) => ({
  destination: 'lake',
  source: { type: 'files', paths: [`in/${stream}/*`], stream },
})

test('status shows each sync by its last attempt, and what the next one goes on from', async () => {
  const folder = await rig.folder({})
  const crm = { destination: 'lake', source: folder.counting() }
  const config = { control: 'control.json', token: { env: 'NO_SUCH_TOKEN' } }
  await folder.configure({
    crm,
    shop: files('shop'),
    secret: { destination: 'lake', source: folder.counting({ config }) },
    idle: files('idle'),
  })
  await mkdir(folder.path('in/shop'))
  await writeFile(folder.path('in/shop/a'), '{"id":1}\n{"id":2}\n')
  await writeFile(folder.path('in/shop/b'), '{"id":3}\n')
  await folder.control({
    users: 40,
    orders: 5,
    fails: { stream: 'orders', before: 3, how: 'exit' },
  })
  await folder.sync(['crm', 'shop', 'secret'])
  await folder.sync(['-', '--to', 'lake', '--stream', 'piped'], { input: '{"id":1}' })

  const { partitions, syncs } = await statusOf(folder)
  expect(partitions).toEqual([])
  const common = { configured: true, destination: 'lake', bad_values: 0 }
  expect(syncs).toEqual([
    {
      ...common,
      sync: 'crm',
      state: 'incomplete',
      ...{ streams: 3, streams_complete: 1, records: 40, objects: 1, bytes: expect.any(Number) },
      ...{ states_kind: 'stream', states: 1, states_at: expect.any(String) },
      ...{ started_at: expect.any(String), ended_at: expect.any(String) },
      code: 'source_failed',
      message: 'The source ended with exit code 1. It said: giving up',
    },
    {
      ...common,
      sync: 'shop',
      state: 'succeeded',
      ...{ streams: 1, streams_complete: 1, records: 3, objects: 1, bytes: expect.any(Number) },
      ...{ states_kind: 'file', states: 2, states_at: expect.any(String) },
      ...{ started_at: expect.any(String), ended_at: expect.any(String) },
    },
    {
      ...common,
      sync: 'secret',
      state: 'failed',
      ...{ records: 0, objects: 0, bytes: 0, states_kind: 'none', states: 0 },
      ...{ started_at: expect.any(String), ended_at: expect.any(String) },
      code: 'secret_missing',
      message: expect.stringContaining('NO_SUCH_TOKEN'),
    },
    {
      ...common,
      sync: 'idle',
      state: 'never',
      ...{ records: 0, objects: 0, bytes: 0, states_kind: 'none', states: 0 },
    },
    {
      ...common,
      sync: 'lake/piped',
      configured: false,
      state: 'succeeded',
      ...{ streams: 1, streams_complete: 1, records: 1, objects: 1, bytes: expect.any(Number) },
      ...{ states_kind: 'none', states: 0 },
      ...{ started_at: expect.any(String), ended_at: expect.any(String) },
    },
  ])

  const { stdout } = await folder.run(['status', 'crm', 'idle', 'lake/piped'])
  const text = stdout
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\dZ/g, 'AT')
    .replaceAll(/[\d.]+ k?B/g, 'SIZE')
  expect(text.replaceAll(/ {2,}/g, ' | ')).toBe(
    `sync | state | last run | streams | records | objects | size | goes on from
crm | incomplete | AT | 1 of 3 | 40 | 1 | SIZE | 1 stream
 | source_failed | The source ended with exit code 1. It said: giving up
idle | never | nothing
lake/piped | succeeded | AT | 1 | 1 | 1 | SIZE | nothing

3 syncs: 1 incomplete, 1 never, 1 succeeded
`,
  )
  const unknown = await folder.run(['status', 'crn'])
  expect(unknown).toMatchObject({ code: 2, stdout: '' })
  expect(unknown.stderr).toContain('error[feed_not_found]: There is no feed and no sync crn')
  expect(unknown.stderr).toContain('The syncs are: crm, shop, secret, idle, lake/piped.')
})

test('a sync that was killed is shown as cut off, and goes on', async () => {
  const folder = await rig.folder({})
  await folder.configure({
    crm: { destination: 'lake', source: folder.counting({ streams: ['users'] }) },
  })
  await folder.control({ users: 3000, pad: 1000, states: 'global' })
  await folder.run(['sync'], { env: { BUCKETLINE_CRASH_AT: 'committed' } })
  const [killed] = (await statusOf(folder, 'crm')).syncs
  expect(killed).toMatchObject({
    state: 'incomplete',
    streams: 1,
    code: 'interrupted',
    states_kind: 'global',
    states: 1,
  })
  expect(killed?.records).toBeGreaterThan(0)
  expect(killed).not.toHaveProperty('streams_complete')
  await folder.sync()
  expect((await statusOf(folder, 'crm')).syncs).toMatchObject([
    { state: 'succeeded', streams_complete: 1, states_kind: 'global' },
  ])
  expect(await folder.ids('users')).toEqual(upTo(3000))
  // What fails before it begins does not hide where the sync stands.
  await folder.configure({
    crm: { destination: 'lake', source: folder.counting({ command: ['./no-such-source'] }) },
  })
  await folder.sync()
  expect((await statusOf(folder, 'crm')).syncs).toMatchObject([
    { state: 'failed', code: 'source_failed', states_kind: 'global', records: 0 },
  ])
})

test('a feed and a sync of one name are both found by it', async () => {
  const feed = {
    store: 'bucket',
    prefix: 'clicks/',
    preset: 'toplyne-events',
  }
  const folder = await rig.folder({
    feeds: { clicks: feed, other: feed },
    syncs: { clicks: files('clicks'), idle: files('idle') },
  })
  await mkdir(folder.path('bucket/clicks/timestamp=2023-01-09'), { recursive: true })
  await writeFile(folder.path('bucket/clicks/timestamp=2023-01-09/a.jsonl'), '{}\n')
  await folder.run(['load'])
  const clicks = await statusOf(folder, 'clicks')
  const feedsIn = ({ partitions }: Status) => [...new Set(partitions.map(({ feed }) => feed))]
  expect(feedsIn(clicks)).toEqual(['clicks'])
  expect(clicks.syncs).toMatchObject([{ sync: 'clicks', state: 'never' }])
  expect(await statusOf(folder, 'idle')).toMatchObject({
    partitions: [],
    syncs: [{ sync: 'idle' }],
  })
  const other = await statusOf(folder, 'other')
  expect([feedsIn(other), other.syncs]).toEqual([['other'], []])
  const all = await statusOf(folder)
  expect(feedsIn(all)).toEqual(['clicks', 'other'])
  expect(all.syncs.map(({ sync }) => sync)).toEqual(['clicks', 'idle'])
})
