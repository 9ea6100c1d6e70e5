import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { askAll } from '../../test/checks.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bucketline-access-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it('lists and reads a folder under its prefix', async () => {
  await mkdir(join(folder, 'full/data'), { recursive: true })
  await writeFile(join(folder, 'full/other'), 'x')
  await writeFile(join(folder, 'full/data/file'), 'x')
  const asked = await askAll({ type: 'local', path: join(folder, 'full') }, { prefix: 'data/' })
  expect(asked.results).toBe('folder:ok list:ok get:ok')
  expect(asked.of('get').detail).toBe('data/file')
  expect(asked.of('list').detail).toContain('1 object under')
})

it('writes one file and leaves nothing of it', async () => {
  const path = join(folder, 'written')
  await mkdir(path)
  const asked = await askAll({ type: 'local', path }, { prefix: 'data/', write: true })
  expect(asked.results).toBe('folder:ok list:ok get:skipped put:ok delete:ok')
  expect(await readdir(path)).toEqual([])
})

it.each([
  ['is missing', 'missing'],
  ['is a file', 'a-file'],
])('says that a folder %s', async (_, name) => {
  await writeFile(join(folder, 'a-file'), 'x')
  const asked = await askAll({ type: 'local', path: join(folder, name) }, { write: true })
  expect(asked.results).toBe('folder:failed list:skipped get:skipped put:skipped delete:skipped')
  expect(asked.of('folder').detail).toContain(join(folder, name))
  expect(asked.of('folder').change).toContain('`path`')
})

it('reports a file it cannot put where a file stands in the way', async () => {
  const path = join(folder, 'blocked')
  await mkdir(path)
  await writeFile(join(path, 'data'), 'x')
  const asked = await askAll({ type: 'local', path }, { prefix: 'data/', write: true })
  expect(asked.results).toContain('put:failed delete:skipped')
})

it('finds nothing wrong with a store in memory', async () => {
  const asked = await askAll({ type: 'memory' }, { write: true })
  expect(asked.results).toBe('folder:ok list:ok get:skipped put:ok delete:ok')
})
