import { expect } from 'vitest'
import type { Check } from './store.ts'
import {
  bytes,
  collect,
  digest,
  expectCode,
  listed,
  patternBytes,
  readAll,
  readText,
} from './store-bench.ts'

export const READ_CHECKS: Readonly<Record<string, Check>> = {
  'absent object': async ({ store, prefix }) => {
    expect(await store.head(`${prefix}absent`)).toBeUndefined()
    await expectCode(store.read(`${prefix}absent`), 'object_not_found')
    await expectCode(store.read(`${prefix}absent`, { if_match: '1' }), 'object_not_found')
  },

  'object read back': async ({ store, prefix }) => {
    const key = `${prefix}a/b.json`
    const written = await store.write(key, bytes('{"a":1}\n'))
    expect(written).toMatchObject({ key, size: 8, version: expect.stringMatching(/./) })
    const head = await store.head(key)
    expect(head).toMatchObject({ key, size: 8, version: written.version })
    expect(Math.abs((head?.modified_at.getTime() ?? 0) - Date.now())).toBeLessThan(600_000)
    expect(await readText(store, key)).toBe('{"a":1}\n')
    for await (const entry of store.list(key)) {
      expect(entry).toMatchObject({ key, size: 8, version: written.version })
    }
  },

  'empty object': async ({ store, prefix }) => {
    const key = `${prefix}_SUCCESS`
    const { version } = await store.write(key, new Uint8Array(0))
    expect(await store.head(key)).toMatchObject({ size: 0, version })
    expect(await readText(store, key)).toBe('')
    expect(await readText(store, key, { if_match: version, range: { start: 0 } })).toBe('')
    expect(await listed(store, prefix)).toEqual([key])
    await store.write(key, (async function* () {})())
    expect(await store.head(key)).toMatchObject({ size: 0 })
  },

  'empty object with a trailing slash': async ({ store, prefix }) => {
    // What consoles make for "new folder".
    const key = `${prefix}folder/`
    if (store.features.keys === 'paths') return
    await store.write(key, new Uint8Array(0))
    await store.write(`${key}x`, bytes('inside'))
    expect(await store.head(key)).toMatchObject({ key, size: 0 })
    expect(await listed(store, prefix)).toEqual([key, `${key}x`])
    expect(await listed(store, prefix, { delimiter: '/' })).toEqual([{ prefix: key }])
    expect(await listed(store, key, { delimiter: '/' })).toEqual([key, `${key}x`])
    await store.delete([key])
    expect(await listed(store, prefix)).toEqual([`${key}x`])
  },

  'range reads': async ({ store, prefix }) => {
    const key = `${prefix}r`
    await store.write(key, bytes('0123456789'))
    expect(await readText(store, key, { range: { start: 2, end: 4 } })).toBe('234')
    expect(await readText(store, key, { range: { start: 0, end: 0 } })).toBe('0')
    expect(await readText(store, key, { range: { start: 9 } })).toBe('9')
    expect(await readText(store, key, { range: { start: 7 } })).toBe('789')
    expect(await readText(store, key, { range: { start: 7, end: 99 } })).toBe('789')
  },

  'range that starts past the end': async ({ store, prefix }) => {
    const key = `${prefix}r`
    await store.write(key, bytes('0123456789'))
    expect(await readText(store, key, { range: { start: 10 } })).toBe('')
    expect(await readText(store, key, { range: { start: 50, end: 60 } })).toBe('')
  },

  'if_match reads': async ({ store, prefix }) => {
    const key = `${prefix}m`
    const first = await store.write(key, bytes('one'))
    expect(await readText(store, key, { if_match: first.version })).toBe('one')
    const second = await store.write(key, bytes('other'))
    expect(second.version).not.toBe(first.version)
    await expectCode(store.read(key, { if_match: first.version }), 'object_changed')
    await expectCode(
      store.read(key, { if_match: first.version, range: { start: 0, end: 1 } }),
      'object_changed',
    )
    const io = { if_match: second.version, range: { start: 1, end: 2 } }
    expect(await readText(store, key, io)).toBe('th')
  },

  'a read never mixes two versions': async ({ store, prefix }) => {
    const key = `${prefix}big`
    const old_bytes = patternBytes(6_000_000)
    await store.write(key, old_bytes)
    const stream = await store.read(key)
    await store.write(key, new Uint8Array(6_000_000))
    const got = await collect(stream).then(digest, (error: { code?: string }) => error.code)
    expect([digest(old_bytes), 'object_changed']).toContain(got)
  },

  'a read is aborted or cancelled': async ({ store, prefix }) => {
    const key = `${prefix}big`
    const data = patternBytes(3_000_000)
    await store.write(key, data)
    const controller = new AbortController()
    const stream = await store.read(key, { signal: controller.signal })
    const reader = stream.getReader()
    await reader.read()
    controller.abort(new Error('enough'))
    const drained = (async () => {
      while (!(await reader.read()).done);
    })()
    await expect(drained).rejects.toThrow('enough')
    await expect(store.read(key, { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow(
      'no',
    )
    for (let i = 0; i < 60; i += 1) await (await store.read(key)).cancel()
    const half = (await store.read(key)).getReader()
    await half.read()
    await half.cancel()
    expect(digest(await readAll(store, key))).toBe(digest(data))
  },

  'unicode normal forms are two keys': async ({ store, prefix }) => {
    const [nfc, nfd] = [`${prefix}caf\u00e9`, `${prefix}cafe\u0301`]
    await store.write(nfc, bytes('nfc'))
    expect(await store.head(nfd)).toBeUndefined()
    await store.write(nfd, bytes('nfd'))
    expect(await readText(store, nfc)).toBe('nfc')
    expect(await readText(store, nfd)).toBe('nfd')
    expect(await listed(store, prefix)).toEqual([nfd, nfc])
  },

  'keys that cannot be': async ({ store }) => {
    for (const key of ['', 'a\0b', 'half\ud800surrogate']) {
      await expectCode(store.head(key), 'key_invalid')
      await expectCode(store.read(key), 'key_invalid')
      await expectCode(store.write(key, bytes('x')), 'key_invalid')
      await expectCode(store.delete([key]), 'key_invalid')
    }
  },

  'a key that is also the folder of others': async ({ store, prefix }) => {
    await store.write(`${prefix}f`, bytes('file'))
    const inside = store.write(`${prefix}f/x`, bytes('inside'))
    if (store.features.keys === 'paths') {
      await expectCode(inside, 'key_invalid')
      await store.write(`${prefix}g/x`, bytes('inside'))
      await expectCode(store.write(`${prefix}g`, bytes('file')), 'key_invalid')
      await expectCode(store.write(`${prefix}g`, bytes('file'), { if_absent: true }), 'key_invalid')
      expect(await store.head(`${prefix}g`)).toBeUndefined()
      expect(await store.head(`${prefix}f/x`)).toBeUndefined()
      expect(await listed(store, prefix)).toEqual([`${prefix}f`, `${prefix}g/x`])
      return
    }
    await inside
    expect(await readText(store, `${prefix}f`)).toBe('file')
    expect(await listed(store, prefix, { delimiter: '/' })).toEqual([
      `${prefix}f`,
      { prefix: `${prefix}f/` },
    ])
  },
}

/** Everything a store does to one key, with a neighbour that must stay untouched. */
export function hostileKey(name: string): Check {
  return async ({ store, prefix }) => {
    const key = prefix + name
    const body = bytes(`body of ${name}`)
    const written = await store.write(key, body)
    expect(written.key).toBe(key)
    expect(await store.head(key)).toMatchObject({ key, size: body.byteLength })
    expect((await readAll(store, key)).equals(body)).toBe(true)
    expect(await listed(store, prefix)).toEqual([key])
    expect(await listed(store, key)).toEqual([key])
    const slash = name.indexOf('/')
    if (slash >= 0) {
      const group = prefix + name.slice(0, slash + 1)
      expect(await listed(store, prefix, { delimiter: '/' })).toEqual([{ prefix: group }])
    }
    await store.write(`${prefix}neighbour`, bytes('stays'))
    await store.delete([key])
    expect(await store.head(key)).toBeUndefined()
    expect(await listed(store, prefix)).toEqual([`${prefix}neighbour`])
  }
}

export function unpathlikeKey(name: string): Check {
  return async (bench) => {
    const { store, prefix } = bench
    if (store.features.keys === 'free') return hostileKey(name)(bench)
    await expectCode(store.head(prefix + name), 'key_invalid')
    await expectCode(store.write(prefix + name, bytes('x')), 'key_invalid')
    expect(await listed(store, prefix)).toEqual([])
  }
}
