/** Lines of the Airbyte protocol, and the catalog they belong to. */

export interface StreamName {
  readonly name: string
  readonly namespace?: string
}

export interface ConfiguredStream extends StreamName {
  readonly json_schema?: object
  readonly mode?: 'append' | 'overwrite' | 'append_dedup'
  readonly generation_id?: number
  readonly minimum_generation_id?: number
}

/** A catalog of streams whose key is `id` and whose cursor is `at`. */
export const catalogOf = (streams: readonly ConfiguredStream[]): object => ({
  streams: streams.map(({ name, namespace, json_schema, mode = 'append', ...generations }) => ({
    stream: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      json_schema: json_schema ?? {
        type: 'object',
        properties: { id: { type: 'integer' }, at: { type: 'integer' }, v: { type: 'string' } },
      },
      supported_sync_modes: ['full_refresh', 'incremental'],
    },
    sync_mode: mode === 'overwrite' ? 'full_refresh' : 'incremental',
    destination_sync_mode: mode,
    ...(mode === 'append_dedup' ? { primary_key: [['id']], cursor_field: ['at'] } : {}),
    ...generations,
  })),
})

const EMITTED_AT = 1_700_000_000_000

export const recordLine = ({ name, namespace }: StreamName, data: object): string =>
  JSON.stringify({
    type: 'RECORD',
    record: {
      stream: name,
      ...(namespace === undefined ? {} : { namespace }),
      data,
      emitted_at: EMITTED_AT,
    },
  })

const descriptor = ({ name, namespace }: StreamName) => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
})

/** Written with spaces and digits that a parser would change: it has to come back as it is. */
export const stateLine = (stream: StreamName, at: number, records: number): string =>
  `{"type":"STATE", "state":{"type":"STREAM","stream":{"stream_descriptor":${JSON.stringify(descriptor(stream))},"stream_state":{"at":${at}, "exact":1.0000000000000000001}},"sourceStats":{"recordCount":${records}.0}}}`

export const globalStateLine = (at: number, streams: readonly StreamName[]): string =>
  JSON.stringify({
    type: 'STATE',
    state: {
      type: 'GLOBAL',
      global: {
        shared_state: { at },
        stream_states: streams.map((each) => ({
          stream_descriptor: descriptor(each),
          stream_state: {},
        })),
      },
      sourceStats: { recordCount: 1 },
    },
  })

export const statusLine = (
  stream: StreamName,
  status: 'STARTED' | 'RUNNING' | 'COMPLETE' | 'INCOMPLETE',
): string =>
  JSON.stringify({
    type: 'TRACE',
    trace: {
      type: 'STREAM_STATUS',
      emitted_at: 1.5,
      stream_status: { stream_descriptor: descriptor(stream), status },
    },
  })

/** What a state of `stateLine` says. */
export const stateAt = (line: string): number =>
  (JSON.parse(line) as { state: { stream: { stream_state: { at: number } } } }).state.stream
    .stream_state.at

export const stateName = (line: string): StreamName =>
  (JSON.parse(line) as { state: { stream: { stream_descriptor: StreamName } } }).state.stream
    .stream_descriptor
