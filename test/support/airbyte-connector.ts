import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

/** The connector as a platform runs it: a process, a configuration, a catalog, and lines on both ends. */

const bin = join(import.meta.dirname, '../../bin/bucketline')

/** One message of the protocol, as far as tests look at it. */
export interface Message {
  readonly type: string
  readonly log?: { readonly level: string; readonly message: string }
  readonly trace?: {
    readonly type: string
    readonly error?: {
      readonly message: string
      readonly internal_message: string
      readonly failure_type: string
    }
  }
  readonly connectionStatus?: { readonly status: string; readonly message?: string }
}

/** How a call ended, and what it had said until then. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly messages: readonly Message[]
  /** STATE lines in the order they came, without what the destination may add to them. */
  readonly states: readonly string[]
  readonly errors: readonly NonNullable<NonNullable<Message['trace']>['error']>[]
  readonly stderr: string
}

export interface Call {
  readonly config: object
  readonly catalog?: object
  readonly env?: Readonly<Record<string, string>>
  /** Folder for the documents. */
  readonly dir: string
  /** Another process's output in place of `child.stdin`: a real pipe, with nobody between. */
  readonly input?: Readable
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

/** Starts `bucketline airbyte …`. */
export async function startConnector(
  call: 'check' | 'write',
  { config, catalog, env = {}, dir, input }: Call,
): Promise<Running> {
  const folder = await mkdtemp(join(dir, 'call-'))
  const args = ['airbyte', call, '--config', join(folder, 'config.json')]
  await writeFile(join(folder, 'config.json'), JSON.stringify(config))
  if (catalog !== undefined) {
    await writeFile(join(folder, 'catalog.json'), JSON.stringify(catalog))
    args.push('--catalog', join(folder, 'catalog.json'))
  }
  const child = spawn(bin, args, {
    cwd: folder,
    // Parts of a process that was killed stay in its own folder.
    env: { ...process.env, TMPDIR: folder, ...env },
    stdio: [input ?? 'pipe', 'pipe', 'pipe'],
  })
  // A connector that has died takes no more input.
  child.stdin?.on('error', () => {})
  return { child, ended: ended(child).finally(() => rm(folder, { recursive: true, force: true })) }
}

function ended(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      const text = Buffer.concat(out).toString()
      // A line that was cut by a kill is none.
      const lines = text
        .slice(0, text.lastIndexOf('\n') + 1)
        .split('\n')
        .slice(0, -1)
      const messages = lines.map((line) => JSON.parse(line) as Message)
      resolve({
        code,
        signal,
        messages,
        states: lines.filter((_, at) => messages[at]?.type === 'STATE').map(withoutCounts),
        errors: messages.flatMap(({ trace }) => (trace?.error === undefined ? [] : [trace.error])),
        stderr: Buffer.concat(err).toString(),
      })
    })
  })
}

const withoutCounts = (line: string): string =>
  line.replace(/,"destinationStats":\{"recordCount":\d+\.0\}(?=\}\}$)/, '')

/** Runs `write` on lines, to its end. */
export async function write(call: Call, lines: readonly string[]): Promise<Ended> {
  const { child, ended } = await startConnector('write', call)
  child.stdin?.end(lines.map((line) => `${line}\n`).join(''))
  return ended
}

/** Runs `check`; what it says of the connection. */
export async function checkConnection(call: Call): Promise<{
  readonly code: number | null
  readonly status?: string
  readonly message?: string
}> {
  const { ended } = await startConnector('check', call)
  const { code, messages } = await ended
  return { code, ...messages.find(({ type }) => type === 'CONNECTION_STATUS')?.connectionStatus }
}
