import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSyncRig, type SyncRig } from '../support/sync-rig.ts'

let rig: SyncRig
beforeAll(async () => {
  rig = await openSyncRig()
}, 60_000)
afterAll(() => rig?.[Symbol.asyncDispose]())

const merged = (primary_key: unknown, cursor_field?: unknown) => ({
  rows: {
    destination: 'lake',
    mode: 'append_dedup',
    primary_key,
    ...(cursor_field === undefined ? {} : { cursor_field }),
    source: { type: 'files', paths: ['in/*'], stream: 'rows' },
  },
})

/** `a.b` is a field of that name and a field of an object; they say different things. */
const ROWS = [
  { n: 1, 'a.b': 'x', a: { b: 'p', 'c.d': 1 }, 'at.s': 2, at: { s: 8 } },
  { n: 2, 'a.b': 'x', a: { b: 'q', 'c.d': 1 }, 'at.s': 1, at: { s: 9 } },
  { n: 3, 'a.b': 'y', a: { b: 'q', 'c.d': 2 }, 'at.s': 1, at: { s: 7 } },
]

test.each([
  ['a text leads into objects', ['a.b'], 'at.s', [1, 2]],
  ['a list is a field whose name holds a dot', [['a.b']], ['at.s'], [1, 3]],
  ['a list leads into objects, too', [['a', 'b']], ['at', 's'], [1, 2]],
  ['a list leads to a name that holds a dot', [['a', 'c.d']], 'at.s', [2, 3]],
  ['both stand beside each other', ['a.b', ['a.b']], undefined, [1, 2, 3]],
])('of a key %s', async (_, primary_key, cursor_field, kept) => {
  const folder = await rig.folder({ syncs: merged(primary_key, cursor_field) })
  await writeFile(folder.path('in/a'), ROWS.map((row) => `${JSON.stringify(row)}\n`).join(''))
  expect(await folder.sync()).toMatchObject({ code: 0 })
  const rows = (await folder.rows('rows')) as unknown as readonly { readonly n: number }[]
  expect(rows.map(({ n }) => n).sort()).toEqual(kept)
})

test.each([
  [[['']], undefined, 'syncs.rows.primary_key.0.0: '],
  [[[]], undefined, 'syncs.rows.primary_key.0: names no field'],
  [['a..b'], undefined, 'syncs.rows.primary_key.0: a name is empty'],
  [[[['a']]], undefined, 'syncs.rows.primary_key.0.0: is a list; wanted: text'],
  ['a', undefined, 'syncs.rows.primary_key: is text; wanted: a list'],
  [['a'], '', 'syncs.rows.cursor_field: a name is empty'],
  [['a'], [], 'syncs.rows.cursor_field: names no field'],
  [['a'], [['a']], 'syncs.rows.cursor_field.0: is a list; wanted: text'],
])('the key %j with the cursor %j is refused', async (primary_key, cursor_field, message) => {
  const folder = await rig.folder({ syncs: merged(primary_key, cursor_field) })
  const { code, stderr } = await folder.run(['sync'])
  expect(code).toBe(2)
  expect(stderr).toContain('error[config_invalid]')
  expect(stderr).toContain(message)
})

test('a key on the command line names its flag', async () => {
  const folder = await rig.folder({})
  const words = ['--to', 'lake', '--stream', 's', '--mode', 'append_dedup']
  const { code, stderr } = await folder.run(['sync', '-', ...words, '--primary-key', 'a..b'])
  expect([code, stderr]).toEqual([2, expect.stringContaining('--primary-key a name is empty.')])
})
