import { readFile } from 'node:fs/promises'
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { Config } from './core/config.ts'
import { ExchangeError } from './core/errors.ts'
import { nearest } from './core/nearest.ts'

/** Reads and checks a configuration file; every fault comes with its line and column. */
export async function readConfig(path: string): Promise<Config> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new ExchangeError('config_not_found', `There is no configuration file ${path}.`, {
      cause,
    })
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [broken] = document.errors
  if (broken !== undefined) {
    const { line, col } = lines.linePos(broken.pos[0])
    throw new ExchangeError('config_invalid', `${path}:${line}:${col}: ${broken.message}`)
  }
  const result = Config.safeParse(document.toJS() ?? {}, { error: wording })
  if (result.success) return result.data
  const faults = result.error.issues.flatMap(leaves).map(({ path: at, message }) => {
    const place = placeOf(document, at, lines)
    return `${path}${place}: ${at.length === 0 ? '' : `${at.join('.')}: `}${message}`
  })
  throw new ExchangeError('config_invalid', faults.join('\n'))
}

interface Fault {
  readonly path: readonly PropertyKey[]
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
  return best.map((f) => ({ path: [...issue.path, ...f.path], message: f.message }))
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
