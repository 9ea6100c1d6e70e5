import { streamLabel } from '../../core/destination/stream.ts'
import { ExchangeError } from '../../core/errors.ts'
import { nearest } from '../../core/nearest.ts'
import type { AirbyteSource, WriteMode } from '../../core/sync.ts'

/** A stream as a source discovers it (Airbyte protocol v0, AirbyteStream). */
export interface DiscoveredStream {
  readonly name: string
  readonly namespace?: string | null
  readonly json_schema?: Readonly<Record<string, unknown>>
  readonly supported_sync_modes?: readonly string[] | null
  readonly source_defined_cursor?: boolean | null
  readonly default_cursor_field?: readonly string[] | null
  readonly source_defined_primary_key?: readonly (readonly string[])[] | null
}

/**
 * The configured catalog of the streams that are wanted. A stream is read incrementally where the source can
 * tell what is new, and otherwise whole, in place of what was there. Throws `config_invalid` for a stream that
 * the source does not have.
 */
export function catalogOf(
  discovered: readonly DiscoveredStream[],
  wanted: Pick<AirbyteSource, 'streams' | 'modes'> & { readonly mode?: WriteMode },
): { readonly streams: readonly object[] } {
  const named = (name: string) =>
    discovered.filter((stream) => stream.name === name || labelOf(stream) === name)
  for (const name of [
    ...(wanted.streams === 'all' ? [] : wanted.streams),
    ...Object.keys(wanted.modes),
  ]) {
    if (named(name).length > 0) continue
    const meant = nearest(
      name,
      discovered.flatMap((stream) => [labelOf(stream), stream.name]),
    )
    throw new ExchangeError('config_invalid', `The source has no stream ${name}.`, {
      hint:
        meant === undefined
          ? `It has ${discovered.map(labelOf).join(', ') || 'none'}.`
          : `Did you mean ${meant}?`,
    })
  }
  const chosen = wanted.streams === 'all' ? discovered : [...new Set(wanted.streams.flatMap(named))]
  return {
    streams: chosen.map((stream) => {
      const own = wanted.modes[labelOf(stream)] ?? wanted.modes[stream.name]
      return configured(stream, own ?? wanted.mode)
    }),
  }
}

function configured(stream: DiscoveredStream, wanted: WriteMode | undefined): object {
  const { source_defined_primary_key, default_cursor_field } = stream
  const keyed = (source_defined_primary_key?.length ?? 0) > 0
  const can_resume =
    (stream.supported_sync_modes ?? []).includes('incremental') &&
    (stream.source_defined_cursor === true || (default_cursor_field?.length ?? 0) > 0)
  const mode = wanted ?? (can_resume ? (keyed ? 'append_dedup' : 'append') : 'overwrite')
  const incremental = can_resume && mode !== 'overwrite'
  return {
    stream: { ...stream, json_schema: stream.json_schema ?? {} },
    sync_mode: incremental ? 'incremental' : 'full_refresh',
    destination_sync_mode: mode,
    cursor_field: incremental ? (default_cursor_field ?? []) : [],
    primary_key: source_defined_primary_key ?? [],
  }
}

const labelOf = ({ name, namespace }: DiscoveredStream): string =>
  streamLabel({ name, ...(namespace === undefined || namespace === null ? {} : { namespace }) })
