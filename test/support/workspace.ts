import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { stringify } from 'yaml'
import { openApp } from '../../src/app.ts'
import { jsonValue } from '../../src/cli/format-value.ts'
import { loadReport } from '../../src/cli/load-report.ts'
import { literal, openDuckdb } from '../../src/duckdb/duckdb.ts'
import { openEmbeddedLedger } from '../../src/ledger/pglite.ts'

/** Values as `--json` shows them. */
export type Json = Record<string, unknown>

/** A load, or a dry run, as its JSON document says it. */
export interface Report {
  readonly load_id?: string
  readonly feed: string
  readonly partition: string
  readonly generation?: number
  readonly reason?: string
  readonly state: string
  readonly code?: string
  readonly message?: string
  readonly rows_read: number
  readonly rows_published: number
  readonly duplicates: number
  readonly rejected: number
  readonly objects: readonly { readonly object: string; readonly code: string; message: string }[]
  readonly rejects: readonly { readonly code: string; column?: string; count: number }[]
  readonly notes: readonly { readonly code: string; count: number; message: string }[]
}

export interface RejectedRow {
  readonly partition: string
  readonly object: string
  readonly version: string
  readonly row: number
  readonly column?: string
  readonly code: string
  readonly codes: readonly string[]
  readonly message: string
  readonly raw: string
}

export interface WorkspaceOptions {
  /** Settings of each feed; the store `inbox` and a prefix of the feed's own name are filled in. */
  readonly feeds: Readonly<Record<string, Json>>
  /** Contract files by name, below `contracts/`. */
  readonly contracts?: Readonly<Record<string, string>>
  /** How the folder's name begins. */
  readonly folder?: string
  /** What time it is when an app opens. */
  readonly now?: string
}

export interface LoadFlags {
  readonly partition?: string
  readonly all?: boolean
  readonly force?: boolean
  readonly replay?: boolean
}

export type Workspace = Awaited<ReturnType<typeof openWorkspace>>

/**
 * A configuration, a folder store and the app over them, in one temporary folder. Loads run in this
 * process through the composition root that the command line uses, and answer with its JSON.
 */
export async function openWorkspace(options: WorkspaceOptions) {
  const dir = await mkdtemp(join(tmpdir(), options.folder ?? 'bucketline-workspace-'))
  const feeds: Record<string, Json> = { ...options.feeds }
  let now = options.now ?? '2023-06-01T00:00:00Z'
  const signal = new AbortController().signal
  const observe = () => undefined

  const writeConfig = () =>
    writeFile(
      join(dir, 'bucketline.yaml'),
      stringify({
        data_dir: '.bucketline',
        threads: 2,
        stores: { inbox: { type: 'local', path: './inbox' } },
        feeds: Object.fromEntries(
          Object.entries(feeds).map(([name, settings]) => [
            name,
            { store: 'inbox', prefix: `${name}/`, ...settings },
          ]),
        ),
      }),
    )
  const writeContract = async (name: string, text: string) => {
    await mkdir(join(dir, 'contracts'), { recursive: true })
    await writeFile(join(dir, 'contracts', name), text)
  }
  await mkdir(join(dir, 'inbox'))
  for (const [name, text] of Object.entries(options.contracts ?? {}))
    await writeContract(name, text)
  await writeConfig()
  const open = () =>
    openApp({
      config_file: 'bucketline.yaml',
      cwd: dir,
      env: { BUCKETLINE_NOW: now },
      command: 'test',
      signal,
    })
  let app = await open()
  const all = (feed: string, flags: LoadFlags = {}) => ({
    feeds: [feed],
    all: false,
    force: false,
    replay: false,
    ...flags,
  })

  return {
    dir,
    get app() {
      return app
    },
    writeContract,
    /** Another app on the same data directory, as a second process would open it. */
    openSecond: open,
    pathOf: (key: string) => join(dir, 'inbox', key),

    /** Delivers an object. Each write makes a new version, even of the same bytes. */
    async put(key: string, content: string | Uint8Array, modified?: string) {
      const path = join(dir, 'inbox', key)
      await mkdir(dirname(path), { recursive: true })
      await rm(path, { force: true })
      await writeFile(path, content)
      if (modified !== undefined) await utimes(path, new Date(modified), new Date(modified))
    },
    /** Delivers a Parquet object made of what a SELECT gives. */
    async putParquet(key: string, select: string, copy_options = '') {
      const path = join(dir, 'inbox', key)
      await mkdir(dirname(path), { recursive: true })
      await rm(path, { force: true })
      await using duckdb = await openDuckdb({
        memory_limit: '512MB',
        spill_dir: join(dir, 'spill'),
      })
      await duckdb.run(`COPY (${select}) TO ${literal(path)} (FORMAT parquet${copy_options})`)
    },
    remove: (key: string) => rm(join(dir, 'inbox', key)),

    /** Runs `load` once for a feed. `onStart` is called when a load has begun, before it fetches. */
    async load(feed: string, flags: LoadFlags = {}, onStart?: () => void): Promise<Report[]> {
      const reports: Report[] = []
      const run = {
        watch: false,
        signal,
        observe: ({ type }: { readonly type: string }) => {
          if (type === 'started') onStart?.()
        },
      }
      for await (const record of app.load(all(feed, flags), run))
        reports.push(jsonValue(loadReport(record)) as unknown as Report)
      return reports
    },
    async plan(feed: string, flags: LoadFlags = {}) {
      return app.plan(all(feed, flags))
    },
    /** Runs `validate` on a feed; `files` are checked instead of the bucket. */
    async validate(feed: string, files: readonly string[] = []) {
      const { validations, rejects } = await app.validate(
        { feeds: [feed], files },
        { signal, observe },
      )
      const rows: RejectedRow[] = []
      for await (const reject of rejects) rows.push(reject)
      return { validations: jsonValue(validations) as Report[], rejects: rows }
    },
    async rejects(feed: string, every = false, code?: string) {
      const found = await app.rejects({
        feed,
        all: every,
        ...(code === undefined ? {} : { code }),
      })
      const rows: RejectedRow[] = []
      for await (const reject of found.rejects) rows.push(reject)
      return rows
    },
    async query(sql: string): Promise<Json[]> {
      const { columns, rows } = await app.query(sql)
      return rows.map((row) =>
        Object.fromEntries(columns.map(({ name }, at) => [name, jsonValue(row[at])])),
      )
    },
    /** Rows of a dataset in object and row order, keys below the feed's prefix. */
    async rows(feed: string, select = '*'): Promise<Json[]> {
      return this.query(
        `SELECT ${select} FROM (SELECT * REPLACE (_object[${feed.length + 2}:] AS _object) FROM "${feed}") ORDER BY _object, _row`,
      )
    },
    async status(feed: string) {
      const { partitions } = await app.status({ feeds: [feed] })
      return jsonValue(partitions) as Json[]
    },
    /** What the ledger says of each generation of a partition. */
    async generations(feed: string, partition: string) {
      await using ledger = await openEmbeddedLedger({
        data_dir: join(dir, '.bucketline'),
        role: 'reader',
        command: 'test',
        now: new Date(),
      })
      return await ledger.generations(feed, partition)
    },
    /** The files that a feed serves, as the ledger names them. */
    async servedFiles(feed: string) {
      await using ledger = await openEmbeddedLedger({
        data_dir: join(dir, '.bucketline'),
        role: 'reader',
        command: 'test',
        now: new Date(),
      })
      return await ledger.servedFiles(feed)
    },
    async rollback(feed: string, partition: string, generation?: number) {
      return app.rollback({ feed, partition, ...(generation === undefined ? {} : { generation }) })
    },

    /** Opens the app again, with another clock or changed settings of a feed. */
    async reopen(change: {
      readonly now?: string
      readonly feeds?: Readonly<Record<string, Json>>
    }) {
      await app[Symbol.asyncDispose]()
      now = change.now ?? now
      Object.assign(feeds, change.feeds)
      await writeConfig()
      app = await open()
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** A contract with the given columns, as ODCS. `head` is merged into the dataset's schema object. */
export function contractOf(
  properties: readonly Json[],
  head: Json = {},
  document: Json = {},
): string {
  return stringify({
    apiVersion: 'v3.2.0',
    kind: 'DataContract',
    id: 'sample',
    name: 'Sample',
    version: '1.0.0',
    status: 'active',
    schema: [{ name: 'rows', logicalType: 'object', ...head, properties }],
    ...document,
  })
}

/** Lines of JSON. */
export const jsonl = (rows: readonly unknown[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('')
