import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { type Duckdb, literal, openDuckdb } from '../../src/duckdb/duckdb.ts'

export type Row = Readonly<Record<string, unknown>>

/** The folder that partners deliver into. `at` is when an object was delivered, ISO 8601 in UTC. */
export interface Inbox extends AsyncDisposable {
  readonly dir: string
  readonly duckdb: Duckdb
  write(key: string, body: string | Uint8Array, at: string): Promise<void>
  /** Rows as Parquet; `types` names the columns and DuckDB's types of them. */
  writeParquet(key: string, rows: readonly Row[], of: ParquetObject): Promise<void>
  /** Sets when an object was delivered. */
  date(key: string, at: string): Promise<void>
}

export interface ParquetObject {
  readonly types: Readonly<Record<string, string>>
  readonly at: string
}

/** Opens the inbox, and a DuckDB that writes its Parquet. */
export async function openInbox(dir: string): Promise<Inbox> {
  const scratch = await mkdtemp(join(tmpdir(), 'bucketline-demo-'))
  const duckdb = await openDuckdb({ memory_limit: '1GB', spill_dir: join(scratch, 'spill') })
  const pathOf = async (key: string) => {
    const path = join(dir, key)
    await mkdir(dirname(path), { recursive: true })
    return path
  }
  const date = (key: string, at: string) => utimes(join(dir, key), new Date(at), new Date(at))
  return {
    dir,
    duckdb,
    date,
    async write(key, body, at) {
      await writeFile(await pathOf(key), body)
      await date(key, at)
    },
    async writeParquet(key, rows, { types, at }) {
      const lines = join(scratch, 'rows.jsonl')
      await writeFile(lines, jsonLines(rows))
      const columns = Object.entries(types).map(
        ([name, type]) => `${literal(name)}: ${literal(type)}`,
      )
      await duckdb.run(
        `COPY (SELECT * FROM read_json(${literal(lines)}, format = 'newline_delimited', columns = {${columns.join(', ')}}))
         TO ${literal(await pathOf(key))} (FORMAT parquet, COMPRESSION snappy)`,
      )
      await date(key, at)
    },
    async [Symbol.asyncDispose]() {
      await duckdb[Symbol.asyncDispose]()
      await rm(scratch, { recursive: true, force: true })
    },
  }
}

export const jsonLines = (rows: readonly Row[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('')

/** RFC 4180 with a header line of the first row's names; undefined and null are empty fields. */
export function csv(rows: readonly Row[]): string {
  const names = Object.keys(rows[0] ?? {})
  const line = (values: readonly unknown[]) =>
    `${values.map((value) => field(value ?? '')).join(',')}\n`
  return [line(names), ...rows.map((row) => line(names.map((name) => row[name])))].join('')
}

function field(value: unknown): string {
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Fast rather than small: the demo's time goes into loading. */
export const gzip = (text: string): Uint8Array => gzipSync(text, { level: 1 })
export const zstd = (text: string): Uint8Array => zstdCompressSync(text)

/** `2023-01-01 13:05:07.123`, the time `share` (0 to 1) of the way from `from` through `length_ms`. */
export function timeWithin(from: string, length_ms: number, share: number): string {
  const time = new Date(Date.parse(from) + Math.floor(share * length_ms))
  return time.toISOString().replace('T', ' ').replace('Z', '')
}

export const DAY_MS = 86_400_000
export const HOUR_MS = 3_600_000
