import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Body } from '../../src/store/store.ts'
import type { Bench, Check } from './store.ts'
import {
  bytes,
  digest,
  expectCode,
  inPieces,
  listed,
  patternBytes,
  readAll,
  readText,
} from './store-bench.ts'

export const WRITE_CHECKS: Readonly<Record<string, Check>> = {
  'body kinds': async ({ store, prefix }) => {
    const data = patternBytes(200_003)
    const bodies: Record<string, Body> = {
      array: data,
      pieces: inPieces(data),
      stream: ReadableStream.from(inPieces(data)) as ReadableStream<Uint8Array>,
    }
    for (const [kind, body] of Object.entries(bodies)) {
      expect(await store.write(prefix + kind, body)).toMatchObject({ size: data.byteLength })
      expect(digest(await readAll(store, prefix + kind))).toBe(digest(data))
    }
  },

  'overwriting changes the version': async ({ store, prefix }) => {
    const key = `${prefix}v`
    const versions = new Set<string>()
    for (const text of ['one', 'two', 'six', '']) {
      versions.add((await store.write(key, bytes(text))).version)
      expect((await store.head(key))?.version).toBe([...versions].at(-1))
      expect(await readText(store, key)).toBe(text)
    }
    expect(versions.size).toBe(4)
    expect(await listed(store, prefix)).toEqual([key])
  },

  'content type and metadata': async ({ store, prefix }) => {
    if (!store.features.metadata) return
    const key = `${prefix}meta`
    const metadata = {
      plain: 'a value',
      unicode: 'naïve 日本語 🎉',
      'with-dash': 'a=b; c="d"',
      x_y: '1',
    }
    await store.write(key, bytes('x'), { content_type: 'application/x-ndjson', metadata })
    expect(await store.head(key)).toMatchObject({
      content_type: 'application/x-ndjson',
      metadata,
    })
    await store.write(key, bytes('y'), { if_absent: false })
    expect((await store.head(key))?.metadata ?? {}).toEqual({})
  },

  'multipart write with small parts': async ({ store, prefix, part_bytes, openUploads }) => {
    const data = patternBytes(2 * part_bytes + 12_345)
    const key = `${prefix}parts`
    const written = await store.write(key, inPieces(data), { part_bytes })
    expect(written.size).toBe(data.byteLength)
    const head = await store.head(key)
    expect(head).toMatchObject({ size: data.byteLength, version: written.version })
    expect(digest(await readAll(store, key, { if_match: written.version }))).toBe(digest(data))
    const across = { range: { start: part_bytes - 2, end: part_bytes + 1 } }
    expect(await readAll(store, key, across)).toEqual(
      Buffer.from(data.subarray(part_bytes - 2, part_bytes + 2)),
    )
    expect(await openUploads(key)).toBe(0)
  },

  'multipart write of whole parts': async ({ store, prefix, part_bytes }) => {
    const data = patternBytes(2 * part_bytes)
    for (const [name, body] of [
      ['array', data],
      ['pieces', inPieces(data)],
    ] as const) {
      await store.write(prefix + name, body, { part_bytes })
      expect(digest(await readAll(store, prefix + name))).toBe(digest(data))
    }
    await store.write(`${prefix}one`, data.subarray(0, part_bytes), { part_bytes })
    expect((await store.head(`${prefix}one`))?.size).toBe(part_bytes)
  },

  'if_absent writes': async ({ store, prefix }) => {
    const key = `${prefix}once`
    const first = await store.write(key, bytes('first'), { if_absent: true })
    await expectCode(store.write(key, bytes('second'), { if_absent: true }), 'object_exists')
    expect(await readText(store, key, { if_match: first.version })).toBe('first')
    expect((await store.head(key))?.metadata ?? {}).toEqual({})
  },

  'if_absent write after a delete': async ({ store, prefix }) => {
    // In a versioned bucket the condition meets a delete marker.
    const key = `${prefix}again`
    await store.write(key, bytes('first'), { if_absent: true })
    await store.delete([key])
    await store.write(key, bytes('second'), { if_absent: true })
    expect(await readText(store, key)).toBe('second')
    await expectCode(store.write(key, bytes('third'), { if_absent: true }), 'object_exists')
  },

  'if_absent multipart writes': async ({ store, prefix, part_bytes, openUploads }) => {
    const key = `${prefix}once`
    const data = patternBytes(part_bytes + 10)
    await store.write(key, inPieces(data), { if_absent: true, part_bytes })
    const again = store.write(key, new Uint8Array(part_bytes + 10), { if_absent: true, part_bytes })
    await expectCode(again, 'object_exists')
    expect(digest(await readAll(store, key))).toBe(digest(data))
    expect(await openUploads(key)).toBe(0)
  },

  'a race of 20 if_absent writes': async ({ store, prefix }) => {
    const key = `${prefix}race`
    const runners = Array.from({ length: 20 }, (_, i) => `runner ${i}`)
    const results = await Promise.allSettled(
      runners.map((text) => store.write(key, bytes(text), { if_absent: true })),
    )
    const won = results.flatMap((result, i) => (result.status === 'fulfilled' ? [i] : []))
    expect(won).toHaveLength(1)
    expect(await readText(store, key)).toBe(runners[won[0] as number])
    for (const result of results) {
      if (result.status === 'rejected')
        expect(result.reason).toHaveProperty('code', 'object_exists')
    }
  },

  'a race of multipart if_absent writes': async ({ store, prefix, part_bytes, openUploads }) => {
    const key = `${prefix}race`
    const results = await Promise.allSettled(
      [1, 2, 3].map((fill) =>
        store.write(key, new Uint8Array(part_bytes + 1).fill(fill), {
          if_absent: true,
          part_bytes,
        }),
      ),
    )
    const won = results.flatMap((result, i) => (result.status === 'fulfilled' ? [i + 1] : []))
    expect(won).toHaveLength(1)
    expect(new Set(await readAll(store, key))).toEqual(new Set(won))
    expect(await openUploads(key)).toBe(0)
  },

  'an aborted write leaves nothing': async (bench) => {
    const { store, prefix, part_bytes } = bench
    for (const bytes_before of [0, 10, part_bytes, 2 * part_bytes + 10]) {
      const controller = new AbortController()
      const body = (async function* () {
        if (bytes_before > 0) yield patternBytes(bytes_before)
        setTimeout(() => controller.abort(new Error('stop now')), 20)
        // The source stalls: only the signal can end this write.
        await new Promise<never>(() => {})
        yield new Uint8Array(1)
      })()
      const key = `${prefix}aborted-${bytes_before}`
      const { signal } = controller
      await expect(store.write(key, body, { signal, part_bytes })).rejects.toThrow('stop now')
      await expectNothing(bench, key)
    }
    const signal = AbortSignal.abort(new Error('too early'))
    const early = store.write(`${prefix}early`, bytes('x'), { signal })
    await expect(early).rejects.toThrow('too early')
    await expectNothing(bench, `${prefix}early`)
  },

  'an abort while parts are on the way leaves nothing': async (bench) => {
    const { store, prefix, part_bytes } = bench
    for (const delay of [1, 5, 15, 40]) {
      const controller = new AbortController()
      const key = `${prefix}flight-${delay}`
      const endless = (async function* () {
        setTimeout(() => controller.abort(new Error('stop now')), delay)
        const piece = patternBytes(part_bytes)
        while (true) {
          yield piece
          await nextTurn()
        }
      })()
      const write = store.write(key, endless, { signal: controller.signal, part_bytes })
      await expect(write).rejects.toThrow('stop now')
      await expectNothing(bench, key)
    }
  },

  'a body that fails leaves nothing and keeps its error': async (bench) => {
    const { store, prefix, part_bytes } = bench
    for (const bytes_before of [0, 10, part_bytes + 10]) {
      const failure = new TypeError('the source broke')
      const body = (async function* () {
        if (bytes_before > 0) yield patternBytes(bytes_before)
        throw failure
      })()
      const key = `${prefix}failed-${bytes_before}`
      await expect(store.write(key, body, { part_bytes })).rejects.toBe(failure)
      await expectNothing(bench, key)
    }
  },

  'an aborted overwrite keeps the old object': async ({ store, prefix, part_bytes }) => {
    const key = `${prefix}kept`
    const { version } = await store.write(key, bytes('old'))
    const controller = new AbortController()
    const body = (async function* () {
      yield patternBytes(part_bytes + 1)
      controller.abort(new Error('stop now'))
      yield patternBytes(part_bytes + 1)
    })()
    const write = store.write(key, body, { signal: controller.signal, part_bytes })
    await expect(write).rejects.toThrow('stop now')
    expect(await readText(store, key, { if_match: version })).toBe('old')
  },

  'uploads that were cut off are found by their keys and aborted': async (bench) => {
    const { store, prefix, openUploads, cutOffUpload } = bench
    const key = `${prefix}a b+c%20é/部.gz`
    expect(await store.unfinishedUploads([key])).toEqual([])
    if (!store.features.keeps_uploads) return
    const [longer, other] = [`${key}.more`, `${prefix}other`]
    for (const each of [key, key, longer, other]) await cutOffUpload(each)
    await store.write(`${prefix}whole`, bytes('x'))
    const found = await store.unfinishedUploads([key, `${prefix}absent`, `${prefix}whole`])
    expect(found.map((upload) => upload.key)).toEqual([key, key])
    expect(new Set(found.map(({ id }) => id)).size).toBe(2)
    // The second time each has gone already.
    for (const upload of [...found, ...found]) await store.abortUpload(upload)
    expect(await store.unfinishedUploads([key])).toEqual([])
    expect(await openUploads(key)).toBe(0)
    expect([await openUploads(longer), await openUploads(other)]).toEqual([1, 1])
    expect(await listed(store, prefix)).toEqual([`${prefix}whole`])
    for (const upload of await store.unfinishedUploads([longer, other])) {
      await store.abortUpload(upload)
    }
    await store.write(key, bytes('again'), { if_absent: true })
    expect(await readText(store, key)).toBe('again')
  },

  'delete of absent keys': async ({ store, prefix }) => {
    const [a, b] = [`${prefix}a`, `${prefix}dir/b`]
    await store.delete([])
    await store.delete([a])
    await store.write(a, bytes('x'))
    await store.write(b, bytes('x'))
    await store.delete([`${prefix}no`, a, `${prefix}dir/none`, `${prefix}nowhere/x`, a])
    expect(await listed(store, prefix)).toEqual([b])
    await store.delete([b])
    expect(await listed(store, prefix)).toEqual([])
    expect(await store.head(b)).toBeUndefined()
    await expectCode(store.read(b), 'object_not_found')
  },
}

async function expectNothing({ store, openUploads }: Bench, key: string): Promise<void> {
  expect(await store.head(key)).toBeUndefined()
  expect(await listed(store, key)).toEqual([])
  expect(await openUploads(key)).toBe(0)
}
