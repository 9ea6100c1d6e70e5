import { readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hackleLine } from '../support/deliver-cases.ts'
import { deliverWith } from '../support/deliver-with.ts'
import { openWorkspace, type Workspace } from '../support/workspace.ts'

const preset = 'hackle-events'
let workspace: Workspace
beforeAll(async () => {
  workspace = await openWorkspace({
    now: '2023-06-01T00:00:00Z',
    feeds: { sent: { preset, retain_generations: 2 }, other: { preset } },
  })
}, 60_000)
afterAll(() => workspace?.[Symbol.asyncDispose]())

const rejects_dir = () => join(workspace.dir, '.bucketline', 'rejects')
const kept = async (...folder: string[]) =>
  (await readdir(join(rejects_dir(), ...folder)).catch(() => [])).sort()

let row = 0
/** Delivers a file of one row that is refused; gives the name of the file it is set aside in. */
async function refused(
  to: { readonly feed: string } | { readonly preset: typeof preset; readonly to: string },
  partition?: string,
) {
  const file = join(workspace.dir, `${++row}.ndjson`)
  await writeFile(file, `${hackleLine(row, { insert_id: `none ${row}` })}\n`)
  const { rejects_file = '', state } = await deliverWith(workspace.app, {
    ...to,
    files: [file],
    ...(partition === undefined ? {} : { partition }),
  })
  expect(state).toBe('refused')
  // Files of one second are told apart, however coarse the disk's clock is.
  const at = new Date(Date.UTC(2023, 5, 1) + row * 1000)
  await utimes(rejects_file, at, at)
  return rejects_file.slice(rejects_file.lastIndexOf('/') + 1)
}

test('of a feed and a partition the latest deliveries keep what they set aside', async () => {
  const feed = { feed: 'sent' }
  const by_time = [await refused(feed), await refused(feed)]
  const day = [await refused(feed, '2023-01-01')]
  expect(await kept('sent', 'by-time')).toEqual(by_time.toSorted())
  const third = await refused(feed)
  expect(await kept('sent', 'by-time')).toEqual([by_time[1], third].toSorted())
  expect(await kept('sent', '2023-01-01')).toEqual(day)
})

test('a sweep removes what is more than that, of feeds and of receivers that are none', async () => {
  const by_preset = { preset, to: 'inbox' } as const
  await refused(by_preset)
  await refused({ feed: 'other' })
  const made = async (folder: string, count: number) => {
    const names = []
    for (let n = 0; n < count; n++) {
      const path = join(rejects_dir(), folder, 'by-time', `delivery-made-${n}.jsonl`)
      await writeFile(path, '{}\n')
      await utimes(path, n, n)
      names.push(path)
    }
    return names
  }
  // What an interrupted run left, or a greater `retain_generations` before.
  await made(preset, 4)
  await made('other', 4)
  expect(await workspace.app.sweep(['other'])).toEqual([{ feed: 'other', files: 2, bytes: 6 }])
  expect((await kept('other', 'by-time')).slice(1)).toEqual([
    'delivery-made-2.jsonl',
    'delivery-made-3.jsonl',
  ])
  expect(await kept(preset, 'by-time')).toHaveLength(5)
  expect(await workspace.app.sweep([])).toEqual([
    { feed: 'sent', files: 0, bytes: 0 },
    { feed: 'other', files: 0, bytes: 0 },
    { feed: preset, files: 2, bytes: 6 },
  ])
  expect((await kept(preset, 'by-time')).slice(1)).toEqual([
    'delivery-made-2.jsonl',
    'delivery-made-3.jsonl',
  ])
})
