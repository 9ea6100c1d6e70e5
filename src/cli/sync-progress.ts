import type { SyncEvent } from './app-port.ts'
import { formatBytes, formatPlural } from './format-value.ts'
import type { Terminal } from './terminal.ts'
import { truncate, visible } from './text-width.ts'

/** Shows syncs while they run; on standard error, so that results stay clean. */
export interface SyncProgress {
  observe(event: SyncEvent): void
  /** Takes the line off the screen: the report follows. */
  end(): void
}

/** Nothing is shown: `--json`. */
export const silentSync: SyncProgress = { observe: () => {}, end: () => {} }

/** Levels of a source's log that people are shown while it runs. */
const SHOWN = new Set(['FATAL', 'ERROR', 'WARN', 'STDERR'])
const FRAME_MS = 100
const LOG_EVERY_MS = 5000

/** One line that is written over on a terminal, a line every five seconds elsewhere. */
export function createSyncProgress(
  terminal: Terminal,
  { now }: { readonly now: () => number },
): SyncProgress {
  const live = terminal.err_width !== undefined
  let painted = live ? Number.NEGATIVE_INFINITY : now()
  let began = now()
  let shown = false
  const clear = () => {
    if (shown) terminal.err('\r\u001b[K')
    shown = false
  }
  return {
    observe(event) {
      if (event.type === 'started') {
        began = now()
        if (!live) painted = began
        return
      }
      if (event.type === 'said') {
        if (!SHOWN.has(event.level)) return
        clear()
        terminal.err(`${event.sync}: ${visible(event.message)}\n`)
        return
      }
      const at = now()
      if (at - painted < (live ? FRAME_MS : LOG_EVERY_MS)) return
      painted = at
      const rate = event.bytes / Math.max(0.001, (at - began) / 1000)
      const facts = [
        formatPlural(event.records, 'record'),
        formatBytes(event.bytes),
        `${formatBytes(rate)}/s`,
        // There are none yet, or the records are not sent as they come.
        ...(event.objects === 0 ? [] : [formatPlural(event.objects, 'object')]),
      ]
      const line = `${event.sync}: ${facts.join(live ? ' · ' : ', ')}`
      if (live)
        terminal.err(`\r${truncate(line, Math.max(1, (terminal.err_width ?? 80) - 1))}\u001b[K`)
      else terminal.err(`${line}\n`)
      shown = live
    },
    end: clear,
  }
}
