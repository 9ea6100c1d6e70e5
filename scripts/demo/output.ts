import { spawn } from 'node:child_process'
import { styleText } from 'node:util'

/** What the demo says itself, and how it runs the command that it shows. */

const out = process.stdout
const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
  styleText(format, text, { stream: out })
const columns = (): number => out.columns ?? 100

/** Begins a step. */
export function heading(title: string): void {
  out.write(`\n${paint(['bold', 'cyan'], title)}\n`)
}

/** A paragraph, wrapped to the terminal. */
export function say(text: string): void {
  out.write(`${wrap(text, Math.min(100, columns())).join('\n')}\n`)
}

/** Facts beside their names, such as what a feed delivered. */
export function facts(rows: readonly (readonly [name: string, text: string])[]): void {
  const names = Math.max(...rows.map(([name]) => name.length)) + 4
  const width = Math.min(100, columns())
  const beside = width - names >= LEAST_BESIDE
  const indent = ' '.repeat(beside ? names : 6)
  for (const [name, text] of rows) {
    const first = beside ? `${''.padEnd(names - name.length - 2)}` : `\n${indent}`
    const lines = wrap(text, width - indent.length)
    out.write(`  ${paint('bold', name)}${first}${lines.join(`\n${indent}`)}\n`)
  }
}

/** In fewer columns than these, what stands beside a name goes below it. */
const LEAST_BESIDE = 36

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
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
  const { exit = 0 } = options
  out.write(`\n${paint('green', '$')} ${paint('bold', commandText(words))}\n`)
  const child = spawn(executable, words, {
    cwd,
    env: { ...process.env, BUCKETLINE_NOW: options.now },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const code = await ended
  out.write('\n')
  if (code !== exit)
    throw new Error(`${commandText(words)} ended with exit code ${code}, ${exit} was due`)
}

/** As one would type it. */
function commandText(words: readonly string[]): string {
  const quoted = words.map((word) => (/^[\w./=:@-]+$/.test(word) ? word : `"${word}"`))
  return ['bucketline', ...quoted].join(' ')
}
