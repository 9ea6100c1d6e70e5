import type { Column } from '../../core/contract/contract.ts'
import type { Feed } from '../../core/feed.ts'
import { type Duckdb, identifier } from '../../duckdb/duckdb.ts'

/**
 * Which of several rows of one key is kept, as ORDER BY terms with the winner first. Events: the
 * first in object and row order. Upserts: the greatest version, a tie goes to the later object and row.
 * The order never depends on when an object arrived, so a re-run keeps the same rows.
 */
export function winnerOrder(
  feed: Pick<Feed, 'publish' | 'contract'>,
  object: string,
  row: string,
): string {
  const version = feed.contract.version_column
  return feed.publish === 'upsert'
    ? `${version === undefined ? '' : `${identifier(version)} DESC NULLS LAST, `}${object} DESC, ${row} DESC`
    : `${object}, ${row}`
}

/** Fills the table `losers` with the valid rows that lost to another of their key; returns how many. */
export async function markDuplicates(
  feed: Feed,
  columns: readonly Column[],
  duckdb: Duckdb,
): Promise<number> {
  await duckdb.run('CREATE OR REPLACE TEMP TABLE losers (_obj INTEGER, _row BIGINT)')
  const key = feed.contract.key.map(identifier)
  if (key.length === 0) return 0
  const missing = feed.contract.key.filter((k) => !columns.some((c) => c.name === k))
  if (missing.length > 0) throw new Error(`key column ${missing.join(', ')} is not in the contract`)
  // Counting distinct keys is far cheaper than ranking all rows, and most deliveries have no duplicate.
  const [counts] = await duckdb.all<{ n: bigint; d: bigint }>(
    `SELECT count(*) AS n, count(DISTINCT ${key.length === 1 ? key[0] : `(${key.join(', ')})`}) AS d FROM valid_rows`,
  )
  if (counts === undefined || counts.n === counts.d) return 0
  await duckdb.run(
    `INSERT INTO losers SELECT r._object, r._row FROM (
       SELECT v._object, v._row, row_number() OVER (PARTITION BY ${key.join(', ')} ORDER BY ${winnerOrder(feed, 'o._object', 'v._row')}) AS place
       FROM (SELECT * FROM valid_rows SEMI JOIN (SELECT ${key.join(', ')} FROM valid_rows GROUP BY ALL HAVING count(*) > 1) USING (${key.join(', ')})) v
       JOIN (SELECT _obj AS _row, _object FROM load_objects) o ON o._row = v._object
     ) r WHERE place > 1`,
  )
  const [row] = await duckdb.all<{ n: bigint }>('SELECT count(*) AS n FROM losers')
  return Number(row?.n ?? 0n)
}
