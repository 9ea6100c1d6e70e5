import { formatDate, parseDatePattern } from './date-pattern.ts'
import type { DestinationPath, PathPart, PathVariable } from './path-format.ts'
import { sanitizeName, tidyKey } from './sanitize.ts'
import type { Stream } from './stream.ts'

/** What the key of one object is made from. */
export interface KeyFacts {
  readonly stream: Pick<Stream, 'name' | 'namespace'>
  /** When the sync began: one instant for all objects of it. */
  readonly started_at: Date
  /** Microseconds since 1970; the caller gives no two objects the same. */
  readonly uploaded_at_micros: bigint
  /** May be empty. */
  readonly sync_id: string
  /** A number, a UUID, or `PART_MARK`. */
  readonly part_number: number | string
  /** Gives another one at each call; called at most once for a key. */
  readonly uuid: () => string
  /** With its dot: `.csv.gz`. */
  readonly extension: string
  /** Values as they stand in the key, one for each of the path's `partition_by`. */
  readonly partition: readonly string[]
}

/** Stands for the part number in the `group` of a key: what two keys must share before their numbers matter. */
export const PART_MARK = '#'

/** The key under which an object is written. */
export function objectKey(path: DestinationPath, facts: KeyFacts): string {
  const { partition_by, parts } = path
  if (facts.partition.length !== partition_by.length || facts.partition.includes('')) {
    throw new Error(`${partition_by.length} partition values wanted: ${facts.partition.join()}`)
  }
  let made: string | undefined
  const uuid = (): string => {
    made ??= facts.uuid()
    return made
  }
  return tidyKey(parts.map((part) => partText(part, { ...facts, uuid })).join(''))
}

function partText(part: PathPart, facts: KeyFacts): string {
  const millis = facts.uploaded_at_micros / 1000n
  switch (part.kind) {
    case 'literal':
      return part.text
    case 'joint':
      return '/'
    case 'unknown':
      return part.name
    case 'variable':
      return variableText(part.name, facts)
    case 'partition':
      return facts.partition[part.index] as string
    case 'date':
      return formatDate(parseDatePattern(part.pattern), Number(millis))
    case 'timestamp':
      return String(part.unit === 'micros' ? facts.uploaded_at_micros : millis)
    case 'part_number':
      return String(facts.part_number)
    case 'extension':
      return facts.extension
  }
}

const padded = (value: number, width: number): string => String(value).padStart(width, '0')

function variableText(name: PathVariable, { stream, started_at, ...facts }: KeyFacts): string {
  switch (name) {
    case 'NAMESPACE':
    case 'STREAM_NAME':
      return streamText(name, stream)
    case 'YEAR':
      return String(started_at.getUTCFullYear())
    case 'MONTH':
      return padded(started_at.getUTCMonth() + 1, 2)
    case 'DAY':
      return padded(started_at.getUTCDate(), 2)
    case 'HOUR':
      return padded(started_at.getUTCHours(), 2)
    case 'MINUTE':
      return padded(started_at.getUTCMinutes(), 2)
    case 'SECOND':
      return padded(started_at.getUTCSeconds(), 2)
    case 'MILLISECOND':
      // Four digits, as keys of the Airbyte destination have.
      return padded(started_at.getUTCMilliseconds(), 4)
    case 'EPOCH':
      return String(started_at.getTime())
    case 'UUID':
      return facts.uuid()
    case 'SYNC_ID':
      return sanitizeName(facts.sync_id).replaceAll('/', '_')
  }
}

/** What stands in keys for a stream's name or namespace. */
export const streamText = (
  name: 'NAMESPACE' | 'STREAM_NAME',
  stream: Pick<Stream, 'name' | 'namespace'>,
): string => sanitizeName((name === 'NAMESPACE' ? stream.namespace : stream.name) ?? '')
