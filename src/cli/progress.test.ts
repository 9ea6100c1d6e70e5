import { describe, expect, it } from 'vitest'
import { memoryTerminal } from '../../test/memory-terminal.ts'
import type { LoadEvent } from '../exchange/progress.ts'
import { createProgress } from './progress.ts'
import { colored, type Terminal } from './terminal.ts'
import { textWidth } from './text-width.ts'

const MB = 1_000_000

/** One load of 10 MB in a second, another one beside it, each event 100 ms after the last. */
const events: readonly LoadEvent[] = [
  {
    type: 'found',
    feed: 'events',
    partitions: 2,
    objects: 4,
    bytes: 20 * MB,
    first: true,
    waiting: {},
    strays: 0,
  },
  { type: 'started', load_id: 'a', feed: 'events', partition: '2023-01-01', bytes: 10 * MB },
  { type: 'advanced', load_id: 'a', step: 'fetch', bytes: 5 * MB },
  { type: 'started', load_id: 'b', feed: '世界', partition: '2023-01-02', bytes: 10 * MB },
  { type: 'advanced', load_id: 'a', step: 'validate', bytes: 0, rows: 0, rejected: 0 },
  { type: 'advanced', load_id: 'a', step: 'validate', bytes: 5 * MB, rows: 50_000, rejected: 12 },
  { type: 'advanced', load_id: 'b', step: 'fetch', bytes: 10 * MB },
  { type: 'advanced', load_id: 'a', step: 'publish', bytes: 0, rows: 100_000, rejected: 30 },
  { type: 'ended', load_id: 'a', state: 'published' },
  { type: 'advanced', load_id: 'b', step: 'validate', bytes: 1 * MB, rows: 9 },
  { type: 'ended', load_id: 'b', state: 'published' },
]

function play(terminal: Terminal, log_every_ms = 300): void {
  let now = 0
  const progress = createProgress(terminal, { now: () => now, log_every_ms })
  for (const event of events) {
    now += 100
    progress.observe(event)
  }
  progress.end()
}

/** What a screen shows after a text with the escape codes that progress uses. */
function screenOf(text: string): { readonly lines: readonly string[]; readonly cursor: boolean } {
  const lines: string[] = ['']
  let row = 0
  let cursor = true
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this reads escape codes
  for (const [token] of text.matchAll(/\u001b\[\??[0-9]*[A-Za-z]|\n|\r|[^\u001b\n\r]+/g)) {
    if (token === '\n') {
      row += 1
      lines[row] ??= ''
    } else if (token === '\r') lines[row] = lines[row] ?? ''
    else if (token.startsWith('\u001b') && token.endsWith('A')) {
      row -= Number(token.slice(2, -1))
    } else if (token === '\u001b[J') lines.splice(row, lines.length, '')
    else if (token === '\u001b[?25l') cursor = false
    else if (token === '\u001b[?25h') cursor = true
    // Texts overwrite from the line's start; K erases what is left of the line before.
    else if (!token.startsWith('\u001b')) lines[row] = token
  }
  return { lines: lines.map((line) => line.trimEnd()), cursor }
}

describe('on a terminal', () => {
  it('draws a line per running load and a total, in one write a frame', () => {
    const frames: string[] = []
    const terminal = memoryTerminal({ err_width: 100 })
    play({ ...terminal, err: (text) => frames.push(text) })
    const seventh = frames.slice(0, 7).join('')
    const { lines } = screenOf(seventh)
    expect(lines[0]).toBe('events: 2 partitions to load, 4 objects, 20 MB, its first load')
    expect(lines[1]).toMatch(
      /^events 2023-01-01 {2}[█▏▎▍▌▋▊▉░]+ +60% +10 MB {2}checking +50,000 rows {2}12 rejected$/,
    )
    expect(lines[2]).toMatch(/^世界 2023-01-02 +[█▏▎▍▌▋▊▉░]+ +25% +10 MB {2}fetching/)
    expect(lines[3]).toMatch(/^total +8\.5 MB of 20 MB · .+\/s · 50,000 rows · 12 rejected/)
  })

  it.each([20, 40, 60, 80, 200])('stays on its lines in %i columns', (width) => {
    const terminal = memoryTerminal({ err_width: width, style: colored })
    play(terminal)
    // What is said before the bars is wrapped and not drawn again.
    const drawn = terminal.written.err
      .slice(terminal.written.err.indexOf('\u001b'))
      .split('\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: this reads escape codes
      .map((line) => line.replaceAll(/\u001b\[[^A-Za-z]*[A-Za-z]/g, ''))
    expect(drawn.length).toBeGreaterThan(10)
    for (const line of drawn) {
      expect(textWidth(line.replaceAll('\r', ''))).toBeLessThan(width)
    }
  })

  it('leaves nothing behind but what was said, and gives the cursor back', () => {
    const terminal = memoryTerminal({ err_width: 100 })
    play(terminal)
    const { lines, cursor } = screenOf(terminal.written.err)
    expect(lines.filter(Boolean)).toEqual([
      'events: 2 partitions to load, 4 objects, 20 MB, its first load',
    ])
    expect(cursor).toBe(true)
  })

  it('estimates the time left from a second on', () => {
    const terminal = memoryTerminal({ err_width: 120 })
    play(terminal)
    expect(terminal.written.err).toMatch(/\d s left/)
    expect(terminal.written.err.indexOf(' left')).toBeGreaterThan(
      terminal.written.err.indexOf('100,000 rows'),
    )
  })
})

describe('in a log', () => {
  it('says where it is now and then, in whole lines without codes', () => {
    const terminal = memoryTerminal()
    play(terminal)
    expect(terminal.written.err.split('\n')).toEqual([
      'events: 2 partitions to load, 4 objects, 20 MB, its first load',
      '1.3 MB of 20 MB, 4.2 MB/s, 0 rows, 0 rejected, fetching events 2023-01-01, fetching 世界 2023-01-02',
      '8.5 MB of 20 MB, 14 MB/s, 50,000 rows, 12 rejected, checking events 2023-01-01, fetching 世界 2023-01-02',
      '13 MB of 20 MB, 15 MB/s, 100,009 rows, 30 rejected, checking 世界 2023-01-02',
      '',
    ])
  })
})
