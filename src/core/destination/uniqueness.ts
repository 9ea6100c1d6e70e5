import { ExchangeError } from '../errors.ts'
import { parseDatePattern, tellsMilliseconds } from './date-pattern.ts'
import { streamMatcher } from './key-matcher.ts'
import { objectKey } from './object-key.ts'
import { type DestinationPath, parseDestinationPath } from './path-format.ts'
import type { Stream } from './stream.ts'

export type Uniqueness = { readonly ok: true } | { readonly ok: false; readonly reason: string }

/**
 * Whether the path can give every object a name of its own: every part of a stream in a sync, of every
 * stream, in every sync. It can if the key holds one of
 * - `{part_number}`, which counts on from the greatest number found in the bucket among keys that are
 *   otherwise the same (`KeyMatch.group`), whatever stream or sync they are of;
 * - `{timestamp}`, `{timestamp:micros}` or a `{date:…}` down to milliseconds: times of upload;
 * - `${UUID}`, another one for each object.
 *
 * Numbers and times come into question again where a name turns out to be taken, so nothing is ever
 * overwritten. `${EPOCH}`, `${MILLISECOND}` and `{sync_id}` do not suffice, as all parts of a sync share
 * them; record fields and event times do not, as one partition may take several parts. Neither the
 * stream's name nor its namespace is needed: `confusedStreams` says which streams could then be taken
 * for each other.
 */
export function uniqueness(path: DestinationPath): Uniqueness {
  const ok = path.parts.some(
    (part) =>
      part.kind === 'part_number' ||
      part.kind === 'timestamp' ||
      (part.kind === 'variable' && part.name === 'UUID') ||
      (part.kind === 'date' && tellsMilliseconds(parseDatePattern(part.pattern))),
  )
  if (ok) return { ok }
  const reason =
    'The path format and the file name pattern give all parts of a stream in a sync the same name.'
  return { ok, reason }
}

/** The path of a destination. Throws `config_invalid`, and `path_not_unique` unless `uniqueness`. */
export function checkedPath(
  destination: Parameters<typeof parseDestinationPath>[0],
): DestinationPath {
  const path = parseDestinationPath(destination)
  const unique = uniqueness(path)
  if (unique.ok) return path
  const { path_format, file_name_pattern } = destination
  throw new ExchangeError('path_not_unique', unique.reason, {
    details: { path_format, file_name_pattern },
  })
}

/**
 * Pairs of streams of which the first's keys are, or could be taken for, the second's: they share a
 * directory and nothing in the names tells them apart. Such streams can be appended to; what an
 * overwrite may delete cannot be told from keys.
 */
export function confusedStreams<S extends Pick<Stream, 'name' | 'namespace'>>(
  path: DestinationPath,
  streams: readonly S[],
): readonly (readonly [S, S])[] {
  const matchers = streams.map((stream) => ({ stream, matcher: streamMatcher(path, stream) }))
  return streams.flatMap((stream) => {
    const key = sampleKey(path, stream)
    return matchers
      .filter(({ stream: other, matcher }) => other !== stream && key.startsWith(matcher.prefix))
      .filter(({ matcher }) => matcher.match(key) !== undefined)
      .map(({ stream: other }) => [stream, other] as const)
  })
}

const sampleKey = (path: DestinationPath, stream: Pick<Stream, 'name' | 'namespace'>): string =>
  objectKey(path, {
    stream,
    started_at: new Date(1_700_000_000_000),
    uploaded_at_micros: 1_700_000_000_000_000n,
    sync_id: '1',
    part_number: 0,
    uuid: () => '00000000-0000-4000-8000-000000000000',
    extension: '.csv',
    partition: path.partition_by.map(() => '__HIVE_DEFAULT_PARTITION__'),
  })
