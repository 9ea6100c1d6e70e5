import { dateSource, parseDatePattern } from './date-pattern.ts'
import { escapePattern } from './escape-pattern.ts'
import { PART_MARK, streamText } from './object-key.ts'
import { partitionSource } from './partition-value.ts'
import type { DestinationPath, PathPart, PathVariable } from './path-format.ts'
import { tidyKey } from './sanitize.ts'
import type { Stream } from './stream.ts'

export interface KeyMatch {
  /** Undefined where the key has none, or a UUID in its place. */
  readonly part_number?: number
  /** The key with `PART_MARK` for its number: keys of one group differ by their numbers alone. */
  readonly group: string
}

export interface StreamMatcher {
  /** What all keys of the stream begin with: what has to be listed. */
  readonly prefix: string
  /** Undefined for a key that is none of the stream's. */
  readonly match: (key: string) => KeyMatch | undefined
}

const UUID = '[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}'
const ANY_EXTENSION = '\\.(?:csv|jsonl|avro|parquet)(?:\\.(?:gz|zst))?'
// The usual number of digits first, so that a number that follows without a sign between is told apart.
const MILLIS = '(?:\\d{13}|\\d+)'
const MICROS = '(?:\\d{16}|\\d+)'

const VARIABLES: Readonly<Record<Exclude<PathVariable, 'NAMESPACE' | 'STREAM_NAME'>, string>> = {
  YEAR: '\\d{4}',
  MONTH: '\\d{2}',
  DAY: '\\d{2}',
  HOUR: '\\d{2}',
  MINUTE: '\\d{2}',
  SECOND: '\\d{2}',
  MILLISECOND: '\\d{4}',
  EPOCH: MILLIS,
  UUID,
  SYNC_ID: '[^/]*',
}

/** Where something stands that is not the same in every key. No literal holds it (`cleanLiteral`). */
const WILD = '\0'

/**
 * Tells the keys of a stream that this path wrote, at any time, by any sync, in any partition. Keys the
 * Airbyte destination wrote by the same settings are known too: a `-2` at the end where it evaded a
 * name that was taken, a `/` at the start where the bucket path is empty (such keys do not begin with
 * `prefix`), a UUID for a part number. Without `extension` it takes that of any of our formats.
 * Everything a stream or a setting says is text, never a pattern.
 */
export function streamMatcher(
  path: DestinationPath,
  stream: Pick<Stream, 'name' | 'namespace'>,
  extension?: string,
): StreamMatcher {
  const constant = (part: PathPart): string | undefined => {
    if (part.kind === 'literal') return part.text
    if (part.kind === 'joint') return '/'
    if (part.kind === 'extension') return extension
    if (part.kind !== 'variable') return undefined
    const { name } = part
    return name === 'NAMESPACE' || name === 'STREAM_NAME' ? streamText(name, stream) : undefined
  }
  // The Airbyte destination puts no `/` between a bucket path and the name if the path format is empty.
  const jointless = path.parts.filter(({ kind }) => kind !== 'joint')
  const ways = jointless.length === path.parts.length ? [jointless] : [path.parts, jointless]
  const compiled = ways.map((parts) => {
    const wild = parts.filter((part) => constant(part) === undefined)
    const text = tidyKey(parts.map((part) => constant(part) ?? WILD).join(''))
    const joined = joinFree(
      text.split(WILD),
      wild.map((part) => wildOf(part, path)),
    )
    return { prefix: joined.texts[0] as string, pattern: patternOf(joined.texts, joined.wild) }
  })
  return {
    prefix: compiled.map(({ prefix }) => prefix).reduce(sharedStart),
    match: (key) => {
      for (const { pattern } of compiled) {
        const found = pattern.exec(key)
        if (found !== null) return matchOf(key, found)
      }
      return undefined
    },
  }
}

/** A place that is not the same in every key. */
interface Wild {
  /** Places of one id say the same. */
  readonly id: string
  readonly source: string
  readonly kind: 'number' | 'sync' | 'field' | 'bounded'
}

function wildOf(part: PathPart, path: DestinationPath): Wild {
  const by = part.kind === 'partition' ? path.partition_by[part.index] : undefined
  const kind =
    part.kind === 'part_number'
      ? 'number'
      : part.kind === 'variable' && part.name === 'SYNC_ID'
        ? 'sync'
        : by?.kind === 'field'
          ? 'field'
          : 'bounded'
  return { id: JSON.stringify(part), source: sourceOf(part, path), kind }
}

const isFree = (wild: Wild | undefined): wild is Wild =>
  wild?.kind === 'sync' || wild?.kind === 'field'

/**
 * Makes one place of those that take any text and have nothing between them: where one ends cannot be
 * told, and trying all ways to cut a long key would take hours.
 */
function joinFree(texts: readonly string[], wild: readonly Wild[]) {
  const joined = { texts: [texts[0] as string], wild: [] as Wild[] }
  for (const [index, each] of wild.entries()) {
    const before = joined.wild.at(-1)
    if (isFree(before) && isFree(each) && joined.texts.at(-1) === '') {
      const longer = before.kind === 'field' ? before : each
      joined.wild[joined.wild.length - 1] = { ...longer, id: before.id + each.id }
    } else {
      joined.wild.push(each)
      joined.texts.push('')
    }
    joined.texts[joined.texts.length - 1] = texts[index + 1] as string
  }
  return joined
}

/** `texts` stand around `wild`: one more of them. */
function patternOf(texts: readonly string[], wild: readonly Wild[]): RegExp {
  const names = new Map<string, string>()
  let numbers = 0
  let source = ''
  let rest = texts[0] as string
  let begins_level = true
  for (const [index, { id, source: first, kind }] of wild.entries()) {
    source += escapePattern(rest)
    if (rest !== '') begins_level = rest.endsWith('/')
    rest = texts[index + 1] as string
    // What stands twice says the same twice.
    const before = names.get(id)
    let piece = before === undefined ? first : `\\k<${before}>`
    const name = kind === 'number' ? `number${numbers++}` : `wild${index}`
    if (before === undefined) names.set(id, name)
    piece = before === undefined || kind === 'number' ? `(?<${name}>${piece})` : piece
    if (kind === 'sync' && begins_level && rest[0] === '/') {
      // A level that is empty without a sync id, and then is none.
      source += `(?:${piece}/)?`
      rest = rest.slice(1)
    } else {
      source += piece
      begins_level = false
    }
  }
  return new RegExp(`^/?${source}${escapePattern(rest)}(?:-\\d+)?$`, 'd')
}

function sourceOf(part: PathPart, path: DestinationPath): string {
  switch (part.kind) {
    case 'variable':
      return VARIABLES[part.name as keyof typeof VARIABLES]
    case 'unknown':
      return `(?:${escapePattern(part.name)}|${escapePattern(`\${${part.name}}`)})`
    case 'partition': {
      const by = path.partition_by[part.index]
      if (by === undefined) throw new Error(`no partition ${part.index}`)
      return partitionSource(by)
    }
    case 'date':
      return dateSource(parseDatePattern(part.pattern))
    case 'timestamp':
      return part.unit === 'micros' ? MICROS : MILLIS
    case 'part_number':
      return `${UUID}|\\d+`
    case 'extension':
      return ANY_EXTENSION
    default:
      throw new Error(`${part.kind} is the same in every key`)
  }
}

function matchOf(key: string, found: RegExpExecArray): KeyMatch {
  const places = Object.entries(found.indices?.groups ?? {})
    .filter(([name]) => name.startsWith('number'))
    .map(([, place]) => place as [number, number])
  let group = key
  for (const [start, end] of places.reverse()) {
    group = group.slice(0, start) + PART_MARK + group.slice(end)
  }
  const text = found.groups?.number0
  const part_number = text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
  return Number.isSafeInteger(part_number) && part_number !== undefined
    ? { part_number, group }
    : { group }
}

function sharedStart(a: string, b: string): string {
  let length = 0
  while (length < a.length && a[length] === b[length]) length += 1
  return a.slice(0, length)
}
