import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A process that ended well, and what it took. */
export interface Measured {
  readonly stdout: string
  readonly process_seconds: number
  readonly cpu_seconds: number | undefined
  readonly peak_rss_bytes: number | undefined
}

/** Milliseconds between two looks at a running process. */
const LOOK_MS = 20
/** Linux counts process time in hundredths of a second for every architecture. */
const TICKS = 100

/**
 * Runs one process to its end. The peak is the kernel's own high-water mark (VmHWM), looked at every
 * 20 ms: what `getrusage` tells a parent of its children starts at the parent's own size, as the mark
 * is carried over `exec`. Undefined where there is no /proc. Throws with the end of standard error if
 * the exit code is not 0.
 */
export async function measure(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Promise<Measured> {
  const began = performance.now()
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4000)
  })
  let seen: { cpu_seconds: number; peak_rss_bytes: number } | undefined
  const timer = setInterval(() => {
    seen = look(child.pid) ?? seen
  }, LOOK_MS)
  try {
    const code = await new Promise<number | string>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (status, signal) => resolve(status ?? signal ?? 'unknown'))
    })
    const process_seconds = (performance.now() - began) / 1000
    if (code !== 0)
      throw new Error(
        `${program} ${args.join(' ').slice(0, 300)} ended with ${code}:\n${stderr}\n${stdout.slice(-2000)}`,
      )
    return {
      stdout,
      process_seconds,
      cpu_seconds: seen?.cpu_seconds,
      peak_rss_bytes: seen?.peak_rss_bytes,
    }
  } finally {
    clearInterval(timer)
  }
}

function look(pid: number | undefined) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const peak = /^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]
    if (peak === undefined) return undefined
    // After the name, which may hold spaces and is in brackets: user and system time are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return {
      peak_rss_bytes: Number(peak) * 1024,
      cpu_seconds: (Number(fields[11]) + Number(fields[12])) / TICKS,
    }
  } catch {
    // It has ended, or this system has no /proc: what was seen before stands.
    return undefined
  }
}
