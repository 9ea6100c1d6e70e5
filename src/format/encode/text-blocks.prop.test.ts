import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { jsonString, jsonValue, objectOf, recordLine } from '../../../test/arbitrary-json.ts'
import { encodingWith } from '../../../test/support/encoding.ts'
import type { Output, OutputSchema } from '../../core/destination/output.ts'
import {
  compactText,
  isJsonObject,
  type JsonValue,
  parseExact,
} from '../../core/records/exact-json.ts'
import { type Duckdb, literal, openDuckdb } from '../../duckdb/duckdb.ts'
import type { Encoding } from './encode.ts'
import { textBlocks } from './text-blocks.ts'
import { openTextPart } from './text-part.ts'

/** Any JSON data through the encoder into a part, read back by DuckDB. */

let dir = ''
let duckdb: Duckdb
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bucketline-text-prop-'))
  duckdb = await openDuckdb({ memory_limit: '512MB', spill_dir: join(dir, 'spill'), threads: 1 })
})
afterAll(async () => {
  await duckdb[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})

const COLUMNS = ['b', 'a', 'é"', 'Ω,']
const encoding = (output: Output, output_schema: OutputSchema): Encoding =>
  encodingWith({
    stream: {
      name: 's',
      json_schema: { properties: Object.fromEntries(COLUMNS.map((name) => [name, {}])) },
    },
    output,
    output_schema,
    keep_additional_properties: true,
    sync_id: 1,
    generation_id: 2,
  })
const csv = (flatten: boolean): Output => ({
  type: 'csv',
  flatten,
  compression: 'gzip',
  dialect: {
    delimiter: ',',
    quote: '"',
    line_ending: '\r\n',
    header: true,
    byte_order_mark: false,
  },
})

interface Line {
  readonly line: string
  readonly data: string
  readonly emitted_at: number
}
const names = fc.oneof(fc.constantFrom(...COLUMNS.map((name) => JSON.stringify(name))), jsonString)
const lines: fc.Arbitrary<readonly Line[]> = fc.array(
  recordLine({ stream: 's', data: objectOf(jsonValue, names) }),
  { minLength: 1, maxLength: 4 },
)

/** Writes the lines in two blocks, of which the second has the shapes of the first, and names the file. */
async function write(of: Encoding, given: readonly Line[]): Promise<string> {
  const part = await openTextPart(of, join(dir, 'part'))
  const encode = textBlocks(of)
  const bytes = Buffer.from(given.map(({ line }) => `${line}\n`).join(''))
  for (let block = 0; block < 2; block++) {
    const { segments } = encode({ bytes: new Uint8Array(bytes), records: given.length })
    for (const segment of segments) await part.append(segment)
  }
  return (await part.finish()).path
}

async function readCsv(path: string, count: number): Promise<(string | null)[][]> {
  const columns = Array.from({ length: count }, (_, at) => `'c${at}': 'VARCHAR'`).join(', ')
  const rows = await duckdb.all(
    `SELECT * FROM read_csv(${literal(path)}, columns = {${columns}}, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', nullstr = '\u0001none', compression = 'gzip', parallel = false)`,
  )
  return rows.map((row) => Object.values(row) as (string | null)[])
}

const twice = <Item>(items: readonly Item[]): readonly Item[] => [...items, ...items]

it('CSV without flattening gives the data back as they were written', async () => {
  await fc.assert(
    fc.asyncProperty(
      lines,
      fc.constantFrom('v1' as const, 'v2' as const),
      async (given, schema) => {
        const rows = await readCsv(
          await write(encoding(csv(false), schema), given),
          schema === 'v1' ? 3 : 5,
        )
        expect(rows.map((row) => [Number(row[1]), row.at(-1)])).toEqual(
          twice(given).map(({ emitted_at, data }) => [emitted_at, data.replaceAll('\r', ' ')]),
        )
      },
    ),
    { numRuns: 60 },
  )
})

it('flattened CSV gives every declared field back', async () => {
  const fieldText = (
    data: JsonValue,
    source: string,
    name: string,
    schema: OutputSchema,
  ): string => {
    const value = isJsonObject(data) && Object.hasOwn(data, name) ? data[name] : undefined
    if (value === undefined) return ''
    if (value === null) return schema === 'v1' ? 'null' : ''
    return typeof value === 'string' ? value.toWellFormed() : (membersOf(source).get(name) ?? '')
  }
  await fc.assert(
    fc.asyncProperty(
      lines,
      fc.constantFrom('v1' as const, 'v2' as const),
      async (given, schema) => {
        const columns = schema === 'v1' ? [...COLUMNS].sort() : COLUMNS
        const built_in = schema === 'v1' ? 2 : 4
        const path = await write(encoding(csv(true), schema), given)
        const rows = await readCsv(path, built_in + columns.length)
        expect(rows.map((row) => row.slice(built_in))).toEqual(
          twice(given).map(({ data }) =>
            columns.map((name) => fieldText(parseExact(data), data, name, schema)),
          ),
        )
      },
    ),
    { numRuns: 60 },
  )
})

/** Compact texts of an object's members, by their names. */
function membersOf(source: string): Map<string, string> {
  const text = compactText(source)
  const members = new Map<string, string>()
  let depth = 0
  let start = 1
  let name: string | undefined
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g)) {
    if (token === '{' || token === '[') depth++
    else if (token === '}' || token === ']') depth--
    if (depth === 1 && token.startsWith('"') && name === undefined)
      name = JSON.parse(token) as string
    else if (depth === 1 && token === ':') start = index + 1
    else if ((depth === 1 && token === ',') || depth === 0) {
      if (name !== undefined) members.set(name, text.slice(start, index))
      name = undefined
    }
  }
  return members
}

it('JSON lines hold the same values, flattened or not', async () => {
  await fc.assert(
    fc.asyncProperty(
      lines,
      fc.boolean(),
      fc.constantFrom('v1' as const, 'v2' as const),
      async (given, flatten, schema) => {
        const of = encoding({ type: 'jsonl', flatten, compression: 'gzip' }, schema)
        const path = await write(of, given)
        const rows = await duckdb.all<{ line: string }>(
          `SELECT * FROM read_csv(${literal(path)}, columns = {'line': 'VARCHAR'}, auto_detect = false, header = false, delim = '\u0002', quote = '', escape = '', compression = 'gzip', parallel = false)`,
        )
        const built_in = schema === 'v1' ? 2 : 4
        const read = rows.map(({ line }) => {
          const row = parseExact(line)
          if (!isJsonObject(row)) throw new Error('a row is no object')
          const { _airbyte_data: data } = row
          const rest = Object.fromEntries(
            Object.entries(row).filter(([key]) => !key.startsWith('_airbyte_')),
          )
          expect(Object.keys(row).filter((key) => key.startsWith('_airbyte_'))).toHaveLength(
            built_in + (flatten ? 0 : 1),
          )
          return flatten ? rest : data
        })
        expect(read).toEqual(twice(given).map(({ data }) => parseExact(data)))
      },
    ),
    { numRuns: 60 },
  )
})
