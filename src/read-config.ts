import { readFile } from 'node:fs/promises'
import { LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { Config } from './core/config.ts'
import { ExchangeError } from './core/errors.ts'

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
  const result = Config.safeParse(document.toJS() ?? {})
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

/** The faults of the closest alternative: a union of a secret's forms would otherwise say only "Invalid input". */
function leaves(issue: z.core.$ZodIssue): Fault[] {
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

function placeOf(
  document: ReturnType<typeof parseDocument>,
  path: readonly PropertyKey[],
  lines: LineCounter,
): string {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true) as
      | { range?: [number, number, number] }
      | undefined
    const start = node?.range?.[0]
    if (start === undefined) continue
    const { line, col } = lines.linePos(start)
    return `:${line}:${col}`
  }
  return ''
}
