import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, constants, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bytesWritten, watchProcesses } from './watch.ts'

/** A process that ended well, and what it took. */
export interface Measured {
  readonly stdout: string
  readonly process_seconds: number
  /** From when it first took input, seen every 20 ms, to its end; undefined without `input`. */
  readonly input_seconds: number | undefined
  /** Of the process and its children. */
  readonly cpu_seconds: number | undefined
  readonly peak_rss_bytes: number | undefined
}

/** Milliseconds between two looks at a running process. */
const LOOK_MS = 20
/** What a pipe holds on Linux: what was written beyond it, the process has taken. */
const PIPE_BYTES = 65_536

/**
 * Runs one process to its end. Memory and processor time are those of the process and all its
 * children, looked at every 20 ms (see `watchProcesses`); undefined where there is no /proc. `input`
 * names files that `cat` writes into a pipe which is the process's standard input, one after the other.
 * Throws with the end of standard error if the exit code is not 0.
 */
export async function measure(
  program: string,
  args: readonly string[],
  options: {
    readonly cwd: string
    readonly env?: Readonly<Record<string, string>>
    readonly input?: readonly string[]
  },
): Promise<Measured> {
  const { cwd, env, input } = options
  const pipe = input === undefined ? undefined : openPipe(join(cwd, 'input.pipe'))
  const began = performance.now()
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: [pipe?.reader ?? 'ignore', 'pipe', 'pipe'],
  })
  const feeder =
    pipe && spawn('cat', ['--', ...(input ?? [])], { stdio: ['ignore', pipe.writer, 'pipe'] })
  pipe?.close()
  let stdout = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  let first_input: number | undefined
  // Input that was taken between two looks; what the pipe can hold gives no sign of being taken.
  feeder?.once('exit', () => {
    first_input ??= performance.now()
  })
  const ended = Promise.all([endOf(child), feeder && endOf(feeder)])
  const watch = watchProcesses(child.pid)
  const timer = setInterval(() => {
    watch.look()
    if (first_input === undefined && bytesWritten(feeder?.pid) > PIPE_BYTES)
      first_input = performance.now()
  }, LOOK_MS)
  try {
    const [run, fed] = await ended
    const now = performance.now()
    if (run.code !== 0)
      throw new Error(
        `${program} ${args.join(' ').slice(0, 300)} ended with ${run.code}:\n${run.stderr}\n${stdout.slice(-2000)}`,
      )
    if (fed !== undefined && fed.code !== 0)
      throw new Error(`its input ended with ${fed.code}: ${fed.stderr}`)
    return {
      stdout,
      process_seconds: (now - began) / 1000,
      input_seconds: first_input === undefined ? undefined : (now - first_input) / 1000,
      ...watch.seen(),
    }
  } finally {
    clearInterval(timer)
  }
}

/** Exit code or signal, and the end of standard error. */
async function endOf(child: ChildProcess): Promise<{ code: number | string; stderr: string }> {
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4000)
  })
  const code = await new Promise<number | string>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status, signal) => resolve(status ?? signal ?? 'unknown'))
  })
  return { code, stderr }
}

/** Both ends of a pipe as a shell makes it; Node's own between two children is a socket. */
function openPipe(path: string) {
  execFileSync('mkfifo', [path])
  // While one end is missing, opening the other waits; opened for both, it does not.
  const both = openSync(path, constants.O_RDWR)
  const reader = openSync(path, constants.O_RDONLY)
  const writer = openSync(path, constants.O_WRONLY)
  closeSync(both)
  rmSync(path)
  return {
    reader,
    writer,
    close() {
      closeSync(reader)
      closeSync(writer)
    },
  }
}
