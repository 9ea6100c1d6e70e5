import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { ObjectStore } from '../../store/store.ts'
import { ALIVE, DEAD_AFTER_MS, type Writer } from './attempt-log.ts'

/** This process, as others can recognise it. */
export function thisWriter(): Writer {
  return {
    host: hostname(),
    boot_id: bootId(),
    pid: process.pid,
    started: startedAt(process.pid) ?? '',
  }
}

/**
 * Whether an attempt's writer still runs. On this machine its process is looked for; of another one only the
 * age of its last sign of life is known, by the store's own clock: `now` is when the store last wrote.
 */
export async function isAlive(
  attempt: { readonly writer: Writer; readonly folder: string },
  { store, now }: { readonly store: ObjectStore; readonly now: Date },
): Promise<boolean> {
  const { writer } = attempt
  if (writer.host === hostname() && writer.boot_id === bootId()) {
    return startedAt(writer.pid) === writer.started
  }
  const beat = await store.head(`${attempt.folder}${ALIVE}`)
  return beat !== undefined && now.getTime() - beat.modified_at.getTime() < DEAD_AFTER_MS
}

/** Empty where the system does not tell. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

/** When a process started; undefined where there is none of that id. */
function startedAt(pid: number): string | undefined {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: there is one, of another user.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined
  }
  try {
    // The name in parentheses may hold anything; field 22 is the start time (proc(5)).
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, , , , , , , , , , , , , , , , , , , started = ''] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
    // A killed process nobody has waited for is no writer any more.
    return state === 'Z' ? undefined : started
  } catch {
    return ''
  }
}
