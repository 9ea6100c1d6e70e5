import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AvroRecord, AvroValue } from '../../../core/records/avro-value.ts'
import type { ParquetField, ParquetScalarKind } from '../../../core/records/parquet-type.ts'
import { type Duckdb, literal, openDuckdb } from '../../../duckdb/duckdb.ts'
import { type ColumnChunk, encodeColumns } from './chunk.ts'
import { footerOf, MAGIC, type WrittenGroup } from './footer.ts'
import { frameOf, framesIn, type Runs, runsOf } from './frame.ts'
import { LeafColumn } from './leaf-column.ts'
import { leavesOf } from './leaves.ts'
import { shredders } from './shred.ts'

let dir: string
let duckdb: Duckdb
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bucketline-nested-'))
  duckdb = await openDuckdb({ memory_limit: '512MB', spill_dir: join(dir, 'spill') })
})
afterAll(async () => {
  await duckdb[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})

/** A field with values for it, and what readers make of each as JSON. */
interface Made {
  readonly field: ParquetField
  readonly value: fc.Arbitrary<AvroValue>
}

const scalar = (kind: ParquetScalarKind, value: fc.Arbitrary<AvroValue>): Made => ({
  field: { name: '', optional: true, kind },
  value,
})
const SCALARS: readonly Made[] = [
  scalar('boolean', fc.boolean()),
  scalar('int64', fc.maxSafeInteger()),
  scalar('int64', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  scalar('int64', fc.constantFrom(0, 1)),
  scalar('double', fc.double({ noDefaultInfinity: true, noNaN: true })),
  scalar('string', fc.string({ unit: 'grapheme', maxLength: 80 })),
  scalar('string', fc.constantFrom('', 'a', 'b')),
]

const named = (name: string, field: ParquetField): ParquetField => ({ ...field, name })

const made: fc.Arbitrary<Made> = fc.letrec<{ any: Made }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 3, arbitrary: fc.constantFrom(...SCALARS) },
    {
      weight: 1,
      arbitrary: tie('any').map(({ field, value }) => ({
        field: {
          name: '',
          optional: true,
          kind: 'list' as const,
          element: named('element', field),
        },
        value: fc.array(orNull(value), { maxLength: 4 }) as fc.Arbitrary<AvroValue>,
      })),
    },
    {
      weight: 1,
      arbitrary: tie('any').map(({ field, value }) => ({
        field: { name: '', optional: true, kind: 'map' as const, value: named('value', field) },
        value: fc.dictionary(fc.string({ maxLength: 3 }), orNull(value), {
          maxKeys: 3,
          noNullPrototype: true,
        }) as fc.Arbitrary<AvroValue>,
      })),
    },
    {
      weight: 1,
      arbitrary: fc.array(tie('any'), { minLength: 1, maxLength: 3 }).map((children) => ({
        field: {
          name: '',
          optional: true,
          kind: 'group' as const,
          children: children.map(({ field }, index) => named(`f${index}`, field)),
        },
        value: fc.record(
          Object.fromEntries(children.map(({ value }, index) => [`f${index}`, orNull(value)])),
        ) as fc.Arbitrary<AvroValue>,
      })),
    },
  ),
})).any

const orNull = (value: fc.Arbitrary<AvroValue>): fc.Arbitrary<AvroValue> =>
  fc.option(value, { freq: 4 })

const table = fc.array(made, { minLength: 1, maxLength: 3 }).chain((columns) =>
  fc.record({
    columns: fc.constant(columns.map(({ field }, index) => named(`c${index}`, field))),
    rows: fc.array(
      fc.record(
        Object.fromEntries(columns.map(({ value }, index) => [`c${index}`, orNull(value)])),
      ) as fc.Arbitrary<AvroRecord>,
      { maxLength: 30, size: 'max' },
    ),
    /** Rows of a frame, and frames of a row group. */
    frame_rows: fc.integer({ min: 1, max: 12 }),
    group_frames: fc.integer({ min: 1, max: 4 }),
    output: fc.record({
      type: fc.constant('parquet' as const),
      codec: fc.constantFrom('uncompressed' as const, 'snappy' as const, 'zstd' as const),
      row_group_bytes: fc.constant(1 << 20),
      page_bytes: fc.constantFrom(16, 64, 1 << 20),
      dictionary_page_bytes: fc.constantFrom(8, 1 << 20),
      dictionary: fc.boolean(),
    }),
  }),
)

/** Writes the rows as a part does, but in this thread. */
async function write(
  path: string,
  { columns, rows, frame_rows, group_frames, output }: Table,
): Promise<void> {
  const leaves = leavesOf(columns)
  const of_leaves = leaves.map((leaf) => new LeafColumn(leaf))
  const shreds = shredders(columns, of_leaves)
  const segments: Buffer[] = []
  for (let from = 0; from < rows.length; from += frame_rows) {
    const some = rows.slice(from, from + frame_rows)
    for (const row of some) {
      shreds.forEach((shred, index) => {
        shred(row[`c${index}`], 0, 0)
      })
    }
    segments.push(frameOf(of_leaves, some.length))
    for (const column of of_leaves) column.clear()
  }
  const segment = Buffer.concat(segments)
  const frames_path = `${path}.rows`
  await writeFile(frames_path, segment)
  const frames = framesIn(segment, 0)
  await using file = await open(frames_path)
  const pages: Uint8Array[] = [Buffer.from(MAGIC)]
  const groups: WrittenGroup[] = []
  let at = MAGIC.length
  for (let from = 0; from < frames.length; from += group_frames) {
    const some = frames.slice(from, from + group_frames)
    const runs = runsOf(file, some, leaves.length)
    const start = at
    const chunks: (Omit<ColumnChunk, 'bytes'> & { at: number; packed_bytes: number })[] = []
    const encoded = await encodeColumns({
      frames: frames_path,
      output,
      columns: leaves.map((leaf, index) => ({ leaf, runs: runs[index] as Runs })),
    })
    for (const { bytes, ...chunk } of encoded) {
      chunks.push({ ...chunk, at, packed_bytes: bytes.length })
      pages.push(bytes)
      at += bytes.length
    }
    const group_rows = some.reduce((sum, frame) => sum + frame.rows, 0)
    groups.push({ rows: group_rows, at: start, bytes: at - start, chunks })
  }
  await writeFile(path, Buffer.concat([...pages, footerOf(columns, leaves, groups, output)]))
}

type Table = typeof table extends fc.Arbitrary<infer T> ? T : never

/** One way to say each value: integers as text, maps by key, minus zero told from zero. */
const plainly = (value: unknown): unknown => {
  if (value === null || value === undefined) return null
  if (typeof value === 'bigint') return `${value}`
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : `${value}`
  if (Array.isArray(value)) return value.map(plainly)
  if (typeof value !== 'object') return value
  const entries = Object.entries(value).map(([key, one]) => [key, plainly(one)] as const)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

it('what is nested is read as it was written, by readers that are not ours', async () => {
  let files = 0
  await fc.assert(
    fc.asyncProperty(table, async (made_table) => {
      const path = join(dir, `${files++}.parquet`)
      await write(path, made_table)
      const { columns, rows } = made_table
      const wanted = rows.map((row) =>
        plainly(Object.fromEntries(columns.map(({ name }) => [name, row[name]]))),
      )
      const read = await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors })
      expect(read.map(plainly)).toEqual(wanted)
      const [counted] = await duckdb.all<{ rows: bigint; filled: bigint[] }>(
        `SELECT count(*) AS rows, [${columns.map(({ name }) => `count(${name})`).join(', ')}]::VARCHAR AS filled FROM read_parquet(${literal(path)})`,
      )
      const filled = columns.map(({ name }) => rows.filter((row) => row[name] !== null).length)
      expect([Number(counted?.rows), counted?.filled]).toEqual([
        rows.length,
        `[${filled.join(', ')}]`,
      ])
      // Where DuckDB skips row groups by what the footer says of them, it must not skip what is there.
      for (const { name, kind } of columns) {
        if (kind !== 'int64' && kind !== 'string' && kind !== 'double') continue
        const some = rows.find((row) => row[name] !== null)?.[name]
        if (some === undefined || Object.is(some, -0)) continue
        const sql =
          kind === 'string'
            ? literal(String(some))
            : `'${some}'::${kind === 'double' ? 'DOUBLE' : 'BIGINT'}`
        const [found] = await duckdb.all<{ n: bigint }>(
          `SELECT count(*) AS n FROM read_parquet(${literal(path)}) WHERE ${name} = ${sql}`,
        )
        const equal = rows.filter(
          (row) => row[name] !== null && String(row[name]) === String(some),
        ).length
        expect(Number(found?.n)).toBeGreaterThanOrEqual(equal)
      }
      await rm(path)
      await rm(`${path}.rows`)
    }),
    { numRuns: 300 },
  )
})
