import { readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSyncRig, type SyncFolder, type SyncRig, upTo } from '../support/sync-rig.ts'

/** Airbyte sources that end their output and do not exit. */

let rig: SyncRig
beforeAll(async () => {
  rig = await openSyncRig()
}, 60_000)
afterAll(() => rig?.[Symbol.asyncDispose]())

const EXIT_WITHIN = '500ms'

async function lingering(control: object, more: object = {}): Promise<SyncFolder> {
  const folder = await rig.folder({})
  await folder.configure({
    crm: {
      destination: 'lake',
      source: folder.counting({ streams: ['users', 'flags'], exit_within: EXIT_WITHIN, ...more }),
    },
  })
  await folder.control({ users: 25, flags: 3, ...control })
  return folder
}

/** What still runs of a folder's source and of what that started. */
async function running(folder: SyncFolder): Promise<string[]> {
  const found = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '')
    if (cwd === folder.dir) found.push(await readFile(`/proc/${pid}/cmdline`, 'utf8'))
  }
  return found
}

test.each([
  ['until_told', 'The source went on for 0.5 s after its output had ended, and was ended.'],
  ['deaf', 'The source went on for 0.5 s after its output had ended, and was ended.'],
  [
    'child',
    'Something that the source had started went on for 0.5 s after its output had ended, and was ended.',
  ],
])('a source that lingers (%s) is ended, and what it called complete is', async (how, message) => {
  const folder = await lingering({ lingers: how })
  const { code, syncs } = await folder.sync()
  expect([code, syncs]).toMatchObject([
    0,
    [
      {
        state: 'succeeded',
        streams: [
          { stream: 'users', complete: true, records_sent: 25 },
          { stream: 'flags', complete: true, records_sent: 3 },
        ],
        notes: [{ code: 'source_ended', message }],
      },
    ],
  ])
  expect(await running(folder)).toEqual([])
  expect(await folder.leftovers()).toEqual([])
  // Its states count, too.
  await folder.control({ users: 30, flags: 3 })
  const second = await folder.sync()
  expect(second.syncs).toMatchObject([{ state: 'succeeded', notes: [] }])
  expect(await folder.ids('users')).toEqual(upTo(30))
})

test('streams that it did not call complete are not', async () => {
  const folder = await lingering({ fails: { stream: 'flags', before: 2, how: 'linger' } })
  const { code, syncs } = await folder.sync()
  expect([code, syncs]).toMatchObject([
    1,
    [
      {
        state: 'failed',
        code: 'streams_incomplete',
        message: expect.stringContaining('status message: flags'),
        streams: [
          { stream: 'users', complete: true },
          { stream: 'flags', complete: false, records_sent: 0 },
        ],
        notes: [{ code: 'source_ended' }],
      },
    ],
  ])
  expect(await folder.ids('users')).toEqual(upTo(25))
  expect(await running(folder)).toEqual([])
})

test('of a source that never speaks of its streams nothing says that they are complete', async () => {
  const folder = await lingering({ lingers: 'until_told', untold: true })
  const { syncs } = await folder.sync()
  expect(syncs).toMatchObject([
    {
      state: 'failed',
      code: 'source_failed',
      message:
        'The source did not exit within 0.5 s of the end of its output, and never told whether its streams are complete.',
      streams: [
        { stream: 'users', complete: false, records_sent: 25 },
        { stream: 'flags', complete: false, records_sent: 0 },
      ],
    },
  ])
})

test('a delivery takes what it called complete, with a note', async () => {
  const folder = await lingering({ lingers: 'until_told' })
  await writeFile(
    folder.path('flags.yaml'),
    `apiVersion: v3.2.0
kind: DataContract
id: flags
name: Flags
version: 1.0.0
status: active
schema:
  - name: flags
    logicalType: object
    properties:
      - { name: id, logicalType: integer }
      - { name: key, logicalType: integer }
`,
  )
  const words = ['--from-sync', 'crm', '--stream', 'flags', '--contract', 'flags.yaml']
  const placed = ['--to', 'bucket', '--partition', '2023-01-01']
  const { stdout, stderr } = await folder.run(['deliver', '--json', ...words, ...placed])
  expect(stderr).not.toContain('error[')
  const { state, notes } = JSON.parse(stdout)
  expect([state, notes]).toMatchObject(['delivered', [{ code: 'source_ended' }]])
  expect(await running(folder)).toEqual([])
})
