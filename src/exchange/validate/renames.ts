import { type Duckdb, identifier, literal } from '../../duckdb/duckdb.ts'
import type { Note } from '../../ledger/ledger.ts'

interface Profile {
  readonly name: string
  readonly type: string
  /** Share of rows that have a value, 0 to 1. */
  readonly filled: number
  readonly distinct: number
}

/** Shares of filled rows may differ by this much between two deliveries of one field. */
const FILLED_APART = 0.2
/** Numbers of distinct values may differ by this factor. */
const DISTINCT_APART = 3

/**
 * Partners are asked not to rename fields. A field that vanished while one of the same profile (type, share of
 * rows that have it, number of distinct values) appeared is most likely a rename, and is told as such.
 * `added` are the columns that are new; both files are of the dataset.
 */
export async function probableRenames(
  added: readonly string[],
  files: { readonly before: string; readonly after: string },
  duckdb: Duckdb,
): Promise<Note[]> {
  const after = await profiles(files.after, duckdb)
  const before = (await profiles(files.before, duckdb)).filter((p) => p.filled > 0)
  const present = new Set(after.filter((p) => p.filled > 0).map((p) => p.name))
  const vanished = before.filter((p) => !present.has(p.name))
  const notes: Note[] = []
  for (const field of after.filter((p) => added.includes(p.name))) {
    const [old] = vanished
      .filter((p) => isAlike(p, field))
      .sort((a, b) => Math.abs(a.distinct - field.distinct) - Math.abs(b.distinct - field.distinct))
    if (old === undefined) continue
    vanished.splice(vanished.indexOf(old), 1)
    notes.push({
      code: 'probable_rename',
      count: 1,
      message: `field ${old.name} vanished while ${field.name} with the same kind of values appeared: probably a rename; fields should keep their names`,
    })
  }
  return notes
}

function isAlike(old: Profile, field: Profile): boolean {
  const [less, more] = [old.distinct, field.distinct].sort((a, b) => a - b)
  return (
    old.type === field.type &&
    Math.abs(old.filled - field.filled) <= FILLED_APART &&
    (more ?? 0) <= Math.max(less ?? 0, 1) * DISTINCT_APART
  )
}

async function profiles(path: string, duckdb: Duckdb): Promise<Profile[]> {
  const source = `read_parquet(${literal(path)}, hive_partitioning = false)`
  const columns = await duckdb.all<{ column_name: string; column_type: string }>(
    `DESCRIBE SELECT * FROM ${source}`,
  )
  const scalars = columns.filter((c) => !/[[(]/.test(c.column_type.replace(/^DECIMAL.*/, '')))
  const parts = scalars.map(
    ({ column_name }, at) =>
      `count(${identifier(column_name)}) AS f${at}, approx_count_distinct(${identifier(column_name)}) AS d${at}`,
  )
  const [row] = await duckdb.all<Record<string, bigint>>(
    `SELECT count(*) AS n${parts.map((p) => `, ${p}`).join('')} FROM ${source}`,
  )
  const rows = Math.max(1, Number(row?.n ?? 0n))
  return scalars.map(({ column_name, column_type }, at) => ({
    name: column_name,
    type: column_type,
    filled: Number(row?.[`f${at}`] ?? 0n) / rows,
    distinct: Number(row?.[`d${at}`] ?? 0n),
  }))
}
