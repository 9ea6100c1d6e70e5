import { ExchangeError } from '../errors.ts'
import { parseDatePattern } from './date-pattern.ts'
import type { Destination } from './destination.ts'
import { readPlaceholder } from './file-name.ts'
import { EVENT_LETTERS } from './partition-value.ts'
import { cleanLiteral } from './sanitize.ts'

/** What the path takes from each record. */
export type PartitionBy =
  /** `${field:country}`: the text of a field at the root of the record. */
  | { readonly kind: 'field'; readonly field: string }
  /**
   * `{event:yyyy-MM-dd}`: a time in UTC, by a pattern of y, M, d, H, m; of the field at the root of the
   * record, or of the record's time of extraction where there is none.
   */
  | { readonly kind: 'event'; readonly field?: string; readonly pattern: string }

/** Variables of the path. All but the first two and `UUID` are of the start of the sync. */
export const PATH_VARIABLES = [
  'NAMESPACE',
  'STREAM_NAME',
  'YEAR',
  'MONTH',
  'DAY',
  'HOUR',
  'MINUTE',
  'SECOND',
  'MILLISECOND',
  'EPOCH',
  'UUID',
  'SYNC_ID',
] as const
export type PathVariable = (typeof PATH_VARIABLES)[number]

export type PathPart =
  | { readonly kind: 'literal'; readonly text: string }
  /** The `/` between a bucket path and an empty path format. */
  | { readonly kind: 'joint' }
  | { readonly kind: 'variable'; readonly name: PathVariable }
  /** `${BIRD_DOG}`, which nobody knows: written as its name, for `$`, `{` and `}` are no good in keys. */
  | { readonly kind: 'unknown'; readonly name: string }
  /** A value of each record, by its place in `partition_by`. */
  | { readonly kind: 'partition'; readonly index: number }
  /** Time of the upload by a pattern. */
  | { readonly kind: 'date'; readonly pattern: string }
  | { readonly kind: 'timestamp'; readonly unit: 'millis' | 'micros' }
  | { readonly kind: 'part_number' }
  | { readonly kind: 'extension' }

/** Bucket path, path format and file name pattern, taken apart. */
export interface DestinationPath {
  readonly parts: readonly PathPart[]
  /** What it takes from each record, each thing once, in the order in which they first stand there. */
  readonly partition_by: readonly PartitionBy[]
}

/** `${NAME}`; then `${field:…}`, `{event:…}`, with and without `$`; then what only file names know. */
const token =
  /\$\{(?<variable>[^{}:]+)\}|\$?\{(?<taken>field|event):(?<from>[^{}]+)\}|\{(?<placeholder>[^{}]+)\}/g

/**
 * Reads what decides an object's key. Variables work in the bucket path as well, and in the file name.
 * `{…}` placeholders work in the file name; elsewhere, and where they are unknown, they stay as they
 * are. No separator is put between path and file name. Throws `config_invalid` for a date pattern
 * that is none and a file name that names a folder.
 */
export function parseDestinationPath(
  destination: Pick<
    Destination,
    'bucket_path' | 'path_format' | 'file_name_pattern' | 'event_time_field'
  >,
): DestinationPath {
  const parts: PathPart[] = []
  const partition_by: PartitionBy[] = []

  const partition = (by: PartitionBy): PathPart => {
    const same = partition_by.findIndex((each) => JSON.stringify(each) === JSON.stringify(by))
    return { kind: 'partition', index: same === -1 ? partition_by.push(by) - 1 : same }
  }
  const partOf = (match: RegExpExecArray, in_file: boolean): PathPart | undefined => {
    const { variable, taken, from = '', placeholder = '' } = match.groups ?? {}
    if (variable !== undefined) return variablePart(variable)
    if (taken === 'field') return partition({ kind: 'field', field: from })
    if (taken === 'event') return partition(eventOf(from, destination.event_time_field))
    return in_file ? readPlaceholder(placeholder) : undefined
  }
  const read = (text: string, in_file: boolean): void => {
    let at = 0
    const addLiteral = (end: number): void => {
      const literal = text.slice(at, end)
      // As the Airbyte destination does.
      const spaced = in_file ? literal.replace(/\s/g, '_') : literal
      if (spaced !== '') parts.push({ kind: 'literal', text: cleanLiteral(spaced) })
    }
    for (const match of text.matchAll(token)) {
      const part = partOf(match, in_file)
      if (part === undefined) continue
      addLiteral(match.index)
      parts.push(part)
      at = match.index + match[0].length
    }
    addLiteral(text.length)
  }

  const { bucket_path, path_format } = destination
  read(bucket_path.replace(/\/+$/, ''), false)
  if (path_format !== '') read(`/${path_format}`, false)
  else if (parts.length > 0) parts.push({ kind: 'joint' })
  const file = destination.file_name_pattern.trim()
  if (file === '' || file.endsWith('/')) {
    throw new ExchangeError('config_invalid', `The file name pattern "${file}" gives no file name.`)
  }
  read(file, true)
  return { parts, partition_by }
}

function variablePart(name: string): PathPart {
  const known = PATH_VARIABLES.find((each) => each === name)
  return known === undefined
    ? { kind: 'unknown', name: cleanLiteral(name) }
    : { kind: 'variable', name: known }
}

function eventOf(pattern: string, field: string | undefined): PartitionBy {
  const fields = parseDatePattern(pattern, EVENT_LETTERS).filter((each) => typeof each !== 'string')
  if (fields.length === 0) {
    throw new ExchangeError('config_invalid', `{event:${pattern}} has no part of a time.`)
  }
  return { kind: 'event', ...(field === undefined ? {} : { field }), pattern }
}
