import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inPieces, listed } from '../../test/conformance/store-bench.ts'
import { partsOf } from './body.ts'
import { compareKeys } from './keys.ts'
import { openLocal } from './local.ts'
import { openMemory } from './memory.ts'
import type { ListOptions } from './store.ts'

describe('keys', () => {
  it('are ordered by their UTF-8 bytes', () => {
    const text = fc.string({ unit: 'binary', maxLength: 6 })
    fc.assert(
      fc.property(text, text, (a, b) => {
        const expected = Buffer.compare(Buffer.from(a), Buffer.from(b))
        expect(Math.sign(compareKeys(a, b))).toBe(expected)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('parts of a body', () => {
  it('are of one size but the last, and nothing is lost', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 40 }),
        fc.integer({ min: 1, max: 17 }),
        fc.array(fc.nat(9), { maxLength: 8 }),
        async (data, size, cuts) => {
          const pieces = (async function* () {
            let at = 0
            for (const cut of cuts) {
              yield data.subarray(at, at + cut)
              at += cut
            }
            yield* inPieces(data.subarray(at))
          })()
          const parts: Uint8Array[] = []
          for await (const part of partsOf(pieces, size)) parts.push(part)
          expect(Buffer.concat(parts).equals(data)).toBe(true)
          expect(parts.slice(0, -1).every((part) => part.byteLength === size)).toBe(true)
          const last = parts.at(-1)?.byteLength ?? -1
          expect(last).toBeLessThanOrEqual(size)
          expect(last > 0 || (data.byteLength === 0 && parts.length === 1)).toBe(true)
        },
      ),
    )
  })
})

describe('listings', () => {
  // Few letters, so that keys share folders and prefixes; '-' and '.' sort before '/'.
  const segment = fc.string({
    unit: fc.constantFrom('a', 'b', '-', '0', 'é'),
    minLength: 1,
    maxLength: 2,
  })
  const key = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
  const isFolderOf = (folder: string, other: string) => other.startsWith(`${folder}/`)
  const keys = fc
    .uniqueArray(key, { maxLength: 12 })
    .map((all) => all.filter((one) => !all.some((other) => isFolderOf(one, other))))

  it('of a folder are those of a bucket', async () => {
    await fc.assert(
      fc.asyncProperty(
        keys,
        fc.oneof(
          fc.constant(''),
          key,
          key.map((text) => `${text}/`),
        ),
        fc.option(
          fc.oneof(
            key,
            key.map((text) => `${text}/`),
          ),
          { nil: undefined },
        ),
        fc.constantFrom(undefined, '/', 'a', '-0'),
        async (names, prefix, start_after, delimiter) => {
          const folder = await mkdtemp(join(tmpdir(), 'bucketline-prop-'))
          try {
            const [local, memory] = [await openLocal(folder), openMemory()]
            for (const name of names) {
              await local.write(name, new Uint8Array(1))
              await memory.write(name, new Uint8Array(1))
            }
            const io: ListOptions = {
              ...(start_after === undefined ? {} : { start_after }),
              ...(delimiter === undefined ? {} : { delimiter }),
            }
            const got = await listed(local, prefix, io)
            expect(got).toEqual(await listed(memory, prefix, io))
            const plain = names
              .filter((name) => name.startsWith(prefix))
              .filter((name) => compareKeys(name, start_after ?? '') > 0)
              .sort(compareKeys)
            const flat = start_after === undefined ? {} : { start_after }
            expect(await listed(memory, prefix, flat)).toEqual(plain)
          } finally {
            await rm(folder, { recursive: true })
          }
        },
      ),
      { numRuns: 150 },
    )
  })
})
