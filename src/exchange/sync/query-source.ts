import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import type { DatasetSnapshot, Engine } from '../../engine/engine.ts'
import type { TypedColumn } from './inferred-schema.ts'
import { jsonRow } from './json-row.ts'

export interface QueryOptions {
  readonly sql: string
  readonly engine: Engine
  readonly snapshots: readonly DatasetSnapshot[]
}

/** What a query gives, by its columns; nothing is read. Throws what the engine says of the query. */
export async function queryColumns(options: QueryOptions): Promise<readonly TypedColumn[]> {
  const { sql, engine, snapshots } = options
  // Of a JSON column the result itself says only that it is text.
  const { rows } = await engine.query(
    `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM (${bare(sql)}\n))`,
    snapshots,
  )
  return rows.map(([name, type]) => ({ name: String(name), type: String(type) }))
}

/** The rows of a query as JSON lines, by way of a file on local disk. */
export async function* queryLines(
  options: QueryOptions & { readonly columns: readonly TypedColumn[]; readonly dir: string },
): AsyncGenerator<Uint8Array> {
  const { sql, engine, snapshots, columns, dir } = options
  const path = join(dir, 'query.json')
  const rows = `SELECT ${jsonRow(columns)} AS line FROM (${bare(sql)}\n)`
  await engine.export(rows, snapshots, { path, format: 'json' })
  let rest = ''
  const decoder = new TextDecoder()
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (lines.length > 0) yield Buffer.from(`${lines.map(lineOf).join('\n')}\n`)
  }
}

const lineOf = (row: string): string => (JSON.parse(row) as { readonly line: string }).line

/** Without the semicolon that a statement may end in. */
const bare = (sql: string): string => sql.replace(/[\s;]+$/, '')
