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

/** Fills the table `losers` with the rows of `valid_rows` that lost to another of their key; returns how many. */
export async function markDuplicates(feed: Feed, duckdb: Duckdb): Promise<number> {
  const key = feed.contract.key.map(identifier).join(', ')
  if (key === '') return 0
  await duckdb.run(
    `INSERT INTO losers SELECT r._object, r._row FROM (
       SELECT v._object, v._row, row_number() OVER (PARTITION BY ${key} ORDER BY ${winnerOrder(feed, 'o._object', 'v._row')}) AS place
       FROM (SELECT * FROM valid_rows SEMI JOIN (SELECT ${key} FROM valid_rows GROUP BY ALL HAVING count(*) > 1) USING (${key})) v
       JOIN (SELECT _obj AS _row, _object FROM load_objects) o ON o._row = v._object
     ) r WHERE place > 1`,
  )
  const [row] = await duckdb.all<{ n: bigint }>('SELECT count(*) AS n FROM losers')
  return Number(row?.n ?? 0n)
}
