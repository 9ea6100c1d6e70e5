import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { literal, openDuckdb } from '../../src/duckdb/duckdb.ts'
import type { SyncReport } from '../../src/exchange/sync/run-sync.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { openEmbeddedLedger } from '../../src/ledger/pglite.ts'
import { openPostgresLedger } from '../../src/ledger/postgres.ts'
import type { S3Server } from '../servers/s3-bucket.ts'
import { type Bucket, openBucket } from './airbyte-bucket.ts'
import { Databases, untilNothingRuns } from './crash-rig.ts'

/** Folders in which `bucketline sync` runs as a process of its own, is killed, and runs again, each with a bucket. */

const bin = fileURLToPath(new URL('../../bin/bucketline', import.meta.url))
const source = fileURLToPath(new URL('counting-source.ts', import.meta.url))

export interface SyncCrashOptions {
  readonly s3: S3Server
  /** URL of a PostgreSQL server's own database; without it PGlite in the data directory. */
  readonly postgres_url?: string
  readonly format: 'jsonl' | 'parquet'
}

export type SyncCrashRig = Awaited<ReturnType<typeof openSyncCrashRig>>
export type SyncTrial = Awaited<ReturnType<SyncCrashRig['trial']>>

/** Ids of each stream, in ascending order. */
export type Ids = Readonly<Record<string, readonly number[]>>

/** What the ledger says of syncs. */
export interface Remembered {
  /** By sync and scope. */
  readonly states: Readonly<Record<string, string>>
  /** The latest attempt of each sync, where it ended well. */
  readonly succeeded: Readonly<Record<string, string>>
  /** Syncs in whose midst the process died. */
  readonly cut_off: readonly string[]
}

export interface HowToRun {
  readonly syncs?: readonly string[]
  readonly kill_at?: Promise<unknown>
}

export interface SyncRun {
  readonly code: number | null
  readonly signal: string | null
  readonly ms: number
  readonly syncs: readonly SyncReport[]
  /** What was wrong before the first sync. */
  readonly error?: object
}

/** What the counting source has: first, and when syncs are killed. Records of 1 kB, so that there are several commits. */
const BEFORE = { users: 20, orders: 10, flags: 3 }
const AFTER = { users: 5000, orders: 60, flags: 40, pad: 1000, state_every: 50 }
const FILE_ROWS = 2000

/** Rows of a file, by its name. */
export const idsOfFile = (path: string): readonly number[] => {
  const n = Number(/(\d+)\.jsonl$/.exec(path)?.[1])
  return Array.from({ length: n === 0 ? 10 : FILE_ROWS }, (_, at) => n * FILE_ROWS + at + 1)
}

/** The two ways of a source, and between them every way to write a stream. */
const counting = (control: string, modes: object, streams: 'all' | readonly string[]) => ({
  destination: 'lake',
  source: {
    ...{ type: 'airbyte', command: [process.execPath, source] },
    ...{ config: { control }, modes, streams },
  },
})
const syncsOf = (paths: string) => ({
  // Appended, merged and replaced.
  crm: counting('crm.json', {}, 'all'),
  // Appended whole each time.
  whole: counting('whole.json', { flags: 'append' }, ['flags']),
  files: { destination: 'lake', source: { type: 'files', paths: [paths], stream: 'lines' } },
  replaced: {
    ...{ destination: 'lake', mode: 'overwrite' },
    source: { type: 'files', paths: [paths], stream: 'replaced' },
  },
  merged: {
    ...{ destination: 'lake', mode: 'append_dedup', primary_key: ['key'], cursor_field: 'id' },
    source: { type: 'files', paths: [paths], stream: 'merged' },
  },
})
const SYNCS: readonly string[] = Object.keys(syncsOf(''))

let rigs = 0

/** What was synced before, and what is new since; what one run makes of it that is never killed. */
export async function openSyncCrashRig(options: SyncCrashOptions) {
  const { s3, format, postgres_url } = options
  await using opened = new AsyncDisposableStack()
  const root = await mkdtemp(join(tmpdir(), 'sync-crash-'))
  opened.defer(() => rm(root, { recursive: true, force: true }))
  const databases = postgres_url === undefined ? undefined : new Databases(postgres_url)
  const rig = ++rigs
  const input = join(root, 'in')
  await mkdir(input)
  const addFile = (name: string) => {
    const line = (id: number) => JSON.stringify({ id, key: id % 7, pad: 'x'.repeat(AFTER.pad) })
    const lines = idsOfFile(name).map((id) => `${line(id)}\n`)
    return writeFile(join(input, name), lines.join(''))
  }
  const duckdb = opened.use(
    await openDuckdb({ memory_limit: '256MB', spill_dir: join(root, 'spill') }),
  )
  const { url: endpoint, ...access } = s3
  const auth = { type: 'access_key', ...access }
  const configOf = (bucket: string) =>
    stringify({
      ...(databases === undefined ? {} : { ledger: { url: { env: 'LEDGER_URL' } } }),
      feeds: {},
      threads: 1,
      memory_limit: '256MB',
      stores: { bucket: { type: 's3', bucket, endpoint, force_path_style: true, auth } },
      destinations: {
        lake: {
          ...{ store: 'bucket', path: 'lake', max_part_rows: 500 },
          // biome-ignore lint/suspicious/noTemplateCurlyInString: variables of the path.
          path_format: '${NAMESPACE}/${STREAM_NAME}/${YEAR}_${EPOCH}_',
          format: { type: format, ...(format === 'jsonl' ? { compression: 'none' } : {}) },
        },
      },
      syncs: syncsOf(join(input, '*')),
    })
  let trials = 0

  const trial = async (from?: { readonly data_dir: string; readonly bucket: Bucket }) => {
    trials += 1
    const name = from === undefined ? 'template' : `trial${trials}`
    const dir = join(root, name)
    await mkdir(dir)
    const bucket = await openBucket(s3, `sync-crash-${rig}-${name}`)
    await writeFile(join(dir, 'bucketline.yaml'), configOf(bucket.name))
    const data_dir = join(dir, '.bucketline')
    const has = from === undefined ? BEFORE : AFTER
    await writeFile(join(dir, 'crm.json'), JSON.stringify(has))
    await writeFile(join(dir, 'whole.json'), JSON.stringify({ ...has, namespace: 'whole' }))
    if (from !== undefined) {
      await copyData(from.data_dir, data_dir)
      await bucket.copyFrom(from.bucket)
    }
    const LEDGER_URL = await databases?.create(name, from === undefined ? undefined : 'template')
    const env = { ...process.env, LEDGER_URL }
    return {
      dir,
      data_dir,
      bucket,
      ledger_url: LEDGER_URL,
      /** Runs syncs, all without a name, to their end or until they are killed. */
      run: (how: HowToRun = {}) => runSyncs({ dir, env, ...how }),
      /** What the ledger says. It is looked at in a copy, so that the next run finds what the killed one left. */
      async remembered(): Promise<Remembered> {
        if (LEDGER_URL !== undefined) {
          await using ledger = await openPostgresLedger({ url: LEDGER_URL })
          return await rememberedBy(ledger)
        }
        const copy = join(root, 'copy')
        await rm(copy, { recursive: true, force: true })
        await copyData(data_dir, copy)
        const now = new Date()
        await using ledger = await openEmbeddedLedger({
          ...{ data_dir: copy, role: 'loader', command: 'test', now },
        })
        return await rememberedBy(ledger)
      },
      /** What readers see in the objects of each stream. */
      ids: () => idsOf(bucket, { duckdb, format, dir: join(root, 'objects') }),
      /** The last entry of the log that the killed run left; undefined where it was in no attempt. */
      phase: () => phaseOf(bucket),
      /** What must not be there after a whole run. */
      leftovers: async () => [
        ...(await bucket.leftovers()),
        ...(await readdir(join(data_dir, 'spill')).catch(() => [])),
      ],
      async remove() {
        bucket.close()
        await rm(dir, { recursive: true, force: true })
        await databases?.drop(name)
      },
    }
  }

  await addFile('0.jsonl')
  const template = await trial()
  expectSucceeded(await template.run())
  for (const n of [1, 2, 3]) await addFile(`${n}.jsonl`)
  const one = await trial(template)
  const run = await one.run()
  expectSucceeded(run)
  const clean = { ms: run.ms, ids: await one.ids(), remembered: await one.remembered() }
  await one.remove()
  const before = { ids: await template.ids(), remembered: await template.remembered() }
  opened.defer(() => template.remove())
  const open = opened.move()
  return {
    /** What readers see before. */
    before,
    trial: () => trial(template),
    /** A run that is never killed: its time in milliseconds, and what it leaves. */
    clean,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  }
}

function expectSucceeded(run: SyncRun): void {
  if (run.code !== 0) throw new Error(`the syncs failed: ${JSON.stringify(run)}`)
}

async function copyData(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, filter: (path) => !path.includes('.s.PGSQL') })
}

/** SIGKILL goes to the process alone, as the kernel's would when memory is short; its source is to end by itself. */
async function runSyncs(
  options: HowToRun & { readonly dir: string; readonly env: NodeJS.ProcessEnv },
): Promise<SyncRun> {
  const { dir, env, syncs = [], kill_at } = options
  const began = performance.now()
  const run = await new Promise<Pick<SyncRun, 'code' | 'signal'> & { readonly stdout: string }>(
    (resolve, reject) => {
      const child = spawn(bin, ['sync', '--json', ...syncs], {
        ...{ cwd: dir, env, stdio: ['ignore', 'pipe', 'ignore'] },
      })
      kill_at?.then(() => child.kill('SIGKILL'), reject)
      let stdout = ''
      child.stdout?.on('data', (text) => {
        stdout += text
      })
      child.on('error', reject)
      child.on('close', (code, signal) => {
        resolve({ code, signal, stdout })
      })
    },
  )
  const { stdout, ...end } = run
  const rest = { ...end, ms: performance.now() - began }
  if (rest.signal === 'SIGKILL') {
    await untilNothingRuns(dir)
    return { ...rest, syncs: [] }
  }
  return { syncs: [], ...rest, ...JSON.parse(stdout || '{}') }
}

async function rememberedBy(ledger: Ledger): Promise<Remembered> {
  const states: Record<string, string> = {}
  for (const sync of SYNCS)
    for (const { scope, state } of await ledger.syncStates(sync)) states[`${sync} ${scope}`] = state
  const latest = await ledger.syncs()
  const ended = latest.filter(({ state }) => state === 'succeeded')
  return {
    states,
    succeeded: Object.fromEntries(ended.map(({ sync, attempt_id }) => [sync, attempt_id])),
    cut_off: latest.filter(({ state }) => state === 'running').map(({ sync }) => sync),
  }
}

async function idsOf(
  bucket: Bucket,
  {
    duckdb,
    format,
    dir,
  }: {
    readonly duckdb: Awaited<ReturnType<typeof openDuckdb>>
    readonly format: SyncCrashOptions['format']
    readonly dir: string
  },
): Promise<Ids> {
  const streams = new Map<string, string[]>()
  for (const key of await bucket.objects()) {
    const stream = key.slice(0, key.lastIndexOf('/')).replace(/^lake\/+/, '')
    streams.set(stream, [...(streams.get(stream) ?? []), key])
  }
  const ids: Record<string, number[]> = {}
  for (const [stream, keys] of [...streams].sort()) {
    await rm(dir, { recursive: true, force: true })
    const files = `[${(await bucket.download(keys, dir)).map(literal).join(', ')}]`
    const rows = await duckdb.all<{ id: number }>(
      format === 'parquet'
        ? `SELECT id::INT AS id FROM read_parquet(${files}, union_by_name = true) ORDER BY 1`
        : `SELECT _airbyte_data.id::INT AS id FROM read_ndjson(${files}, columns = {_airbyte_data: 'STRUCT(id INT)'}) ORDER BY 1`,
    )
    ids[stream] = rows.map(({ id }) => id)
  }
  return ids
}

async function phaseOf(bucket: Bucket): Promise<string | undefined> {
  const entries = (await bucket.keys()).filter((key) => /\/attempts\/.*\.json$/.test(key))
  const last = entries.sort().at(-1)
  if (last === undefined) return undefined
  return (JSON.parse(await bucket.text(last)) as { readonly type: string }).type
}
