import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml'
import type { z } from 'zod'

/** Something wrong in a contract document, at its place; lines and columns are from 1. */
export interface ContractProblem {
  /** Such as `schema[0].properties[2].logicalType`; empty for the whole document. */
  readonly path: string
  readonly line: number
  readonly column: number
  readonly message: string
}

export type Path = readonly (string | number)[]

/** A parsed YAML text that knows where everything in it stands. */
export interface Source {
  /** Plain values: what JSON can say. */
  readonly value: unknown
  /** Faults of the YAML itself; `value` is undefined if there are any. */
  readonly problems: readonly ContractProblem[]
  /** Where the value at a path stands, or its nearest ancestor that is there. */
  place(path: Path, of?: 'value' | 'key'): { readonly line: number; readonly column: number }
  /** The text of a scalar as written, such as `0.10`. */
  written(path: Path): string | undefined
}

/** A contract is written by people; what is larger or deeper is a mistake or an attack. */
const MAX_CHARACTERS = 4 * 1024 * 1024
const MAX_DEPTH = 100

/** Parses YAML 1.2. Never throws: what is wrong is in `problems`. */
export function readSource(text: string): Source {
  const counter = new LineCounter()
  const start = { line: 1, column: 1 }
  const broken = (message: string, at = start): Source => ({
    value: undefined,
    problems: [{ path: '', ...at, message }],
    place: () => start,
    written: () => undefined,
  })
  if (text.length > MAX_CHARACTERS) {
    return broken(`the document has ${text.length} characters; ${MAX_CHARACTERS} are read`)
  }
  const deep = deepNesting(text)
  if (deep !== undefined) return broken(`nested deeper than ${MAX_DEPTH} levels`, deep)
  try {
    const document = parseDocument(text, {
      lineCounter: counter,
      prettyErrors: false,
      version: '1.2',
      // What is doubtful is said by the schema; the parser would print it on standard error.
      logLevel: 'error',
    })
    const position = (offset: number) => {
      const { line, col } = counter.linePos(offset)
      return { line: Math.max(1, line), column: Math.max(1, col) }
    }
    if (document.errors.length > 0) {
      return {
        ...broken(''),
        problems: document.errors.map((error) => ({
          path: '',
          ...position(error.pos[0]),
          message: `not valid YAML: ${error.message}`,
        })),
      }
    }
    const contents: Node | null = document.contents
    const at = (path: Path): { found: Node | null; key: Node | null; whole: boolean } => {
      let found: Node | null = contents
      let key: Node | null = null
      for (const step of path) {
        const holder: Node | null = isAlias(found) ? (found.resolve(document) ?? null) : found
        let next: unknown
        if (isMap(holder)) {
          const pair = holder.items.find(
            (item) => (isScalar(item.key) ? String(item.key.value) : '') === String(step),
          )
          key = isNode(pair?.key) ? pair.key : key
          next = pair?.value ?? pair?.key
        } else if (isSeq(holder)) {
          next = holder.items[Number(step)]
          key = isNode(next) ? next : key
        }
        if (!isNode(next)) return { found, key, whole: false }
        found = next
      }
      return { found, key, whole: true }
    }
    return {
      value: document.toJS({ maxAliasCount: 100 }),
      problems: [],
      place(path, of = 'value') {
        const { found, key, whole } = at(path)
        const node = of === 'key' && whole ? key : found
        return node?.range ? position(node.range[0]) : start
      },
      written(path) {
        const { found, whole } = at(path)
        return whole && isScalar(found) ? found.source : undefined
      },
    }
  } catch (error) {
    // yaml throws on too many aliases, and on nesting its recursion cannot follow.
    return broken(`not readable as YAML: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/**
 * Where brackets or indentation are nested too deep for a recursive parser. Counts brackets
 * without regard to quotes: a text with a hundred open brackets in quotes is no contract either.
 */
function deepNesting(text: string): { line: number; column: number } | undefined {
  let depth = 0
  let line = 1
  let line_start = 0
  let dashes = 0
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index]
    if (character === '\n') {
      line += 1
      line_start = index + 1
      dashes = 0
    } else if (character === '[' || character === '{') depth += 1
    else if (character === ']' || character === '}') depth = Math.max(0, depth - 1)
    // `- - - -` opens a list a time.
    else if ((character === '-' || character === '?') && text[index + 1] === ' ') dashes += 1
    if (depth > MAX_DEPTH || dashes > MAX_DEPTH) return { line, column: index - line_start + 1 }
  }
  return undefined
}

/** In the order of the document. */
export const byPlace = (
  a: { readonly line?: number; readonly column?: number },
  b: { readonly line?: number; readonly column?: number },
): number => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)

/** `schema[0].properties[2]` */
export function pathText(path: Path): string {
  return path
    .map((step, index) =>
      typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`,
    )
    .join('')
}

/** What zod found wrong, at the places of a source; `under` is the path of the value it looked at. */
export function problemsOf(
  source: Source,
  error: { readonly issues: readonly z.core.$ZodIssue[] },
  under: Path = [],
): ContractProblem[] {
  return error.issues.flatMap((issue) => {
    const path: Path = [
      ...under,
      ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step)),
    ]
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: pathText([...path, key]),
        ...source.place([...path, key], 'key'),
        message: `\`${key}\` is not a field the standard has here; words of your own go into customProperties`,
      }))
    }
    return [{ path: pathText(path), ...source.place(path), message: messageOf(issue) }]
  })
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.input === undefined) {
    const missing = /received undefined/.test(issue.message)
    if (missing) return `is missing: expected ${issue.expected}`
  }
  // A schema's own message says more than the list.
  if (issue.code === 'invalid_value' && /^Invalid (input|option): /.test(issue.message)) {
    return `is one of ${issue.values.map(String).join(', ')}`
  }
  return issue.message.replace(/^(Invalid (input|option)|Too (small|big)): /, '')
}
