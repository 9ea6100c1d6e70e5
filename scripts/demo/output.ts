import { spawn } from 'node:child_process'
import { stripVTControlCharacters, styleText } from 'node:util'

/** What the demo says itself, and how it runs the command that it shows. */

const out = process.stdout
const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
  styleText(format, text, { stream: out })
const columns = (): number => out.columns ?? 100

/** A numbered step. */
export function heading(title: string): void {
  out.write(`\n${paint(['bold', 'cyan'], title)}\n`)
}

/** A paragraph, wrapped to the terminal. */
export function say(text: string): void {
  const width = Math.min(100, columns())
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      out.write(`${line}\n`)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  out.write(`${line}\n`)
}

/** A fact beside its name, such as a file that was delivered. */
export function facts(rows: readonly (readonly [name: string, text: string])[]): void {
  const width = Math.max(...rows.map(([name]) => name.length))
  for (const [name, text] of rows) out.write(`  ${paint('bold', name.padEnd(width))}  ${text}\n`)
}

export interface Bucketline {
  readonly executable: string
  readonly cwd: string
}

export interface RunOptions {
  /** Start of the product's clock, ISO 8601. */
  readonly now: string
  /** The exit code that this run is to end with; default 0. */
  readonly exit?: number
  /** Lines of the result that are shown at its start; the end follows. Everything without it. */
  readonly head?: number
  readonly tail?: number
}

/**
 * Shows a command, runs it on this terminal, and throws unless it ends with the exit code that is
 * due: 1 stands for a partition that was refused, which may be just what is to be shown.
 */
export async function run(
  { executable, cwd }: Bucketline,
  words: readonly string[],
  options: RunOptions,
): Promise<void> {
  out.write(`\n${paint('green', '$')} ${paint('bold', commandText(words))}\n`)
  const shortened = options.head !== undefined
  const child = spawn(executable, words, {
    cwd,
    env: { ...process.env, BUCKETLINE_NOW: options.now },
    stdio: ['ignore', shortened ? 'pipe' : 'inherit', 'inherit'],
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const code = await ended
  if (shortened) out.write(shorten(text, options.head ?? 0, options.tail ?? 0))
  out.write('\n')
  if (code !== (options.exit ?? 0))
    throw new Error(
      `bucketline ${words.join(' ')} ended with exit code ${code}, not ${options.exit ?? 0}`,
    )
}

/** The first and last lines of a long result, each cut to the terminal. */
function shorten(text: string, head: number, tail: number): string {
  const lines = text.trimEnd().split('\n')
  const cut = (line: string) => stripVTControlCharacters(line).slice(0, columns())
  const hidden = lines.length - head - tail
  const shown =
    hidden <= 1
      ? lines
      : [...lines.slice(0, head), paint('dim', `… ${hidden} more lines …`), ...lines.slice(-tail)]
  return `${shown.map((line) => (line.includes('…') ? line : cut(line))).join('\n')}\n`
}

/** As one would type it: SQL in quotes, and on lines of its own where it is long. */
function commandText(words: readonly string[]): string {
  const quoted = words.map((word) =>
    /^[\w./=:@-]+$/.test(word) ? word : `"${word.replaceAll('"', '\\"')}"`,
  )
  return ['bucketline', ...quoted].join(' ')
}
