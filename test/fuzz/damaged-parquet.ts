import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { type Duckdb, literal } from '../../src/duckdb/duckdb.ts'

/** Small files of every encoding and type that writers use here; `rows` of each. */
const FILES: readonly (readonly [select: string, options: string])[] = [
  ["SELECT i, 's' || i AS s, [i, i + 1] AS l FROM range(20) r(i)", ''],
  [
    "SELECT i::BIGINT AS i, MAP {'a': 'x' || i, 'b': NULL} AS m, {'x': i, 'y': 'z'} AS st FROM range(20) r(i)",
    ", CODEC 'snappy'",
  ],
  [
    "SELECT (i % 3)::VARCHAR AS d, i / 7.0 AS f, TIMESTAMP '2023-01-01' + i * INTERVAL 1 HOUR AS t FROM range(40) r(i)",
    ", CODEC 'zstd'",
  ],
  [
    "SELECT i::DECIMAL(30, 4) AS d, uuid() AS u, i % 2 = 0 AS b, 'x'::BLOB AS bl FROM range(20) r(i)",
    ", PARQUET_VERSION v2, CODEC 'gzip'",
  ],
  [
    "SELECT i, 'value ' || i AS s, i * 1.5 AS f FROM range(60) r(i)",
    ", ROW_GROUP_SIZE 20, PARQUET_VERSION v2, CODEC 'lz4'",
  ],
  [
    "SELECT NULL::INTEGER AS n, DATE '2023-01-01' AS d, TIME '10:00' AS t, 'é😀' AS s FROM range(10)",
    ", CODEC 'uncompressed'",
  ],
]

const byte = fc.oneof(
  fc.nat({ max: 255 }),
  // Ends of ranges of Thrift's compact protocol: long counts, negative sizes, wrong field types.
  fc.constantFrom(0x00, 0x01, 0x7f, 0x80, 0xff, 0x15, 0x16, 0x1c, 0x19, 0x2c, 0xfe),
)
const damage = fc.oneof(
  { weight: 6, arbitrary: fc.record({ how: fc.constant('set' as const), at: fc.nat(), byte }) },
  {
    weight: 2,
    arbitrary: fc.record({
      how: fc.constant('fill' as const),
      at: fc.nat(),
      byte,
      length: fc.integer({ min: 2, max: 24 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      how: fc.constant('cut' as const),
      at: fc.nat(),
      length: fc.integer({ min: 1, max: 40 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      how: fc.constant('grow' as const),
      at: fc.nat(),
      byte,
      length: fc.integer({ min: 1, max: 40 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      how: fc.constant('footer_length' as const),
      value: fc.integer({ min: -20, max: 5000 }),
    }),
  },
)

/** Where damage falls: the footer is where most can be said wrongly. */
export const parquet = fc.record({
  sample: fc.nat(FILES.length - 1),
  where: fc.constantFrom('footer', 'footer', 'anywhere', 'pages'),
  list: fc.array(damage, { minLength: 1, maxLength: 5 }),
})
type Damaged = typeof parquet extends fc.Arbitrary<infer D> ? D : never

/** The sample of the case with its damage done. */
export function damaged({ sample, where, list }: Damaged, samples: readonly Buffer[]): Buffer {
  let bytes = Buffer.from(samples[sample] as Buffer)
  const footer = bytes.readUInt32LE(bytes.length - 8)
  const begin = bytes.length - 8 - footer
  for (const one of list) {
    if (one.how === 'footer_length') {
      bytes.writeInt32LE(footer + one.value, bytes.length - 8)
      continue
    }
    // The magic at both ends stays: what lies between them is what DuckDB is left with.
    const [from, to] =
      where === 'footer'
        ? [begin, bytes.length - 4]
        : where === 'pages'
          ? [4, begin]
          : [4, bytes.length - 4]
    const at = from + (one.at % Math.max(1, to - from))
    if (one.how === 'set') bytes[at] = one.byte
    else if (one.how === 'fill') bytes.fill(one.byte, at, Math.min(at + one.length, to))
    else {
      const tail = bytes.subarray(one.how === 'cut' ? Math.min(at + one.length, to) : at)
      const grown = one.how === 'grow' ? [Buffer.alloc(one.length, one.byte)] : []
      bytes = Buffer.concat([bytes.subarray(0, at), ...grown, tail])
    }
  }
  return bytes
}

/** Writes the files that are then damaged. */
export async function makeSamples(dir: string, duckdb: Duckdb): Promise<Buffer[]> {
  const samples: Buffer[] = []
  for (const [at, [select, options]] of FILES.entries()) {
    const path = join(dir, `sample-${at}.parquet`)
    await duckdb.run(`COPY (${select}) TO ${literal(path)} (FORMAT parquet${options})`)
    samples.push(readFileSync(path))
  }
  return samples
}
