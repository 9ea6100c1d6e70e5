import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { stringify } from 'yaml'
import type { SyncReport } from '../../src/exchange/sync/run-sync.ts'
import { openEmbeddedLedger } from '../../src/ledger/pglite.ts'

/** Folders in which `bucketline sync` runs as a process of its own, against a folder as the destination's store. */

const bin = fileURLToPath(new URL('../../bin/bucketline', import.meta.url))
const source = fileURLToPath(new URL('counting-source.ts', import.meta.url))

export type SyncRig = Awaited<ReturnType<typeof openSyncRig>>
export type SyncFolder = Awaited<ReturnType<SyncRig['folder']>>

export interface SyncRun {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
  readonly pid: number
}

/** One ledger is made, and copied for each folder: a new one takes seconds. */
export async function openSyncRig() {
  const root = await mkdtemp(join(tmpdir(), 'bucketline-sync-'))
  const template = join(root, 'template')
  const ledger = await openEmbeddedLedger({
    data_dir: template,
    role: 'loader',
    command: 'test',
    now: new Date(),
  })
  await ledger[Symbol.asyncDispose]()
  let folders = 0

  const folder = async (config: {
    readonly destinations?: Readonly<Record<string, object>>
    readonly syncs?: Readonly<Record<string, object>>
    readonly feeds?: Readonly<Record<string, object>>
    readonly stores?: Readonly<Record<string, object>>
  }) => {
    const dir = join(root, String(++folders))
    await mkdir(join(dir, 'bucket'), { recursive: true })
    await mkdir(join(dir, 'in'))
    await cp(template, join(dir, '.bucketline'), {
      recursive: true,
      filter: (path) => !path.includes('.s.PGSQL'),
    })
    const write = (syncs: Readonly<Record<string, object>>) =>
      writeFile(
        join(dir, 'bucketline.yaml'),
        stringify({
          threads: 1,
          memory_limit: '256MB',
          stores: { bucket: { type: 'local', path: './bucket' }, ...config.stores },
          feeds: config.feeds ?? {},
          destinations: {
            lake: {
              store: 'bucket',
              path: 'lake',
              // biome-ignore lint/suspicious/noTemplateCurlyInString: variables of the path.
              path_format: '${STREAM_NAME}/${YEAR}_${EPOCH}_',
              format: { type: 'jsonl', compression: 'none' },
              max_part_rows: 500,
            },
            ...config.destinations,
          },
          syncs,
        }),
      )
    await write(config.syncs ?? {})
    const run = (
      words: readonly string[],
      options: {
        readonly env?: Readonly<Record<string, string>>
        readonly input?: string
        readonly onStart?: (pid: number) => void
      } = {},
    ) =>
      new Promise<SyncRun>((resolve, reject) => {
        const child = spawn(bin, words, { cwd: dir, env: { ...process.env, ...options.env } })
        let stdout = ''
        let stderr = ''
        child.stdout.on('data', (text) => {
          stdout += text
        })
        child.stderr.on('data', (text) => {
          stderr += text
        })
        child.stdin.on('error', () => {})
        child.stdin.end(options.input ?? '')
        child.once('error', reject)
        child.once('close', (code, signal) =>
          resolve({ code, signal, stdout, stderr, pid: child.pid as number }),
        )
        options.onStart?.(child.pid as number)
      })

    return {
      dir,
      run,
      configure: write,
      path: (name: string) => join(dir, name),
      /** Runs syncs to their end, with their reports. */
      async sync(words: readonly string[] = [], options: Parameters<typeof run>[1] = {}) {
        const { stdout, stderr, code, signal } = await run(['sync', '--json', ...words], options)
        if (stdout === '') throw new Error(`sync ended with ${signal ?? code}: ${stderr}`)
        const document = JSON.parse(stdout) as { syncs?: SyncReport[]; error?: { code: string } }
        return { code, error: document.error, syncs: document.syncs ?? [] }
      },
      /** What the counting source has. */
      control: (control: object) => writeFile(join(dir, 'control.json'), JSON.stringify(control)),
      /** What the counting source was called with. */
      async calls(): Promise<{ command: string; mode: string; state?: string; token?: string }[]> {
        const text = await readFile(join(dir, 'control.json.calls'), 'utf8')
        return text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
      },
      counting: (more: object = {}) => ({
        type: 'airbyte',
        command: [process.execPath, source],
        config: { control: 'control.json' },
        ...more,
      }),
      /** Keys of objects, control objects apart. */
      async keys(): Promise<{ readonly objects: string[]; readonly control: string[] }> {
        const entries = await readdir(join(dir, 'bucket'), { recursive: true, withFileTypes: true })
        const keys = entries
          // What a killed write leaves of a file is no object: no listing shows it.
          .filter((entry) => entry.isFile() && !entry.name.startsWith('.bucketline-tmp-'))
          .map((entry) => join(entry.parentPath, entry.name).slice(join(dir, 'bucket').length + 1))
          .sort()
        const isControl = (key: string) => key.includes('_bucketline/')
        return {
          objects: keys.filter((key) => !isControl(key)),
          control: keys.filter(isControl),
        }
      },
      /** The data of all records in the objects of a stream, in JSON lines. */
      async rows(stream: string): Promise<{ readonly id: number }[]> {
        const { objects } = await this.keys()
        const rows = []
        for (const key of objects.filter((each) => each.split('/').includes(stream))) {
          const bytes = await readFile(join(dir, 'bucket', key))
          const text = (key.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().trim()
          if (text === '') continue
          rows.push(...text.split('\n').map((line) => JSON.parse(line)._airbyte_data))
        }
        return rows
      },
      async ids(stream: string): Promise<number[]> {
        return (await this.rows(stream)).map(({ id }) => id).sort((a, b) => a - b)
      },
      /** Objects that no manifest names, and logs of attempts: what must be gone after a whole sync. */
      async leftovers(): Promise<string[]> {
        const { objects, control } = await this.keys()
        const named = new Set<string>()
        for (const key of control.filter((each) => each.includes('/manifests/'))) {
          const manifest = JSON.parse(await readFile(join(dir, 'bucket', key), 'utf8'))
          for (const object of manifest.objects) named.add(object.key)
        }
        return [
          ...objects.filter((key) => !named.has(key)),
          ...control.filter((key) => key.includes('/attempts/')),
        ]
      },
      remove: () => rm(dir, { recursive: true, force: true }),
    }
  }
  return {
    folder,
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  }
}

export const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1)
