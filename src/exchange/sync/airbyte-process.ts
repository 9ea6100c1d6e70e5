import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { ExchangeError } from '../../core/errors.ts'

/** How long a source may take to end after it was told to, in milliseconds. */
const PATIENCE_MS = 10_000
/** A timer that is set for longer goes off at once. */
const LONGEST_WAIT_MS = 2 ** 31 - 1

export interface AirbyteProcess extends AsyncDisposable {
  readonly output: AsyncIterable<Uint8Array>
  /** Takes a message that is neither record, state nor stream status, or a line that is no message. */
  other(line: string, type: string | undefined): void
  /**
   * Waits for its end once its output has ended; why that was a bad one. A source that goes on is ended after a
   * while: that is no bad end if it had told how its streams stand (`told`).
   */
  ended(told: boolean): Promise<string | undefined>
}

export interface ProcessOptions {
  /** Program and arguments. */
  readonly command: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  /** How long a source may go on whose output has ended, in milliseconds. */
  readonly exit_within_ms: number
  readonly log: (level: string, message: string) => void
  /** Told that it went on for longer, and was ended. */
  readonly late: (message: string) => void
}

/** Runs a source. Disposing of it ends it and what it has started. Throws `source_failed` where it cannot be run. */
export async function runSource(options: ProcessOptions): Promise<AirbyteProcess> {
  const { command, log, signal } = options
  const [program = '', ...words] = command
  signal.throwIfAborted()
  const child = spawn(program, words, {
    cwd: options.cwd,
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: what the command starts ends with it.
    detached: true,
  })
  await started(child, program)
  let said = ''
  const heard = hearSource(log)
  /** Neither it nor anything it started writes any more. */
  let closed = false
  const exit = new Promise<Exit>((resolve) => {
    child.once('close', (code, by) => {
      closed = true
      resolve({ code, by })
    })
  })
  child.stderr.setEncoding('utf8')
  let line = ''
  child.stderr.on('data', (text: string) => {
    const lines = (line + text).split('\n')
    line = (lines.pop() ?? '').slice(0, LONGEST_SAID)
    for (const each of lines.filter((one) => one.trim() !== '')) {
      said = each
      log('STDERR', each)
    }
  })
  const kill = (by: NodeJS.Signals) => {
    try {
      process.kill(-(child.pid as number), by)
    } catch (cause) {
      // Nothing of the group is left.
      if ((cause as NodeJS.ErrnoException).code !== 'ESRCH') throw cause
    }
  }
  const stop = async () => {
    if (closed) return
    kill('SIGTERM')
    // Nobody reads any more: a source that writes must not wait.
    child.stdout.destroy()
    const late = new AbortController()
    const patience = sleep(PATIENCE_MS, undefined, { signal: late.signal }).catch(() => undefined)
    await Promise.race([exit, patience])
    late.abort()
    kill('SIGKILL')
    child.stderr.destroy()
    await exit
  }
  const seconds = options.exit_within_ms / 1000
  /** Waits for its exit, but not for ever: undefined for one that had to be ended. */
  const exitInTime = async (): Promise<Exit | undefined> => {
    const left = new AbortController()
    const wait = Math.min(options.exit_within_ms, LONGEST_WAIT_MS)
    const patience = sleep(wait, undefined, { signal: left.signal })
    const own = await Promise.race([exit, patience.catch(() => undefined)])
    left.abort()
    if (own !== undefined || closed) return own ?? (await exit)
    const { exitCode: code, signalCode: by } = child
    await stop()
    const gone = code !== null || by !== null
    const who = gone ? 'Something that the source had started' : 'The source'
    options.late(`${who} went on for ${seconds} s after its output had ended, and was ended.`)
    return gone ? { code, by } : undefined
  }
  let exited: Promise<Exit | undefined> | undefined
  const aborted = () => void stop().catch(() => {})
  signal.addEventListener('abort', aborted, { once: true })
  return {
    output: pieces(child.stdout, signal),
    other: heard.other,
    async ended(told) {
      exited ??= exitInTime()
      const own = await exited
      if (line.trim() !== '') said = line
      const failed = heard.failure()
      if (failed !== undefined) return failed
      if (own === undefined)
        return told
          ? undefined
          : `The source did not exit within ${seconds} s of the end of its output, and never told whether its streams are complete.`
      const { code, by } = own
      if (by !== null) return `The source was ended by ${by}.`
      const last = said === '' ? '' : ` It said: ${said}`
      return code === 0 ? undefined : `The source ended with exit code ${code}.${last}`
    },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', aborted)
      await stop()
    },
  }
}

interface Exit {
  readonly code: number | null
  readonly by: string | null
}

/** Takes what a source says beside records and states: what it logs is handed on, why it failed is kept. */
export function hearSource(log: ProcessOptions['log']) {
  let error: string | undefined
  return {
    other(text: string, type: string | undefined): void {
      if (type === 'LOG') {
        const { level, message } = (JSON.parse(text) as LogMessage).log ?? {}
        log(level ?? 'INFO', message ?? text)
      } else if (type === 'TRACE') {
        const { trace } = JSON.parse(text) as TraceMessage
        if (trace?.type === 'ERROR') error = trace.error?.message ?? 'no reason was given'
      } else if (type === undefined) log('STDOUT', text)
    },
    failure: () => (error === undefined ? undefined : `The source failed: ${error}`),
  }
}

const LONGEST_SAID = 10_000

interface LogMessage {
  readonly log?: { readonly level?: string; readonly message?: string }
}
interface TraceMessage {
  readonly trace?: { readonly type?: string; readonly error?: { readonly message?: string } }
}

function started(child: ChildProcessByStdio<null, Readable, Readable>, program: string) {
  return new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) =>
      reject(
        new ExchangeError('source_failed', `${program} cannot be run: ${cause.message}.`, {
          cause,
          retryable: false,
          hint: 'The first word of `command` is a program; paths are relative to the file it stands in.',
        }),
      ),
    )
  })
}

/** A pipe gives 64 kB at a time; several of them together are less work. */
async function* pieces(input: Readable, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of input) {
      const rest = input.read() as Buffer | null
      yield rest === null ? (piece as Buffer) : Buffer.concat([piece as Buffer, rest])
      if (signal.aborted) break
    }
  } catch (cause) {
    signal.throwIfAborted()
    throw cause
  }
  signal.throwIfAborted()
}
