import { expect } from 'vitest'
import type { ObjectStore } from '../../src/store/store.ts'
import type { Check } from './store.ts'
import { bytes, inParallel, listed } from './store-bench.ts'

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

async function fill(store: ObjectStore, keys: readonly string[]): Promise<void> {
  await inParallel(keys, 16, (key) => store.write(key, bytes('x')))
}

export const LISTING_CHECKS: Readonly<Record<string, Check>> = {
  'nothing to list': async ({ store, prefix }) => {
    expect(await listed(store, prefix)).toEqual([])
    expect(await listed(store, `${prefix}no/where`, { delimiter: '/' })).toEqual([])
  },

  'listing in byte order': async ({ store, prefix }) => {
    // '-' and '.' sort before '/', '0' after it; U+FFEE before the emoji though its UTF-16 unit is greater.
    const names = [
      'a-b',
      'a.b',
      'a/b',
      'a/b.c',
      'a/b/',
      'a0',
      'B',
      'b',
      '_',
      'é',
      '\uffee',
      '🎉',
      'a b',
      'a/-',
    ].filter((name) => !name.endsWith('/') && name !== 'a/b')
    const keys = [...names, 'a/b/c', 'a/b-'].map((name) => prefix + name)
    await fill(store, keys)
    expect(await listed(store, prefix)).toEqual(keys.toSorted(byBytes))
  },

  'a prefix is literal text': async ({ store, prefix }) => {
    const keys = ['ab/1', 'ab2', 'abc/1', 'a*', 'a?', 'a%b'].map((name) => prefix + name)
    await fill(store, keys)
    const under = (start: string) =>
      keys.filter((key) => key.startsWith(prefix + start)).sort(byBytes)
    for (const start of ['', 'a', 'ab', 'ab/', 'ab/1', 'abc/', 'a*', 'a?', 'a%', 'b']) {
      expect(await listed(store, prefix + start), start).toEqual(under(start))
    }
  },

  'listing of more than 1,000 keys, and their delete': async ({ store, prefix }) => {
    const number = (i: number) => String(i).padStart(4, '0')
    const keys = Array.from({ length: 1_105 }, (_, i) =>
      i % 2 === 0 ? `${prefix}${number(i)}` : `${prefix}${number(i)}/x`,
    )
    await fill(store, keys)
    expect(await listed(store, prefix)).toEqual(keys)

    const levels = keys.map((key) => (key.endsWith('/x') ? { prefix: key.slice(0, -1) } : key))
    expect(await listed(store, prefix, { delimiter: '/' })).toEqual(levels)

    const start_after = keys[51] as string
    expect(await listed(store, prefix, { start_after })).toEqual(keys.slice(52))

    let seen = 0
    for await (const _ of store.list(prefix)) {
      seen += 1
      if (seen === 3) break
    }
    const aborted = (async () => {
      const controller = new AbortController()
      for await (const _ of store.list(prefix, { signal: controller.signal })) {
        controller.abort(new Error('enough'))
      }
    })()
    await expect(aborted).rejects.toThrow('enough')

    await store.delete(keys)
    expect(await listed(store, prefix)).toEqual([])
  },

  'no group for keys that were deleted': async ({ store, prefix }) => {
    // In a versioned bucket there are delete markers under the group.
    const keys = ['a/1', 'b/1', 'b/2', 'c/d/1'].map((name) => prefix + name)
    await fill(store, keys)
    await store.delete([keys[0], keys[2], keys[3]] as string[])
    expect(await listed(store, prefix, { delimiter: '/' })).toEqual([{ prefix: `${prefix}b/` }])
    expect(await listed(store, `${prefix}c/`, { delimiter: '/' })).toEqual([])
  },

  'listing from a key on': async ({ store, prefix }) => {
    const keys = ['a', 'b.x', 'b/1', 'b/2', 'b/3/x', 'b0', 'c/1'].map((name) => prefix + name)
    await fill(store, keys)
    for (const start of [
      '',
      'a',
      'b',
      'b.',
      'b/',
      'b/1',
      'b/15',
      'b/3',
      'b/3/',
      'b/3/x',
      'b/9',
      'b0',
      'c/1',
      'd',
    ]) {
      const start_after = prefix + start
      expect(await listed(store, prefix, { start_after }), start).toEqual(
        keys.filter((key) => byBytes(key, start_after) > 0),
      )
    }
    expect(await listed(store, `${prefix}b/`, { start_after: prefix })).toEqual(keys.slice(2, 5))
    expect(await listed(store, `${prefix}b/`, { start_after: `${prefix}c` })).toEqual([])
  },

  'listing with a delimiter': async ({ store, prefix }) => {
    await fill(
      store,
      ['a', 'b.x', 'b/1', 'b/2/y', 'b0', 'c/d/e', 'c/f'].map((name) => prefix + name),
    )
    const level = async (start: string) =>
      (await listed(store, prefix + start, { delimiter: '/' })).map((entry) =>
        (typeof entry === 'string' ? entry : `group ${entry.prefix}`).replace(prefix, ''),
      )
    expect(await level('')).toEqual(['a', 'b.x', 'group b/', 'b0', 'group c/'])
    expect(await level('b')).toEqual(['b.x', 'group b/', 'b0'])
    expect(await level('b/')).toEqual(['b/1', 'group b/2/'])
    expect(await level('c/')).toEqual(['group c/d/', 'c/f'])
    expect(await level('c/d')).toEqual(['group c/d/'])
    const dots = await listed(store, prefix, { delimiter: '.' })
    expect(dots).toContainEqual({ prefix: `${prefix}b.` })
    expect(dots).toHaveLength(7)
  },

  'listing with a delimiter from a key on': async ({ store, prefix }) => {
    await fill(
      store,
      ['a', 'b/1', 'b/2', 'c/1', 'd'].map((name) => prefix + name),
    )
    const from = (start: string) =>
      listed(store, prefix, { delimiter: '/', start_after: prefix + start })
    const [b, c] = [{ prefix: `${prefix}b/` }, { prefix: `${prefix}c/` }]
    expect(await from('a')).toEqual([b, c, `${prefix}d`])
    expect(await from('b')).toEqual([b, c, `${prefix}d`])
    expect(await from('b/1')).toEqual([b, c, `${prefix}d`])
    expect(await from('b/2')).toEqual([c, `${prefix}d`])
    expect(await from('b/\u{10ffff}')).toEqual([c, `${prefix}d`])
    expect(await from('c/1')).toEqual([`${prefix}d`])
    expect(await from('d')).toEqual([])
  },
}
