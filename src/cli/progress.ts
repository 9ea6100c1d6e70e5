import type { LoadEvent } from '../exchange/progress.ts'
import { formatBytes, formatCount, formatPlural, formatSeconds } from './format-value.ts'
import type { Terminal } from './terminal.ts'
import { textWidth, truncate } from './text-width.ts'
import { hangingText } from './wrap-text.ts'

/** Shows long work while it goes on; on standard error, so that results stay clean. */
export interface Progress {
  observe(event: LoadEvent): void
  /** Takes the bars off the screen: the report follows. */
  end(): void
}

export interface ProgressOptions {
  /** Milliseconds now, of any clock that does not go back. */
  readonly now: () => number
  /** Between two lines of a log, in milliseconds. */
  readonly log_every_ms?: number
}

/** Nothing is shown: `--json`. */
export const silent: Progress = { observe: () => {}, end: () => {} }

interface Running {
  readonly feed: string
  readonly partition: string
  readonly bytes: number
  readonly began: number
  step: 'fetch' | 'validate' | 'publish'
  step_bytes: number
  rows: number
  rejected: number
}

/** Shares of a load's time, as measured on text formats; they only place the bar. */
const STEPS = {
  fetch: { from: 0, share: 0.25, verb: 'fetching' },
  validate: { from: 0.25, share: 0.7, verb: 'checking' },
  publish: { from: 0.95, share: 0.05, verb: 'publishing' },
} as const

/** Repainting more often than this is work no eye sees. */
const FRAME_MS = 80

/** Bars on a terminal, lines now and then in a log. */
export function createProgress(terminal: Terminal, options: ProgressOptions): Progress {
  const state = createState(options.now)
  return terminal.err_width === undefined
    ? logProgress(terminal, state, options)
    : barProgress(terminal, state, options)
}

interface State {
  readonly running: ReadonlyMap<string, Running>
  readonly began: number
  /** Bytes found, and those of ended loads. */
  readonly found_bytes: number
  readonly ended_bytes: number
  readonly ended: number
  readonly rows: number
  readonly rejected: number
  apply(event: LoadEvent): void
}

function createState(now: () => number): State {
  const running = new Map<string, Running>()
  const state = {
    running,
    began: now(),
    found_bytes: 0,
    ended_bytes: 0,
    ended: 0,
    rows: 0,
    rejected: 0,
    apply(event: LoadEvent) {
      if (event.type === 'found') {
        // Opening the ledger and listing are no part of the rate.
        if (state.found_bytes === 0) state.began = now()
        state.found_bytes += event.bytes
      } else if (event.type === 'started') {
        const { feed, partition, bytes } = event
        const fresh = { step: 'fetch' as const, step_bytes: 0, rows: 0, rejected: 0 }
        running.set(event.load_id, { feed, partition, bytes, began: now(), ...fresh })
      } else if (event.type === 'advanced') {
        const load = running.get(event.load_id)
        if (load === undefined) return
        load.step = event.step
        load.step_bytes = event.bytes
        state.rows += (event.rows ?? load.rows) - load.rows
        state.rejected += (event.rejected ?? load.rejected) - load.rejected
        load.rows = event.rows ?? load.rows
        load.rejected = event.rejected ?? load.rejected
      } else if (event.type === 'ended') {
        const load = running.get(event.load_id)
        if (load === undefined) return
        state.ended += 1
        state.ended_bytes += load.bytes
        running.delete(event.load_id)
      }
    },
  }
  return state
}

/** How much of a load is done, 0 to 1. */
function fractionOf(load: Running): number {
  const { from, share } = STEPS[load.step]
  const inside = load.bytes === 0 ? 1 : Math.min(1, load.step_bytes / load.bytes)
  return from + share * inside
}

/** Bytes done in all, counting running loads by their fraction. */
const bytesDone = (state: State): number =>
  [...state.running.values()].reduce(
    (sum, load) => sum + load.bytes * fractionOf(load),
    state.ended_bytes,
  )

function timing(state: State, now: number): { readonly rate: number; readonly left?: number } {
  const seconds = (now - state.began) / 1000
  const done = bytesDone(state)
  const rate = seconds > 0 ? done / seconds : 0
  // Before a second has gone by the estimate is noise.
  if (seconds < 1 || rate === 0) return { rate }
  return { rate, left: Math.max(0, state.found_bytes - done) / rate }
}

/** Eighths of a column, so that a short bar still moves smoothly. */
function bar(fraction: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, fraction)) * width * 8)
  const full = '█'.repeat(Math.floor(eighths / 8))
  const part = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8] ?? ''
  return `${full}${part}${'░'.repeat(Math.max(0, width - textWidth(full + part)))}`
}

function barProgress(terminal: Terminal, state: State, options: ProgressOptions): Progress {
  const style = terminal.err_style
  let lines = 0
  let painted = Number.NEGATIVE_INFINITY
  let widest_rows = 0
  let said = false

  /** One write for the whole frame, each line erased only past its new end: nothing flickers. */
  const paint = (frame: readonly string[]) => {
    const up = lines > 0 ? `\u001b[${lines}A\r` : '\r'
    const body = frame.map((line) => `${line}\u001b[K\n`).join('')
    terminal.err(`\u001b[?25l${up}${body}\u001b[J${frame.length === 0 ? '\u001b[?25h' : ''}`)
    lines = frame.length
  }

  const loadLine = (load: Running, width: number, name_width: number): string => {
    const name = truncate(`${load.feed} ${load.partition}`, name_width)
    const facts = [
      formatBytes(load.bytes).padStart(7),
      STEPS[load.step].verb.padEnd(10),
      formatPlural(load.rows, 'row').padStart(widest_rows),
    ]
    if (load.rejected > 0) facts.push(style('yellow', `${formatCount(load.rejected)} rejected`))
    const shown = facts.join('  ')
    const room = width - name_width - textWidth(shown) - 10
    const fraction = fractionOf(load)
    const percent = `${Math.floor(fraction * 100)}%`.padStart(4)
    const drawn = room < 6 ? '' : style('cyan', bar(fraction, Math.min(24, room)))
    return `${name.padEnd(name_width + name.length - textWidth(name))}  ${drawn} ${percent}  ${shown}`
  }

  const frame = (now: number): readonly string[] => {
    const width = Math.max(1, (terminal.err_width ?? 80) - 1)
    const loads = [...state.running.values()].slice(0, 8)
    const names = loads.map((load) => textWidth(`${load.feed} ${load.partition}`))
    const name_width = Math.min(32, Math.max(8, ...names))
    widest_rows = Math.max(8, ...loads.map((load) => formatPlural(load.rows, 'row').length))
    const { rate, left } = timing(state, now)
    const done = bytesDone(state)
    const facts = [
      `${formatBytes(done)} of ${formatBytes(Math.max(done, state.found_bytes))}`,
      `${formatBytes(rate)}/s`,
      formatPlural(state.rows, 'row'),
      ...(state.rejected > 0 ? [style('yellow', `${formatCount(state.rejected)} rejected`)] : []),
      ...(left === undefined ? [] : [`${formatSeconds(left)} left`]),
    ]
    const total = `${style('bold', 'total'.padEnd(name_width))}  ${facts.join(style('dim', ' · '))}`
    return [...loads.map((load) => loadLine(load, width, name_width)), total].map((line) =>
      textWidth(line) > width ? clip(line, width) : line,
    )
  }

  return {
    observe(event) {
      state.apply(event)
      if (event.type === 'found') {
        if (lines > 0) paint([])
        const text = foundText(event)
        if (text === '') return
        said = true
        terminal.err(`${hangingText('', text, terminal.err_width)}\n`)
        return
      }
      if (event.type === 'feed_failed') return
      const now = options.now()
      if (now - painted < FRAME_MS) return
      painted = now
      paint(frame(now))
    },
    end() {
      if (lines > 0) paint([])
      // The report stands apart from what was said before it.
      if (said) terminal.err('\n')
      said = false
    },
  }
}

/** A coloured line that is too long loses its colours before it loses its end. */
function clip(line: string, width: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes are control characters
  return truncate(line.replaceAll(/\u001b\[[0-9;]*m/g, ''), width)
}

function logProgress(terminal: Terminal, state: State, options: ProgressOptions): Progress {
  const every = options.log_every_ms ?? 5000
  let said = options.now()
  return {
    observe(event) {
      state.apply(event)
      if (event.type === 'found') {
        said = options.now()
        const text = foundText(event)
        if (text !== '') terminal.err(`${text}\n`)
        return
      }
      if (event.type === 'feed_failed') return
      const now = options.now()
      if (now - said < every) return
      said = now
      const { rate, left } = timing(state, now)
      const facts = [
        `${formatBytes(bytesDone(state))} of ${formatBytes(state.found_bytes)}`,
        `${formatBytes(rate)}/s`,
        formatPlural(state.rows, 'row'),
        `${formatCount(state.rejected)} rejected`,
        ...(left === undefined ? [] : [`${formatSeconds(left)} left`]),
        [...state.running.values()]
          .map((load) => `${STEPS[load.step].verb} ${load.feed} ${load.partition}`)
          .join(', '),
      ]
      terminal.err(`${facts.filter(Boolean).join(', ')}\n`)
    },
    end() {},
  }
}

/** What is about to be loaded and what is not, said before anything is fetched; nothing where there is nothing to say. */
function foundText(event: Extract<LoadEvent, { type: 'found' }>): string {
  const facts: string[] = []
  if (event.partitions > 0) {
    const first = event.first ? ', its first load' : ''
    facts.push(
      `${formatPlural(event.partitions, 'partition')} to load, ${formatPlural(event.objects, 'object')}, ${formatBytes(event.bytes)}${first}`,
    )
  }
  const waiting = Object.entries(event.waiting).map(([code, n]) => `${formatCount(n)} ${code}`)
  if (waiting.length > 0) facts.push(`not complete yet: ${waiting.join(', ')}`)
  if (event.strays > 0)
    facts.push(`${formatPlural(event.strays, 'object')} in no partition (see bucketline status)`)
  return facts.length === 0 ? '' : `${event.feed}: ${facts.join('; ')}`
}
