import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Grain } from '../../core/contract/contract.ts'
import { ExchangeError } from '../../core/errors.ts'
import type { Feed } from '../../core/feed.ts'
import type { VariableValues } from '../../core/layout/layout.ts'
import { type Partition, parsePartition } from '../../core/partition.ts'
import { type Duckdb, identifier, literal } from '../../duckdb/duckdb.ts'
import { winnerOrder } from '../validate/duplicates.ts'

/** Rows that lie in one partition and share the values of the layout's further variables. */
export interface Place {
  readonly partition: Partition
  readonly variables: VariableValues
  readonly rows: number
  /** Parquet files of the dataset's columns, in no order. */
  readonly files: readonly string[]
}

/** Name of the partition that a time lies in, as SQL; the inverse is `parsePartition`. */
function partitionName(feed: Feed, column: string): string {
  const { grain, zone } = feed.layout
  const kind = feed.contract.columns.find((c) => c.name === column)?.type.kind
  const sql = identifier(column)
  const wall =
    kind === 'date' || /^(utc|etc\/utc)$/i.test(zone)
      ? `(${sql})::TIMESTAMP`
      : `timezone(${literal(zone)}, timezone('UTC', ${sql}))`
  const patterns: Readonly<Record<Exclude<Grain, '15 minutes'>, string>> = {
    year: '%Y',
    month: '%Y-%m',
    day: '%Y-%m-%d',
    hour: '%Y-%m-%dT%H',
  }
  return grain === '15 minutes'
    ? `strftime(time_bucket(INTERVAL '15 minutes', ${wall}), '%Y-%m-%dT%H:%M')`
    : `strftime(${wall}, ${literal(patterns[grain])})`
}

/**
 * Drops the rows that lose to another of their key in the same partition, and puts the others into
 * files by place. Throws `partition_unknown` where a row has no time to go by.
 */
export async function placeRows(
  files: readonly string[],
  options: {
    readonly feed: Feed
    /** Where all rows go; without it each goes by its time. */
    readonly partition: Partition | undefined
    readonly duckdb: Duckdb
    /** Empty folder. */
    readonly dir: string
  },
): Promise<{ readonly places: readonly Place[]; readonly duplicates: number }> {
  const { feed, partition, duckdb, dir } = options
  if (files.length === 0) return { places: [], duplicates: 0 }
  const { variables } = feed.layout
  const time = feed.contract.time_column
  if (partition === undefined && time === undefined)
    throw new ExchangeError(
      'partition_unknown',
      'The contract has no time column that says which partition a row is of.',
    )
  const name = partition === undefined ? partitionName(feed, time ?? '') : literal(partition.name)
  await duckdb.run(
    `CREATE OR REPLACE TEMP VIEW checked_rows AS SELECT *, ${name} AS _bucketline_partition FROM read_parquet([${files.map(literal).join(', ')}], hive_partitioning = false)`,
  )
  const duplicates = await findDuplicates(feed, duckdb)
  const kept =
    duplicates === 0
      ? 'checked_rows'
      : '(FROM checked_rows c ANTI JOIN delivery_losers l ON l._object = c._object AND l._row = c._row)'
  const values = variables.map((v) => identifier(v))
  const found = await duckdb.all<{ p: string | null; n: bigint } & Record<string, unknown>>(
    `SELECT _bucketline_partition AS p, count(*) AS n${values.map((v, at) => `, ${v}::VARCHAR AS v${at}`).join('')} FROM ${kept} GROUP BY ALL ORDER BY ALL`,
  )
  const unknown = found.find((f) => f.p === null)
  if (unknown !== undefined)
    throw new ExchangeError(
      'partition_unknown',
      `${unknown.n} rows have no ${time}, which says which partition they are of.`,
    )
  const places = found.map(({ p, n, ...rest }) => ({
    partition: partition ?? parsePartition(p ?? '', feed.layout.zone, feed.layout.grain),
    variables: Object.fromEntries(
      variables.map((v, at) => [v, (rest[`v${at}`] ?? null) as string | null]),
    ),
    rows: Number(n),
  }))
  const [only] = places
  if (only !== undefined && places.length === 1 && duplicates === 0)
    return { places: [{ ...only, files }], duplicates }
  await splitRows(kept, places, { variables, duckdb, dir })
  return {
    duplicates,
    places: await Promise.all(
      places.map(async (place, at) => {
        const folder = join(dir, `_bucketline_place=${at}`)
        return { ...place, files: (await readdir(folder)).map((file) => join(folder, file)) }
      }),
    ),
  }
}

/** One pass over all rows, however many places there are. */
async function splitRows(
  rows: string,
  places: readonly Omit<Place, 'files'>[],
  options: { readonly variables: readonly string[]; readonly duckdb: Duckdb; readonly dir: string },
): Promise<void> {
  const { variables, duckdb, dir } = options
  await duckdb.run(
    `CREATE OR REPLACE TEMP TABLE delivery_places (_bucketline_place INTEGER, p VARCHAR${variables.map((_, at) => `, v${at} VARCHAR`).join('')})`,
  )
  for (let at = 0; at < places.length; at += 1000) {
    const values = places.slice(at, at + 1000).map(({ partition, variables: of }, i) => {
      const texts = variables.map((v) => of[v] ?? null)
      return `(${[at + i, literal(partition.name), ...texts.map((t) => (t === null ? 'NULL' : literal(t)))].join(', ')})`
    })
    await duckdb.run(`INSERT INTO delivery_places VALUES ${values.join(', ')}`)
  }
  const same = variables.map(
    (v, at) => ` AND p.v${at} IS NOT DISTINCT FROM r.${identifier(v)}::VARCHAR`,
  )
  await duckdb.run(
    `COPY (SELECT r.* EXCLUDE (_bucketline_partition), p._bucketline_place FROM ${rows} r JOIN delivery_places p ON p.p = r._bucketline_partition${same.join('')})
     TO ${literal(dir)} (FORMAT parquet, CODEC 'zstd', COMPRESSION_LEVEL 1, PARTITION_BY (_bucketline_place), OVERWRITE_OR_IGNORE true)`,
  )
}

/**
 * Fills `delivery_losers`; returns how many there are. Only rows of one partition compete: which of
 * two partitions' rows is served is for the receiver, who may get one of them again.
 */
async function findDuplicates(feed: Feed, duckdb: Duckdb): Promise<number> {
  if (feed.contract.key.length === 0) return 0
  const key = ['_bucketline_partition', ...feed.contract.key.map(identifier)].join(', ')
  // Hashes that all differ prove that all keys do, and counting them is far cheaper than ranking rows.
  const [counts] = await duckdb.all<{ n: bigint; d: bigint }>(
    `SELECT count(*) AS n, count(DISTINCT hash(${key})) AS d FROM checked_rows`,
  )
  if (counts === undefined || counts.n === counts.d) return 0
  await duckdb.run(
    `CREATE OR REPLACE TEMP TABLE delivery_losers AS SELECT _object, _row FROM (
       SELECT _object, _row, row_number() OVER (PARTITION BY ${key} ORDER BY ${winnerOrder(feed, '_object', '_row')}) AS place
       FROM checked_rows SEMI JOIN (SELECT ${key} FROM checked_rows GROUP BY ALL HAVING count(*) > 1) USING (${key})
     ) WHERE place > 1`,
  )
  const [row] = await duckdb.all<{ n: bigint }>('SELECT count(*) AS n FROM delivery_losers')
  return Number(row?.n ?? 0n)
}
