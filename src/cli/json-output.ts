import { jsonValue } from './format-value.ts'
import type { Terminal } from './terminal.ts'

type Member = unknown | AsyncIterable<unknown>

const isAsync = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value

/**
 * Writes one JSON document. A list stands one item a line: a stream for `grep`, a document for `jq`.
 * Async lists are written as they come, so that length costs no memory.
 */
export async function writeJson(
  terminal: Terminal,
  document: Readonly<Record<string, Member>>,
): Promise<void> {
  const members = Object.entries(document).filter(([, value]) => value !== undefined)
  let before = '{'
  for (const [name, value] of members) {
    await terminal.out(`${before}\n  ${JSON.stringify(name)}: `)
    if (isAsync(value) || Array.isArray(value)) await writeList(terminal, value)
    else await terminal.out(JSON.stringify(jsonValue(value)))
    before = ','
  }
  await terminal.out(members.length === 0 ? '{}\n' : '\n}\n')
}

async function writeList(
  terminal: Terminal,
  items: AsyncIterable<unknown> | readonly unknown[],
): Promise<void> {
  let before = '['
  for await (const item of items) {
    if (terminal.closed) return
    await terminal.out(`${before}\n    ${JSON.stringify(jsonValue(item))}`)
    before = ','
  }
  await terminal.out(before === '[' ? '[]' : '\n  ]')
}

/** One value as one line. */
export const writeJsonLine = (terminal: Terminal, value: unknown): Promise<void> =>
  terminal.out(`${JSON.stringify(jsonValue(value))}\n`)
