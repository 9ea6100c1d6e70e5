import { mkdir, open, rename, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StatementType } from '@duckdb/node-api'
import { ExchangeError } from '../core/errors.ts'
import { type Duckdb, identifier, literal, openDuckdb } from '../duckdb/duckdb.ts'
import type { DatasetSnapshot, Engine, PublishPlan, ResultTable } from './engine.ts'
import { plainValue } from './plain-value.ts'

export interface DuckdbEngineOptions {
  /** Folder under which the ledger's file paths lie. */
  readonly datasets_dir: string
  readonly spill_dir: string
  readonly memory_limit: string
  readonly threads?: number
}

/** Serves datasets from their Parquet files, where they lie. */
export function openDuckdbEngine(options: DuckdbEngineOptions): Engine {
  const { datasets_dir } = options
  const sessions = new Sessions(options)
  return {
    features: { reads_files: true },

    async publish(plan) {
      for (const { staged, path } of plan.files) {
        const target = join(datasets_dir, path)
        await mkdir(dirname(target), { recursive: true })
        // After a crash between two renames some files are in place already and gone from staging.
        if (!(await exists(staged)) && (await exists(target))) continue
        await flush(staged)
        await rename(staged, target)
      }
      // The ledger will name these files: their directory entries must outlive a power cut too.
      for (const dir of new Set(plan.files.map((f) => dirname(join(datasets_dir, f.path)))))
        await flush(dir)
    },

    async published(plan: PublishPlan) {
      for (const { path } of plan.files) if (!(await exists(join(datasets_dir, path)))) return false
      return true
    },

    async retire(paths) {
      for (const path of paths) {
        const target = join(datasets_dir, path)
        await rm(target, { force: true })
        await removeEmptyParents(dirname(target), datasets_dir)
      }
    },

    async query(sql, snapshots): Promise<ResultTable> {
      const reader = await sessions.use(async (session) => {
        const select = await session.prepare(sql, snapshots).catch((cause: unknown) => {
          throw namingDatasets(cause, snapshots)
        })
        return await runQuery(() => session.db.connection.runAndReadAll(select))
      })
      const types = reader.columnTypes().map(String)
      return {
        columns: reader
          .deduplicatedColumnNames()
          .map((name, at) => ({ name, type: types[at] ?? '' })),
        rows: reader.getRows().map((row) => row.map(plainValue)),
      }
    },

    async export(sql, snapshots, target) {
      // Where it may write is settled for good with its first statement: a session of its own.
      await using session = await openSession(options, dirname(target.path))
      const select = await session.prepare(sql, snapshots)
      const format = { csv: 'csv, HEADER', parquet: "parquet, CODEC 'zstd'", json: 'json' }[
        target.format
      ]
      await runQuery(() =>
        session.db.connection.run(`COPY (${select}) TO ${literal(target.path)} (FORMAT ${format})`),
      )
    },

    [Symbol.asyncDispose]: () => sessions[Symbol.asyncDispose](),
  }
}

/** A DuckDB that can read the datasets and nothing else. */
interface Session extends AsyncDisposable {
  readonly db: Duckdb
  /** One read-only statement, with a view for each dataset it names. */
  prepare(sql: string, snapshots: readonly DatasetSnapshot[]): Promise<string>
}

async function openSession(options: DuckdbEngineOptions, writable_dir?: string): Promise<Session> {
  const db = await openDuckdb(options)
  const dirs = [options.datasets_dir, ...(writable_dir === undefined ? [] : [writable_dir])]
  // Files are never written anew under a path that was read: their footers can be kept.
  await db.run('SET parquet_metadata_cache = true')
  await db.run(`SET allowed_directories = [${dirs.map((d) => literal(`${d}/`)).join(', ')}]`)
  await db.run('SET enable_external_access = false')
  await db.run('SET lock_configuration = true')
  /** By feed, the SELECT its view stands for: making a view reads the footers of all its files. */
  const views = new Map<string, string>()
  return {
    db,
    async prepare(sql, snapshots) {
      const statement = sql.trim().replace(/;\s*$/, '')
      if (statement === '')
        throw new ExchangeError('query_invalid', 'The query is empty.', {
          hint: 'Write one SELECT, such as SELECT count(*) FROM a feed’s name.',
        })
      const text = statement.toLowerCase()
      // DuckDB’s own list of a query’s tables leaves out some, such as one read with COLUMNS(c -> …), and
      // takes case into account; a view that a query only seems to name costs little.
      for (const snapshot of snapshots) {
        if (!text.includes(snapshot.feed.toLowerCase())) continue
        const select = snapshotSql(snapshot, options.datasets_dir)
        if (views.get(snapshot.feed) === select) continue
        await createView(db, snapshot.feed, select)
        views.set(snapshot.feed, select)
      }
      await onlySelect(db, statement)
      return statement
    },
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  }
}

/** Sessions between queries: one is kept, with what it has read; queries at once have one each. */
class Sessions implements AsyncDisposable {
  private readonly options: DuckdbEngineOptions
  private idle: Session | undefined

  constructor(options: DuckdbEngineOptions) {
    this.options = options
  }

  async use<T>(run: (session: Session) => Promise<T>): Promise<T> {
    const session = this.idle ?? (await openSession(this.options))
    this.idle = undefined
    try {
      return await run(session)
    } finally {
      if (this.idle === undefined) this.idle = session
      else await session[Symbol.asyncDispose]()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.idle?.[Symbol.asyncDispose]()
    this.idle = undefined
  }
}

/** A view reads the files' footers: what is missing or broken shows here, and is no fault of the query. */
async function createView(db: Duckdb, feed: string, select: string): Promise<void> {
  try {
    await db.run(`CREATE OR REPLACE VIEW ${identifier(feed)} AS ${select}`)
  } catch (cause) {
    const [reason] = (cause instanceof Error ? cause.message : String(cause)).split('\n')
    throw new ExchangeError('dataset_damaged', `The dataset ${feed} cannot be read: ${reason}`, {
      cause,
    })
  }
}

/** Files are named, never searched: what the ledger serves is what is read. */
function snapshotSql(snapshot: DatasetSnapshot, datasets_dir: string): string {
  const read = (files: readonly string[]) =>
    `read_parquet([${files.map((f) => literal(join(datasets_dir, f))).join(', ')}], union_by_name = true, hive_partitioning = false)`
  const { files, beaten } = snapshot
  if (files.length > 0)
    return beaten.length === 0
      ? `SELECT * FROM ${read(files)}`
      : `SELECT * FROM ${read(files)} d WHERE NOT EXISTS (FROM ${read(beaten)} b WHERE b._object = d._object AND b._row = d._row)`
  const columns = snapshot.columns.map((c) => `NULL::${c.type} AS ${identifier(c.name)}`)
  return `SELECT ${columns.length === 0 ? 'NULL::VARCHAR AS _object, NULL::BIGINT AS _row' : columns.join(', ')} WHERE false`
}

/** COPY and DDL could write where the datasets are, so only reading statements pass. */
async function onlySelect(db: Duckdb, sql: string): Promise<void> {
  const refused = (what: string) =>
    new ExchangeError('query_invalid', `query takes one SELECT, not ${what}`, {
      hint: 'Remove what is not a SELECT.',
    })
  const types = await runQuery(async () => {
    const statements = await db.connection.extractStatements(sql)
    if (statements.count !== 1) throw refused(`${statements.count} statements`)
    const prepared = await statements.prepare(0)
    return prepared.statementType
  })
  if (types !== StatementType.SELECT && types !== StatementType.EXPLAIN)
    throw refused(`a statement of type ${StatementType[types] ?? types}`)
}

async function runQuery<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    throw cause instanceof ExchangeError ? cause : queryError(cause)
  }
}

/** A table that is not there is most often a dataset's name misspelt: the names are told. */
function namingDatasets(error: unknown, snapshots: readonly DatasetSnapshot[]): unknown {
  if (!(error instanceof ExchangeError) || !/Table with name .* does not exist/.test(error.message))
    return error
  const names = snapshots.map((s) => s.feed).join(', ')
  return new ExchangeError(error.code, error.message, {
    hint: `The datasets are: ${names === '' ? 'none yet' : names}.`,
    cause: error,
  })
}

const queryError = (cause: unknown) =>
  new ExchangeError(
    'query_invalid',
    cause instanceof Error ? cause.message.trim() : String(cause),
    { cause },
  )

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw cause
  }
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Leaves no empty folders behind, and stops at the first that is not empty. */
async function removeEmptyParents(dir: string, root: string): Promise<void> {
  let at = dir
  while (at.startsWith(`${root}/`)) {
    try {
      await rmdir(at)
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return
      if (code !== 'ENOENT') throw cause
    }
    at = dirname(at)
  }
}
