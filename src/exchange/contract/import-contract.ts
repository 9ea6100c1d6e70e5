import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { constants, gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { Contract } from '../../core/contract/contract.ts'
import { draftContract, type FieldProfile } from '../../core/contract/draft.ts'
import { ExchangeError } from '../../core/errors.ts'
import { parseContract } from '../../core/odcs/odcs.ts'
import { type Duckdb, identifier, literal } from '../../duckdb/duckdb.ts'

export interface ImportOptions {
  /** Name of the dataset; default from the first file's name. */
  readonly name?: string
  /** Rows looked at; default 100,000. */
  readonly rows?: number
  readonly duckdb: Duckdb
}

export interface ImportedContract {
  /** The drafted document, with its guesses as comments. */
  readonly text: string
  readonly contract: Contract
  readonly format: 'parquet' | 'jsonl' | 'csv'
  readonly rows: number
  readonly notes: readonly string[]
}

/**
 * Drafts a contract from local sample files of one format (Parquet, JSON lines or CSV; plain, gzip or
 * zstd). Throws `import_failed` where they cannot be read as that.
 */
export async function importContract(
  files: readonly string[],
  options: ImportOptions,
): Promise<ImportedContract> {
  const [first] = files
  if (first === undefined) throw new ExchangeError('import_failed', 'No sample files were given.')
  const kinds = await Promise.all(files.map(formatOf))
  const format = kinds[0] ?? 'csv'
  const other = kinds.findIndex((kind) => kind !== format)
  if (other >= 0) {
    throw new ExchangeError(
      'import_failed',
      `${first} is ${format} and ${files[other]} is ${kinds[other]}: a contract is drafted from files of one format.`,
    )
  }
  const { duckdb } = options
  const limit = options.rows ?? 100_000
  let profiles: FieldProfile[]
  try {
    profiles = await readers[format](files, limit, duckdb)
  } catch (error) {
    throw new ExchangeError(
      'import_failed',
      `${files.join(', ')} cannot be read as ${format}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  } finally {
    await duckdb.run('DROP TABLE IF EXISTS contract_sample')
  }
  if (profiles.length === 0) {
    throw new ExchangeError('import_failed', `${first} has no columns.`)
  }
  const name = options.name ?? nameFrom(first)
  const draft = draftContract(profiles, { name, format })
  if (draft.columns === 0) {
    throw new ExchangeError('import_failed', `${first} has no column that can be named.`)
  }
  return {
    text: draft.text,
    contract: parseContract(draft.text, `the draft of ${name}`).contract,
    format,
    rows: profiles[0]?.rows ?? 0,
    notes: draft.notes,
  }
}

/** `2023-01-01-events.csv.gz` becomes `2023-01-01-events`, as far as a dataset's name allows. */
function nameFrom(file: string): string {
  const stem = basename(file).split('.')[0] ?? ''
  const name = stem.replace(/[^A-Za-z0-9_-]+/g, '_').replace(/^(?=[^A-Za-z_])/, '_')
  return name === '' ? 'dataset' : name
}

/** Tells the format by content, as names of deliveries often say only `.gz`. */
async function formatOf(file: string): Promise<'parquet' | 'jsonl' | 'csv'> {
  const handle = await open(file).catch((error: unknown) => {
    throw new ExchangeError('import_failed', `${file} cannot be opened.`, { cause: error })
  })
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(65_536), 0, 65_536, 0)
    const head = buffer.subarray(0, bytesRead)
    if (head.subarray(0, 4).toString('latin1') === 'PAR1') return 'parquet'
    const text = unpacked(head, file).toString('utf8').trimStart()
    if (text === '') throw new ExchangeError('import_failed', `${file} is empty.`)
    return text.startsWith('{') ? 'jsonl' : 'csv'
  } finally {
    await handle.close()
  }
}

/** The beginning of an object, of which only the beginning is there. */
function unpacked(head: Buffer, file: string): Buffer {
  try {
    if (head[0] === 0x1f && head[1] === 0x8b) {
      return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH })
    }
    if (head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528) {
      return zstdDecompressSync(head, { finishFlush: constants.ZSTD_e_flush })
    }
    return head
  } catch (error) {
    throw new ExchangeError('import_failed', `${file} cannot be unpacked.`, { cause: error })
  }
}

type Reader = (files: readonly string[], limit: number, duckdb: Duckdb) => Promise<FieldProfile[]>

const listed = (files: readonly string[]): string => `[${files.map(literal).join(', ')}]`

const readers: Record<'parquet' | 'jsonl' | 'csv', Reader> = {
  async parquet(files, limit, duckdb) {
    await duckdb.run(
      `CREATE OR REPLACE TEMP TABLE contract_sample AS FROM read_parquet(${listed(files)}, union_by_name = true, hive_partitioning = false) LIMIT ${limit}`,
    )
    const columns = await duckdb.all<{ column_name: string; column_type: string }>(
      'DESCRIBE contract_sample',
    )
    const profiles: FieldProfile[] = []
    for (const { column_name, column_type } of columns) {
      const column = identifier(column_name)
      const text = column_type === 'VARCHAR' ? column : `CAST(${column} AS VARCHAR)`
      const profile = await profileOf(
        column_name,
        { text, kind: "'VARCHAR'", there: column },
        duckdb,
      )
      profiles.push({ ...profile, type: column_type })
    }
    return profiles
  },
  async jsonl(files, limit, duckdb) {
    await duckdb.run(
      `CREATE OR REPLACE TEMP TABLE contract_sample AS
       SELECT json FROM read_ndjson_objects(${listed(files)}, hive_partitioning = false) LIMIT ${limit}`,
    )
    const names = await duckdb.all<{ name: string }>(
      `SELECT name FROM (SELECT unnest(json_keys(json)) AS name, unnest(range(len(json_keys(json)))) AS place FROM contract_sample)
       GROUP BY name ORDER BY avg(place), name`,
    )
    const profiles: FieldProfile[] = []
    for (const { name } of names) {
      // A JSON pointer: names may hold dots and quotes.
      const pointer = literal(`/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`)
      const text = `json_extract_string(json, ${pointer})`
      const kind = `json_type(json, ${pointer})`
      profiles.push(await profileOf(name, { text, kind, there: text }, duckdb))
    }
    return profiles
  },
  async csv(files, limit, duckdb) {
    await duckdb.run(
      `CREATE OR REPLACE TEMP TABLE contract_sample AS
       FROM read_csv(${listed(files)}, all_varchar = true, header = true, union_by_name = true, hive_partitioning = false) LIMIT ${limit}`,
    )
    const columns = await duckdb.all<{ column_name: string }>('DESCRIBE contract_sample')
    const profiles: FieldProfile[] = []
    for (const { column_name } of columns) {
      const column = identifier(column_name)
      profiles.push(
        await profileOf(column_name, { text: column, kind: "'VARCHAR'", there: column }, duckdb),
      )
    }
    return profiles
  },
}

const day = String.raw`\d{4}-\d\d-\d\d`
const forms = {
  uuids: '[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}',
  timestamps: String.raw`${day}[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?`,
  dates: day,
  // A leading zero says that it is a code, not a number.
  integer_texts: String.raw`-?(0|[1-9]\d{0,17})`,
  number_texts: String.raw`-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?`,
  boolean_texts: 'true|false',
}

async function profileOf(
  name: string,
  field: { readonly text: string; readonly kind: string; readonly there: string },
  duckdb: Duckdb,
): Promise<FieldProfile> {
  const { text, kind, there } = field
  const counts = [
    ...Object.entries(forms).map(
      ([form, pattern]) =>
        `count(*) FILTER (regexp_full_match(value, ${literal(pattern)})) AS ${form}`,
    ),
    "count(*) FILTER (kind = 'VARCHAR') AS strings",
    "count(*) FILTER (kind IN ('BIGINT', 'UBIGINT', 'HUGEINT')) AS integers",
    "count(*) FILTER (kind = 'DOUBLE') AS numbers",
    "count(*) FILTER (kind = 'BOOLEAN') AS booleans",
    "count(*) FILTER (kind = 'OBJECT') AS objects",
    "count(*) FILTER (kind = 'ARRAY') AS arrays",
    "count(*) FILTER (value LIKE '{%' AND json_valid(value)) AS object_texts",
    // CASE, as a FILTER looks at every row and most are not JSON.
    `count(*) FILTER (CASE WHEN kind = 'OBJECT' THEN len(list_filter(json_keys(value), lambda k:
       json_type(value, '/' || replace(replace(k, '~', '~0'), '/', '~1')) NOT IN ('VARCHAR', 'NULL'))) = 0
       ELSE false END) AS text_objects`,
  ]
  const [row] = await duckdb.all<Record<string, bigint | null>>(
    `SELECT count(*) AS rows, count(present) AS present, count(DISTINCT value) AS distinct_values, ${counts.join(', ')}
     FROM (SELECT ${text} AS value, ${kind} AS kind, ${there} AS present FROM contract_sample)`,
  )
  const values = await duckdb.all<{ value: string }>(
    `SELECT DISTINCT ${text} AS value FROM contract_sample WHERE ${there} IS NOT NULL LIMIT 11`,
  )
  const { distinct_values, ...others } = row ?? {}
  const numbers = Object.fromEntries(
    Object.entries(others).map(([key, value]) => [key, Number(value ?? 0)]),
  ) as unknown as Omit<FieldProfile, 'name' | 'values' | 'distinct'>
  return {
    name,
    ...numbers,
    distinct: Number(distinct_values ?? 0),
    values: values.length > 10 ? [] : values.map(({ value }) => value),
  }
}
