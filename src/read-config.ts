import { readFile } from 'node:fs/promises'
import { isCollection, isMap, isScalar, LineCounter, parseDocument, visit } from 'yaml'
import type { z } from 'zod'
import { Config } from './core/config.ts'
import { type ErrorCode, ExchangeError } from './core/errors.ts'
import { nearest } from './core/nearest.ts'

/** Reads and checks a configuration file; every fault comes with its line and column. */
export function readConfig(path: string): Promise<Config> {
  return readSettings(path, Config, { code: 'config_not_found', what: 'configuration file' })
}

/**
 * Reads YAML by a schema; `missing` is said where there is no file. Throws `config_invalid` with all faults,
 * each with its line and column.
 */
export async function readSettings<Settings>(
  path: string,
  schema: z.ZodType<Settings>,
  missing: { readonly code: ErrorCode; readonly what: string },
): Promise<Settings> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new ExchangeError(missing.code, `There is no ${missing.what} ${path}.`, { cause })
  }
  const lines = new LineCounter()
  const { document, value } = parsed(path, text, lines)
  const result = schema.safeParse(value ?? {}, { error: wording })
  if (result.success) return result.data
  const faults = result.error.issues.flatMap(leaves).map(({ path: at, unknown, message }) => {
    const place = placeOf(document, at, lines)
    const shown = unknown === true && mayBeSecret(at, value) ? at.with(-1, '…') : at
    return `${path}${place}: ${shown.length === 0 ? '' : `${shown.join('.')}: `}${message}`
  })
  throw new ExchangeError('config_invalid', faults.join('\n'))
}

function parsed(path: string, text: string, lines: LineCounter) {
  const document = orInvalid(path, () =>
    // What is doubtful is said by the schema; the parser would print it on standard error.
    parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' }),
  )
  const [broken] = document.errors
  if (broken !== undefined) {
    const { line, col } = lines.linePos(broken.pos[0])
    throw new ExchangeError('config_invalid', `${path}:${line}:${col}: ${broken.message}`)
  }
  visit(document, {
    // Not left to `toJS`, whose message shows the name: it may be a secret that begins with `*`.
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return
      const { line, col } = lines.linePos(alias.range?.[0] ?? 0)
      throw new ExchangeError(
        'config_invalid',
        `${path}:${line}:${col}: an alias that nothing has; text that begins with * stands in quotes`,
      )
    },
    // As a name it would be turned into the text of all that is in it.
    Pair(_, { key }) {
      if (!isCollection(key)) return
      const { line, col } = lines.linePos(key.range?.[0] ?? 0)
      const what = isMap(key) ? 'settings' : 'a list'
      throw new ExchangeError('config_invalid', `${path}:${line}:${col}: a name is ${what}`)
    },
  })
  const value: unknown = orInvalid(path, () => document.toJS({ maxAliasCount: 100 }))
  return { document, value }
}

/** The parser throws on too many aliases, and on nesting too deep for it. */
function orInvalid<Value>(path: string, read: () => Value): Value {
  try {
    return read()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ExchangeError('config_invalid', `${path}: not readable as YAML: ${why}`, { cause })
  }
}

interface Fault {
  readonly path: readonly PropertyKey[]
  /** The last step of the path is a name that no setting has. */
  readonly unknown?: boolean
  readonly message: string
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'settings',
  record: 'settings by name',
}

/** What is wrong, in words of the file. Never the value: it may be a secret in the wrong place. */
function wording(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type': {
      const wanted = KINDS[issue.expected] ?? issue.expected
      if (issue.input === undefined) return `is missing; wanted: ${wanted}`
      return `is ${kindOf(issue.input)}; wanted: ${wanted}`
    }
    case 'invalid_value': {
      const values = issue.values.map(String)
      const meant = typeof issue.input === 'string' ? nearest(issue.input, values) : undefined
      return `is not one of ${values.join(', ')}${didYouMean(meant)}`
    }
    case 'unrecognized_keys': {
      const shape = (issue.inst as { shape?: Record<string, unknown> } | undefined)?.shape ?? {}
      // One message for all: `leaves` gives each key its own.
      return JSON.stringify(
        issue.keys.map(
          (key) => `is no setting here${didYouMean(nearest(key, Object.keys(shape)))}`,
        ),
      )
    }
    case 'invalid_key':
      return `is no name: ${issue.issues[0]?.message ?? 'not understood'}`
    default:
      return undefined
  }
}

const didYouMean = (name: string | undefined) =>
  name === undefined ? '' : `; did you mean ${name}?`

function kindOf(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  return KINDS[typeof value] ?? typeof value
}

/** The faults of the closest alternative: a union of a secret's forms would otherwise say only "Invalid input". */
function leaves(issue: z.core.$ZodIssue): Fault[] {
  if (issue.code === 'unrecognized_keys') {
    const messages = JSON.parse(issue.message) as string[]
    return issue.keys.map((key, at) => ({
      path: [...issue.path, key],
      unknown: true,
      message: messages[at] ?? '',
    }))
  }
  if (issue.code !== 'invalid_union') return [{ path: issue.path, message: issue.message }]
  const options = issue.errors.map((faults) => faults.flatMap(leaves))
  const best = options.sort((a, b) => depth(b) - depth(a))[0] ?? []
  if (best.length === 0 || depth(best) === 0)
    return [
      {
        path: issue.path,
        message: best.length === 0 ? issue.message : best.map((f) => f.message).join('; '),
      },
    ]
  return best.map((fault) => ({ ...fault, path: [...issue.path, ...fault.path] }))
}

/** Whether a name may be a secret whose own name was forgotten: it has no value, or is no word. */
function mayBeSecret(path: readonly PropertyKey[], value: unknown): boolean {
  if (!/^[A-Za-z_-]{1,32}$/.test(String(path.at(-1)))) return true
  let found: unknown = value
  for (const step of path) {
    if (typeof found !== 'object' || found === null) return true
    found = (found as Record<PropertyKey, unknown>)[step]
  }
  return found === null
}

const depth = (faults: readonly Fault[]) => Math.max(0, ...faults.map((f) => f.path.length))

/** Where a setting stands, by its name; where it is missing, what it is missing from. */
function placeOf(
  document: ReturnType<typeof parseDocument>,
  path: readonly PropertyKey[],
  lines: LineCounter,
): string {
  for (let length = path.length; length >= 0; length -= 1) {
    const parent = length === 0 ? undefined : nodeAt(document, path.slice(0, length - 1))
    const key = isMap(parent)
      ? parent.items.find((each) => isScalar(each.key) && each.key.value === path[length - 1])?.key
      : undefined
    const node = (key ?? nodeAt(document, path.slice(0, length))) as
      | { range?: [number, number, number] | null }
      | undefined
    const start = node?.range?.[0]
    if (start === undefined) continue
    const { line, col } = lines.linePos(start)
    return `:${line}:${col}`
  }
  return ''
}

const nodeAt = (document: ReturnType<typeof parseDocument>, path: readonly PropertyKey[]) =>
  path.length === 0 ? document.contents : document.getIn(path, true)
