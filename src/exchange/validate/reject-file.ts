import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import type { Column } from '../../core/contract/contract.ts'
import type { Feed } from '../../core/feed.ts'
import { type Duckdb, literal } from '../../duckdb/duckdb.ts'
import type { Formats, StagedObject } from '../../format/format.ts'
import type { RejectSummary } from '../../ledger/ledger.ts'
import { expectation } from './column-sql.ts'
import type { SourceGroup } from './source-group.ts'

export interface RejectFileOptions {
  readonly feed: Feed
  readonly duckdb: Duckdb
  readonly formats: Formats
  readonly dir: string
  readonly groups: readonly SourceGroup[]
  readonly columns: readonly Column[]
  /** Rows that a gate refused, as JSON lines, and how many. */
  readonly gate_rejects: string
  /** Objects refused as a whole: what a gate refused of their rows before does not count. */
  readonly refused_objects: ReadonlySet<number>
  readonly gate_rejected: number
  /** Bytes of the longest of those lines. */
  readonly gate_longest: number
  readonly staged: readonly StagedObject[]
}

/** Longest value shown in a message, in characters. */
const SHOWN = 80

/** Writes the refused rows of a load, gates' and checks', in object and row order; no file without one. */
export async function writeRejects(
  options: RejectFileOptions,
): Promise<{ readonly path?: string; readonly summary: readonly RejectSummary[] }> {
  const { duckdb, dir, columns } = options
  const [count] = await duckdb.all<{ n: bigint }>('SELECT count(*) AS n FROM bad')
  if (Number(count?.n ?? 0n) + options.gate_rejected === 0) return { summary: [] }

  await duckdb.run(
    'CREATE OR REPLACE TEMP TABLE raw_rows (_obj INTEGER, _row BIGINT, raw VARCHAR, names VARCHAR[])',
  )
  for (const group of options.groups) await collectRaw(group, options)
  await duckdb.run(
    'CREATE OR REPLACE TEMP TABLE reject_columns (i INTEGER, name VARCHAR, wanted VARCHAR)',
  )
  const named = [
    ...columns.map((c, i) => `(${i}, ${literal(c.name)}, ${literal(expectation(c))})`),
    `(${columns.length}, NULL, 'no field that the contract does not declare')`,
  ]
  await duckdb.run(`INSERT INTO reject_columns VALUES ${named.join(', ')}`)
  await duckdb.run(
    'CREATE OR REPLACE TEMP TABLE reject_objects (_obj INTEGER, "object" VARCHAR, version VARCHAR)',
  )
  for (let at = 0; at < options.staged.length; at += 1000) {
    const rows = options.staged
      .slice(at, at + 1000)
      .map((o, i) => `(${at + i}, ${literal(o.key)}, ${literal(o.version)})`)
    await duckdb.run(`INSERT INTO reject_objects VALUES ${rows.join(', ')}`)
  }
  const path = join(dir, 'rejects.parquet')
  const refused = [...options.refused_objects]
  const left = refused.length === 0 ? '' : ` WHERE _obj NOT IN (${refused.join(', ')})`
  const fromGate =
    options.gate_rejected === 0
      ? 'SELECT NULL::INTEGER AS _obj, NULL::BIGINT AS "row", NULL::VARCHAR AS "column", NULL::VARCHAR AS code, NULL::VARCHAR[] AS codes, NULL::VARCHAR AS message, NULL::VARCHAR AS raw WHERE false'
      : `SELECT _obj, "row", "column", code, [code] AS codes, message, raw FROM read_json(${literal(options.gate_rejects)}, format = 'newline_delimited', columns = {_obj: 'INTEGER', "row": 'BIGINT', "column": 'VARCHAR', code: 'VARCHAR', message: 'VARCHAR', raw: 'VARCHAR'}, maximum_object_size = ${objectSize(options.gate_longest)})${left}`
  await duckdb.run(
    `CREATE OR REPLACE TEMP TABLE rejects AS
     SELECT o."object", o.version, g."row", g."column", g.code, g.codes, g.message, g.raw
     FROM (${fromGate} UNION ALL ${checkedRejects(options)}) g JOIN reject_objects o USING (_obj) ORDER BY g._obj, g."row"`,
  )
  await duckdb.run(
    `COPY (SELECT * FROM rejects) TO ${literal(path)} (FORMAT parquet, CODEC 'zstd')`,
  )
  const summary = await duckdb.all<{ code: string; column: string | null; n: bigint }>(
    'SELECT code, "column", count(*) AS n FROM rejects GROUP BY ALL ORDER BY n DESC, code, "column"',
  )
  return {
    path,
    summary: summary.map((s) => ({
      code: s.code,
      ...(s.column === null ? {} : { column: s.column }),
      count: Number(s.n),
    })),
  }
}

/**
 * Refused rows with a message. Null and absent look alike in a text source; the names that the row
 * has tell which it was.
 */
function checkedRejects({ columns, feed }: RejectFileOptions): string {
  const value = `left(v.shown, ${SHOWN})`
  const accepted = `[${columns.map((c) => nameList(c.names, feed)).join(', ')}]`
  const absent = `x.shown IS NULL AND NOT list_has_any(r.names, ${accepted}[x.i + 1])`
  return `SELECT _obj, _row AS "row", "column", final AS code, codes, CASE final
        WHEN 'missing_column' THEN concat("column", CASE WHEN v.shown IS NULL THEN ' is not there and is required' ELSE concat(' lacks a required field: ', ${value}) END)
        WHEN 'null_value' THEN concat("column", CASE WHEN v.shown IS NULL THEN ' is null and is required' ELSE concat(' has a required field that is null: ', ${value}) END)
        WHEN 'missing_key' THEN concat("column", ' lacks the required key ', ${value})
        WHEN 'duplicate_map_key' THEN concat("column", ' has two keys that are the same: ', ${value})
        WHEN 'out_of_partition' THEN concat("column", ' is ', ${value}, ', outside the partition')
        WHEN 'unexpected_column' THEN concat('fields that the contract does not declare: ', ${value})
        ELSE concat("column", ' is ', ${value}, '; wanted: ', wanted)
      END AS message, raw
    FROM (
      SELECT b._obj, b._row, r.raw, b.violations[1] AS v, c.name AS "column", c.wanted,
        list_transform(b.violations, lambda x: CASE WHEN x.code = 'null_value' AND ${absent} THEN 'missing_column' ELSE x.code END) AS codes,
        codes[1] AS final
      FROM bad b
      LEFT JOIN raw_rows r ON r._obj = b._obj AND r._row = b._row
      JOIN reject_columns c ON c.i = b.violations[1].i
    )`
}

/** Names as an SQL list, in one case where the contract does not look at it. */
function nameList(names: readonly string[], { contract }: Feed): string {
  const folded = contract.ignore_case ? names.map((name) => name.toLowerCase()) : names
  return `[${folded.map(literal).join(', ')}]::VARCHAR[]`
}

/** The names of one JSON line; undefined where the text was cut, or is JSON only after a repair. */
function namesOf(raw: string, { contract }: Feed): readonly string[] | undefined {
  try {
    const names = Object.keys(JSON.parse(raw) as object)
    return contract.ignore_case ? names.map((name) => name.toLowerCase()) : names
  } catch {
    return undefined
  }
}

/** Room for the longest line: DuckDB's reader takes twice this for each thread, out of `memory_limit`. */
const objectSize = (longest: number) => Math.max(1 << 20, longest + 1024)

/** The delivered text of the refused rows: Parquet rows as JSON in one statement, text rows from their objects. */
async function collectRaw(group: SourceGroup, options: RejectFileOptions): Promise<void> {
  const { duckdb } = options
  const { format } = group
  if (format === 'parquet') {
    await duckdb.run(
      `INSERT INTO raw_rows SELECT _obj, _row, ${group.raw}, NULL FROM ${group.table} SEMI JOIN bad USING (_obj, _row)`,
    )
    return
  }
  const path = join(options.dir, `raw-${group.format}.jsonl`)
  const out = createWriteStream(path)
  /** Of objects with refused rows: the names of their fields. */
  const all_names: string[] = []
  let longest = 0
  for (const object of group.objects) {
    const rows = await duckdb.all<{ _row: bigint }>(
      `SELECT _row FROM bad WHERE _obj = ${object.index} ORDER BY _row`,
    )
    if (rows.length === 0) continue
    const staged = options.staged[object.index]
    if (staged === undefined) throw new Error(`no staged object ${object.index}`)
    const fields = object.passed.fields.map((f) => f.name)
    all_names.push(`(${object.index}, ${nameList(fields, options.feed)})`)
    const wanted = rows.map((r) => Number(r._row))
    const { path: passed, verbatim } = object.passed
    const settings = options.feed.format
    // What the gate left need not be expanded again.
    const [source, how] =
      verbatim && settings.type !== 'parquet'
        ? [
            { ...staged, key: 'passed', path: passed },
            { ...settings, compression: 'none' as const, encoding: 'utf-8' },
          ]
        : [staged, settings]
    for await (const { row, raw } of options.formats.rawRows(source, {
      format,
      settings: how,
      rows: wanted,
    })) {
      const names = group.format === 'jsonl' ? namesOf(raw, options.feed) : undefined
      const line = `${JSON.stringify({ _obj: object.index, _row: row, raw, names })}\n`
      longest = Math.max(longest, Buffer.byteLength(line))
      if (!out.write(line)) await once(out, 'drain')
    }
  }
  out.end()
  await once(out, 'close')
  if (all_names.length === 0) return
  await duckdb.run(
    `INSERT INTO raw_rows SELECT r._obj, r._row, r.raw, coalesce(r.names, o.names)
     FROM read_json(${literal(path)}, format = 'newline_delimited', columns = {_obj: 'INTEGER', _row: 'BIGINT', raw: 'VARCHAR', names: 'VARCHAR[]'}, maximum_object_size = ${objectSize(longest)}) r
     JOIN (VALUES ${all_names.join(', ')}) o(_obj, names) USING (_obj)`,
  )
}
