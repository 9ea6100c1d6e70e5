import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts process time in hundredths of a second for every architecture. */
const TICKS = 100
/** Children are looked for at every fifth look only: it reads a file for each thread. */
const TREE_EVERY = 5

export interface Seen {
  readonly cpu_seconds: number | undefined
  readonly peak_rss_bytes: number | undefined
}

export interface ProcessWatch {
  look(): void
  seen(): Seen
}

/**
 * Watches a process and its children through /proc. The peak of one process is the kernel's own
 * high-water mark (VmHWM): what `getrusage` tells a parent of its children starts at the parent's own
 * size, as that mark is carried over `exec`. The peak of several is the greatest sum of their resident
 * sets at one look; pages they share count for each.
 */
export function watchProcesses(root: number | undefined): ProcessWatch {
  const cpu_seconds = new Map<number, number>()
  let peak_rss_bytes = 0
  let tree: readonly number[] = []
  let looks = 0
  return {
    look() {
      if (root === undefined) return
      if (looks++ % TREE_EVERY === 0) tree = [root, ...childrenOf(root)]
      let resident = 0
      for (const pid of tree) {
        const state = stateOf(pid)
        if (state === undefined) continue
        cpu_seconds.set(pid, state.cpu_seconds)
        resident += state.rss_bytes
        peak_rss_bytes = Math.max(peak_rss_bytes, state.peak_rss_bytes)
      }
      peak_rss_bytes = Math.max(peak_rss_bytes, resident)
    },
    seen: () =>
      cpu_seconds.size === 0
        ? { cpu_seconds: undefined, peak_rss_bytes: undefined }
        : {
            cpu_seconds: [...cpu_seconds.values()].reduce((sum, each) => sum + each, 0),
            peak_rss_bytes,
          },
  }
}

/** Bytes a running process has written so far, pipes included; 0 where that cannot be seen. */
export function bytesWritten(pid: number | undefined): number {
  return Number(/^wchar: (\d+)$/m.exec(textOf(`/proc/${pid}/io`) ?? '')?.[1] ?? 0)
}

function childrenOf(pid: number): number[] {
  let threads: string[]
  try {
    threads = readdirSync(`/proc/${pid}/task`)
  } catch {
    // It has ended.
    return []
  }
  const own = threads.flatMap((thread) =>
    (textOf(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter((each) => each !== ''),
  )
  return own.map(Number).flatMap((child) => [child, ...childrenOf(child)])
}

function stateOf(pid: number) {
  const status = textOf(`/proc/${pid}/status`)
  const stat = textOf(`/proc/${pid}/stat`)
  const kilobytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status ?? '')?.[1]) * 1024
  const peak_rss_bytes = kilobytes('VmHWM')
  // A process that has ended and was not waited for has no memory any more.
  if (stat === undefined || Number.isNaN(peak_rss_bytes)) return undefined
  // After the name, which may hold spaces and is in brackets: user and system time are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return {
    peak_rss_bytes,
    rss_bytes: kilobytes('VmRSS'),
    cpu_seconds: (Number(fields[11]) + Number(fields[12])) / TICKS,
  }
}

/** Undefined where a process has ended, or this system has no /proc: what was seen before stands. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
