import { open } from 'node:fs/promises'
import { type Duckdb, identifier, literal } from '../duckdb/duckdb.ts'
import { readHead, sniffCodec } from './codecs.ts'
import { MAX_FIELDS } from './field-table.ts'
import type { Field, Gate, PassedObject, StagedObject } from './format.ts'
import { Refusal, settle } from './refusal.ts'
import { looksLike } from './text-source.ts'
import { thriftFault } from './thrift-walk.ts'
import { beyondDay } from './time-of-day.ts'

/** Footer: its length in four bytes, then the magic. */
const TAIL = 8

/**
 * The gate for Parquet: the magic at both ends and the footer. Pages are only read when their rows
 * are, so a file that passes can still be damaged inside: `probeParquet` finds that.
 */
export const parquetGate: Gate = (object, _options, duckdb) =>
  settle(() => passParquet(object, duckdb))

async function passParquet(object: StagedObject, duckdb: Duckdb): Promise<PassedObject> {
  await checkFooter(object, await checkMagic(object))
  const path = literal(object.path)
  const [rows_read, described] = await refuseFaults(object, async () => {
    // Row groups are counted by reading: what tells of each of them also writes out their columns'
    // bounds, and DuckDB ends the process on some that are damaged.
    const [metadata] = await duckdb.all<{ rows: bigint; grouped: bigint }>(
      `SELECT num_rows AS rows, (SELECT count(*) FROM read_parquet(${path}, hive_partitioning = false)) AS grouped FROM parquet_file_metadata(${path})`,
    )
    if (metadata?.rows !== metadata?.grouped) {
      throw new Refusal(
        'corrupt_object',
        `The footer of the Parquet file says ${metadata?.rows} rows, its row groups have ${metadata?.grouped}.`,
      )
    }
    const columns = await duckdb.all<{ column_name: string; column_type: string }>(
      `DESCRIBE SELECT * FROM read_parquet(${path}, hive_partitioning = false)`,
    )
    if (columns.length > MAX_FIELDS) {
      throw new Refusal(
        'unreadable',
        `The Parquet file has ${columns.length} columns; up to ${MAX_FIELDS} are read.`,
      )
    }
    const stored = await duckdb.all<{ name: string }>(`SELECT name FROM parquet_schema(${path})`)
    const names = new Set(stored.map(({ name }) => name))
    const renamed = columns.find(({ column_name }) => !names.has(column_name))
    if (renamed !== undefined) {
      throw new Refusal(
        'unreadable',
        `Two columns of the Parquet file have one name without regard to case (near ${renamed.column_name}).`,
      )
    }
    await refuseImpossibleTimes(path, columns, duckdb)
    return [Number(metadata?.rows ?? 0), columns] as const
  })
  return {
    format: 'parquet',
    path: object.path,
    rows: { by: 'ordinal', first_row: 1 },
    holes: false,
    marked: false,
    verbatim: false,
    records: rows_read,
    longest_record: 0,
    rows_read,
    rows_refused: 0,
    fields: described.map(({ column_name, column_type }) =>
      fieldOf(column_name, column_type, rows_read),
    ),
    notes: [],
  }
}

async function refuseImpossibleTimes(
  path: string,
  columns: readonly { readonly column_name: string; readonly column_type: string }[],
  duckdb: Duckdb,
): Promise<void> {
  for (const { column_name, column_type } of columns) {
    const broken = beyondDay(`r.${identifier(column_name)}`, column_type)
    if (broken === undefined) continue
    const found = await duckdb.all(
      `SELECT 1 FROM read_parquet(${path}, hive_partitioning = false) r WHERE ${broken} LIMIT 1`,
    )
    if (found.length > 0)
      throw new Refusal(
        'corrupt_object',
        `The column ${column_name} (${column_type}) holds a time that is no time of day.`,
      )
  }
}

/** Gives the length of the footer, in bytes, as the file tells it. */
async function checkMagic(object: StagedObject): Promise<number> {
  const head = await readHead(object.path, 512)
  if (head.length === 0) throw new Refusal('empty_object', 'The object has no bytes.')
  const start = Buffer.from(head.subarray(0, 4)).toString('latin1')
  if (start === 'PARE') throw new Refusal('unreadable', 'The Parquet file is encrypted.')
  if (start !== 'PAR1') {
    throw new Refusal(
      'wrong_format',
      `The object is ${describeHead(head)}; the feed expects Parquet.`,
    )
  }
  const tail = await readEnd(object.path, TAIL)
  const end = tail.toString('latin1', 4)
  if (end === 'PARE') throw new Refusal('unreadable', 'The Parquet file’s footer is encrypted.')
  if (end !== 'PAR1') {
    throw new Refusal(
      'corrupt_object',
      `The Parquet file is cut off: its last bytes are not PAR1 (${object.bytes} bytes long).`,
    )
  }
  return tail.readUInt32LE(0)
}

function describeHead(head: Uint8Array): string {
  const other = looksLike(head)
  if (other !== undefined) return other
  const codec = sniffCodec(head)
  if (codec !== 'none') return `${codec} data`
  if (Buffer.from(head).toString().trimStart().startsWith('{')) return 'JSON'
  return head.some((byte) => byte < 0x09) ? 'of no known format' : 'text'
}

/** DuckDB believes what a footer claims before it sees that there is not so much. */
async function checkFooter(object: StagedObject, length: number): Promise<void> {
  const footer = await readEnd(object.path, length + TAIL)
  const fault =
    footer.length < length + TAIL
      ? `it claims ${length} bytes, the file has ${object.bytes}`
      : thriftFault(footer.subarray(0, length))
  if (fault === undefined) return
  throw new Refusal(
    'corrupt_object',
    `The Parquet file cannot be read: its footer is damaged (${fault}).`,
  )
}

/** The last `count` bytes of a file; all of one that has fewer. */
async function readEnd(path: string, count: number): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const bytes = Buffer.alloc(Math.min(count, size))
    await file.read(bytes, 0, bytes.length, size - bytes.length)
    return bytes
  } finally {
    await file.close()
  }
}

/** What DuckDB says of a file it cannot read is about the file, not about the program. */
async function refuseFaults<Result>(
  object: StagedObject,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof Refusal) throw cause
    const message = cause instanceof Error ? cause.message : String(cause)
    const claimed = impossiblePage(message)
    if (claimed !== undefined) {
      throw new Refusal('corrupt_object', `The Parquet file cannot be read: ${claimed}`, cause)
    }
    if (/out of memory|interrupted|could not allocate/i.test(message)) throw cause
    // DuckDB names the local file, which tells a partner nothing.
    const told = message.replaceAll(object.path, object.key).split('\n')[0]
    const encrypted = /encrypt/i.test(message)
    const unsupported = /not supported|unsupported|not implemented/i.test(message)
    throw new Refusal(
      encrypted || unsupported ? 'unreadable' : 'corrupt_object',
      `The Parquet file cannot be read: ${told}`,
      cause,
    )
  }
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB']

/**
 * A damaged page header can claim any size. DuckDB then has no memory for it, but more memory, or
 * fewer loads beside it, would not help: what it asks for at once is more than its limit.
 */
function impossiblePage(message: string): string | undefined {
  const found = /allocate data of size ([\d.]+) (\w+) \([\d.]+ \w+\/([\d.]+) (\w+) used\)/.exec(
    message,
  )
  if (found === null) return undefined
  const [, wanted, wanted_unit = '', limit, limit_unit = ''] = found
  const bytes = (size: string | undefined, unit: string) =>
    Number(size) * 1024 ** UNITS.indexOf(unit)
  return bytes(wanted, wanted_unit) > bytes(limit, limit_unit)
    ? `a page claims ${wanted} ${wanted_unit}, more than the memory limit of ${limit} ${limit_unit}.`
    : undefined
}

function fieldOf(name: string, type: string, rows: number): Field {
  const none = {
    strings: 0,
    integers: 0,
    numbers: 0,
    booleans: 0,
    nulls: 0,
    nested: 0,
    long_integers: 0,
  }
  return { name, ...none, [kindOf(type)]: rows, type }
}

/** The JSON kind of a DuckDB type; times, UUIDs and binary are told as strings. */
function kindOf(type: string): keyof Omit<Field, 'name' | 'type'> {
  if (/\[\d*\]$|^(MAP|STRUCT|UNION)\b/.test(type)) return 'nested'
  if (/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(type)) return 'integers'
  if (/^(FLOAT|DOUBLE|DECIMAL)/.test(type)) return 'numbers'
  return type === 'BOOLEAN' ? 'booleans' : 'strings'
}

/**
 * Reads every column of a Parquet file through. Returns the refusal where a page is damaged,
 * nothing where all of it can be read.
 */
export async function probeParquet(
  object: Pick<StagedObject, 'path' | 'key'>,
  duckdb: Duckdb,
): Promise<
  { readonly code: 'corrupt_object' | 'unreadable'; readonly message: string } | undefined
> {
  const path = literal(object.path)
  try {
    await refuseFaults({ version: '', bytes: 0, ...object }, async () => {
      const columns = await duckdb.all<{ column_name: string }>(
        `DESCRIBE SELECT * FROM read_parquet(${path}, hive_partitioning = false)`,
      )
      const reads = columns.map(({ column_name }) => `count(hash(${identifier(column_name)}))`)
      await duckdb.all(
        `SELECT ${['count(*)', ...reads].join(', ')} FROM read_parquet(${path}, hive_partitioning = false)`,
      )
    })
    return undefined
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const code = error.code === 'unreadable' ? 'unreadable' : 'corrupt_object'
    return { code, message: error.message }
  }
}
