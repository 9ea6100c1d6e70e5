import { z } from 'zod'
import { ExchangeError } from '../errors.ts'
import { checked } from './checked.ts'
import { type Stream, streamLabel } from './stream.ts'

/** The configured catalog of a sync (Airbyte protocol v0, ConfiguredAirbyteCatalog). */

const FieldPath = z.array(z.string()).min(1, 'names no field')
const count = z.int().min(0).nullish()

// Serializers write null for what is absent; fields nobody asks for are let pass.
const ConfiguredStream = z.object({
  stream: z.object({
    name: z.string().min(1, 'is empty'),
    namespace: z.string().nullish(),
    json_schema: z.record(z.string(), z.unknown()),
    default_cursor_field: z.array(z.string()).nullish(),
    source_defined_primary_key: z.array(FieldPath).nullish(),
  }),
  sync_mode: z.string().nullish(),
  cursor_field: z.array(z.string()).nullish(),
  destination_sync_mode: z.enum(['append', 'overwrite', 'append_dedup'], {
    error: 'wanted: append, overwrite or append_dedup',
  }),
  primary_key: z.array(FieldPath).nullish(),
  generation_id: count,
  minimum_generation_id: count,
  sync_id: count,
})
const ConfiguredCatalog = z.object({ streams: z.array(ConfiguredStream) })

/**
 * The streams of a sync, and its number where the platform gives one. Throws `catalog_invalid`: no
 * streams, one of them twice, a sync mode that destinations of objects do not have, rows to be merged
 * without a key, generations that contradict each other.
 */
export function readCatalog(value: unknown): {
  readonly streams: readonly Stream[]
  readonly sync_id?: number
} {
  const catalog = checked(ConfiguredCatalog, value, 'catalog_invalid')
  if (catalog.streams.length === 0) throw invalid('The catalog has no streams.')
  const streams = catalog.streams.map(readStream)
  refuseRepeated(streams)
  const sync_id = catalog.streams.find((each) => typeof each.sync_id === 'number')?.sync_id
  return { streams, ...(typeof sync_id === 'number' ? { sync_id } : {}) }
}

function readStream(configured: z.output<typeof ConfiguredStream>): Stream {
  const { stream, destination_sync_mode, generation_id, minimum_generation_id } = configured
  // What the source says of its records holds where the user chose nothing.
  const primary_key = firstFilled(configured.primary_key, stream.source_defined_primary_key)
  const cursor_field = firstFilled(
    configured.cursor_field,
    configured.sync_mode === 'incremental' ? stream.default_cursor_field : undefined,
  )
  const read: Stream = {
    name: stream.name,
    ...(typeof stream.namespace === 'string' ? { namespace: stream.namespace } : {}),
    json_schema: stream.json_schema,
    write_mode: destination_sync_mode,
    cursor_field,
    primary_key,
    ...(typeof generation_id === 'number' ? { generation_id } : {}),
    ...(typeof minimum_generation_id === 'number' ? { minimum_generation_id } : {}),
  }
  const label = streamLabel(read)
  if (destination_sync_mode === 'append_dedup' && primary_key.length === 0) {
    throw invalid(`Stream ${label} is to be de-duplicated but has no primary key.`)
  }
  const least = minimum_generation_id ?? 0
  if (least > (generation_id ?? 0)) {
    throw invalid(
      `Stream ${label} is of generation ${generation_id ?? 'none'}, below its minimum_generation_id ${least}.`,
    )
  }
  return read
}

const firstFilled = <Value>(
  ...lists: readonly (readonly Value[] | null | undefined)[]
): readonly Value[] => lists.find((list) => list?.length) ?? []

function refuseRepeated(streams: readonly Stream[]): void {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const stream of streams) {
    const id = JSON.stringify([stream.namespace ?? null, stream.name])
    if (seen.has(id)) repeated.add(streamLabel(stream))
    seen.add(id)
  }
  if (repeated.size > 0) {
    throw invalid(`Some streams appeared multiple times: ${[...repeated].join(', ')}`)
  }
}

const invalid = (message: string): ExchangeError => new ExchangeError('catalog_invalid', message)
