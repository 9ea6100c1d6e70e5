import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { storeConformance } from '../../test/conformance/store.ts'
import { bytes, expectCode, listed, readText } from '../../test/conformance/store-bench.ts'
import { openLocal } from './local.ts'
import type { ObjectStore } from './store.ts'

const newFolder = () => mkdtemp(join(tmpdir(), 'bucketline-local-'))

storeConformance('local', async () => {
  const folder = await newFolder()
  return {
    store: await openLocal(folder),
    close: async () => {
      const left = await readdir(folder, { recursive: true })
      await rm(folder, { recursive: true })
      expect(left.filter((name) => name.includes('bucketline-tmp'))).toEqual([])
    },
  }
})

describe('a folder as a store', () => {
  let base: string
  let folder: string
  let store: ObjectStore

  beforeEach(async () => {
    base = await newFolder()
    folder = join(base, 'inside')
    await mkdir(folder)
    await writeFile(join(base, 'outside'), 'secret')
    store = await openLocal(folder)
  })
  afterEach(() => rm(base, { recursive: true }))

  it('must exist', async () => {
    await expectCode(openLocal(join(base, 'absent')), 'store_not_found')
    await expectCode(openLocal(join(base, 'outside')), 'store_not_found')
  })

  it('that vanishes is not one without objects', async () => {
    await rename(folder, join(base, 'moved'))
    await expectCode(listed(store, ''), 'store_not_found')
    await expectCode(store.head('a'), 'store_not_found')
    await expectCode(store.write('a', bytes('x')), 'store_not_found')
  })

  it('is never left', async () => {
    for (const key of ['../outside', 'a/../../outside', '/etc/passwd', `${base}/outside`, '..']) {
      await expectCode(store.head(key), 'key_invalid')
      await expectCode(store.read(key), 'key_invalid')
      await expectCode(store.write(key, bytes('x')), 'key_invalid')
      await expectCode(store.delete([key]), 'key_invalid')
    }
    for (const prefix of ['../', '/', 'a/../../']) {
      await expectCode(listed(store, prefix), 'key_invalid')
    }
  })

  it('is not left through links', async () => {
    await mkdir(join(base, 'other'))
    await writeFile(join(base, 'other', 'x'), 'secret')
    await symlink(join(base, 'other'), join(folder, 'dir'))
    await symlink(join(base, 'outside'), join(folder, 'file'))
    expect(await listed(store, '')).toEqual([])
    expect(await listed(store, 'dir/')).toEqual([])
    expect(await store.head('file')).toBeUndefined()
    expect(await store.head('dir/x')).toBeUndefined()
    await expectCode(store.read('dir/x'), 'object_not_found')
    await expectCode(store.write('dir/y', bytes('x')), 'key_invalid')
    await expectCode(store.write('dir/new/y', bytes('x')), 'key_invalid')
    await store.delete(['dir/x'])
    expect(await readdir(join(base, 'other'))).toEqual(['x'])
  })

  it('follows links that stay inside, and none for ever', async () => {
    await store.write('real/a', bytes('text'))
    await symlink(join(folder, 'real'), join(folder, 'alias'))
    await symlink(folder, join(folder, 'real', 'loop'))
    expect(await listed(store, '')).toEqual(['alias/a', 'real/a'])
    expect(await readText(store, 'alias/a')).toBe('text')
    await store.delete(['alias/a'])
    expect(await listed(store, '')).toEqual([])
  })

  it('holds only regular files', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')])
    await mkdir(join(folder, 'empty'))
    expect(await listed(store, '')).toEqual([])
    expect(await store.head('pipe')).toBeUndefined()
    await expectCode(store.read('pipe'), 'object_not_found')
    expect(await store.head('empty')).toBeUndefined()
  })

  it('gives a file that grows or is rewritten in place a new version', async () => {
    await writeFile(join(folder, 'part'), 'one')
    const first = await store.head('part')
    await appendFile(join(folder, 'part'), ' two')
    const second = await store.head('part')
    expect(second?.version).not.toBe(first?.version)
    await expectCode(store.read('part', { if_match: first?.version ?? '' }), 'object_changed')
    const stream = await store.read('part')
    await writeFile(join(folder, 'part'), 'one owt')
    await expectCode(new Response(stream).text(), 'object_changed')
  })

  it('does not read the folders a listing groups or passes over', async () => {
    for (const day of ['d1', 'd2', 'd3']) await store.write(`${day}/x`, bytes('x'))
    // Nothing in `d1` is an object, so only a listing that does not look inside gives it.
    await rm(join(folder, 'd1', 'x'))
    await symlink('loop', join(folder, 'd1', 'loop'))
    expect(await listed(store, '', { delimiter: '/' })).toEqual([
      { prefix: 'd1/' },
      { prefix: 'd2/' },
      { prefix: 'd3/' },
    ])
    expect(await listed(store, '', { start_after: 'd2/x' })).toEqual(['d3/x'])
  })

  it.skipIf(process.getuid?.() === 0)('says what it may not do', async () => {
    await store.write('closed/x', bytes('x'))
    await chmod(join(folder, 'closed'), 0)
    try {
      await expectCode(listed(store, ''), 'access_denied')
      await expectCode(store.head('closed/x'), 'access_denied')
      await expectCode(store.write('closed/y', bytes('y')), 'access_denied')
    } finally {
      await chmod(join(folder, 'closed'), 0o700)
    }
  })

  it('names a file whose name is not UTF-8', async () => {
    await writeFile(Buffer.concat([Buffer.from(`${folder}/bad-`), Buffer.from([0xff])]), 'x')
    await expectCode(listed(store, ''), 'key_invalid')
  })

  it('removes what a write of a process that was killed left in the folder', async () => {
    const script = `
      import { openLocal } from ${JSON.stringify(new URL('./local.ts', import.meta.url).href)}
      async function* body() {
        yield new Uint8Array(10)
        process.kill(process.pid, 'SIGKILL')
        yield new Uint8Array(10)
      }
      await (await openLocal(${JSON.stringify(folder)})).write('day/part', body())`
    const killed = spawnSync(process.execPath, ['--input-type=module', '-e', script])
    expect(killed.signal).toBe('SIGKILL')
    expect(await readdir(join(folder, 'day'))).toHaveLength(1)
    await store.write('day/other', bytes('x'))
    expect(await readdir(join(folder, 'day'))).toEqual(['other'])
  })

  it('keeps names of unfinished writes to itself', async () => {
    await writeFile(join(folder, '.bucketline-tmp-left'), 'half')
    expect(await listed(store, '')).toEqual([])
    expect(await listed(store, '', { delimiter: '/' })).toEqual([])
    await expectCode(store.write('.bucketline-tmp-left', bytes('x')), 'key_invalid')
  })
})
