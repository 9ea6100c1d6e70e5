import { stat } from 'node:fs/promises'
import type { Feed } from '../../core/feed.ts'
import { type Duckdb, identifier, literal } from '../../duckdb/duckdb.ts'
import type { StagedFile } from '../../engine/engine.ts'
import type { BegunLoad, FileKind, NewFile } from '../../ledger/ledger.ts'
import { generationPath } from '../paths.ts'

/** The files a load will publish: staged where they are now, named where they will be. */
export class Staging {
  readonly files: NewFile[] = []
  readonly #moves: StagedFile[] = []
  readonly #folder: string
  readonly #load_id: string
  readonly #feed: Feed

  constructor(feed: Feed, partition: string, { load_id, generation }: BegunLoad) {
    this.#feed = feed
    this.#load_id = load_id
    this.#folder = generationPath(feed.name, partition, generation, load_id)
  }

  async add(
    kind: FileKind,
    staged: string,
    rows: number,
    objects: NewFile['objects'],
    duckdb?: Duckdb,
  ): Promise<void> {
    const same = this.files.filter((f) => f.kind === kind).length
    const path = `${this.#folder}/${kind}${same === 0 ? '' : `-${same}`}.parquet`
    const times =
      duckdb === undefined || kind === 'rejects' ? {} : await timeRange(duckdb, staged, this.#feed)
    this.#moves.push({ staged, path })
    this.files.push({ kind, path, rows, bytes: (await stat(staged)).size, objects, ...times })
  }

  addPlanned(file: StagedFile): void {
    this.#moves.push(file)
  }

  plan() {
    return { load_id: this.#load_id, feed: this.#feed.name, files: this.#moves }
  }
}

/** Least and greatest time of a file, which its own statistics answer. */
async function timeRange(
  duckdb: Duckdb,
  path: string,
  feed: Feed,
): Promise<{ min_time?: Date; max_time?: Date }> {
  const column = feed.contract.columns.find((c) => c.name === feed.contract.time_column)
  if (column === undefined || (column.type.kind !== 'timestamp' && column.type.kind !== 'date'))
    return {}
  const name = identifier(column.name)
  const [row] = await duckdb.all<{ a: bigint | null; b: bigint | null }>(
    `SELECT epoch_ms(min(${name})::TIMESTAMP) AS a, epoch_ms(max(${name})::TIMESTAMP) AS b FROM read_parquet(${literal(path)}, hive_partitioning = false)`,
  )
  return row === undefined || row.a === null || row.b === null
    ? {}
    : { min_time: new Date(Number(row.a)), max_time: new Date(Number(row.b)) }
}
