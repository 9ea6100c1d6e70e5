/** Messages a destination writes (Airbyte protocol v0, `airbyte_protocol.yaml`). */

export type LogLevel = 'FATAL' | 'ERROR' | 'WARN' | 'INFO' | 'DEBUG' | 'TRACE'
export type FailureType = 'system_error' | 'config_error' | 'transient_error'

/** Where messages go: one JSON document a line. */
export type Write = (line: string) => Promise<void>

export const logMessage = (level: LogLevel, message: string): string =>
  JSON.stringify({ type: 'LOG', log: { level, message } })

export const specMessage = (spec: object): string => JSON.stringify({ type: 'SPEC', spec })

export const statusMessage = (status: 'SUCCEEDED' | 'FAILED', message?: string): string =>
  JSON.stringify({
    type: 'CONNECTION_STATUS',
    connectionStatus: { status, ...(message === undefined ? {} : { message }) },
  })

export const traceError = (error: {
  readonly message: string
  readonly internal_message: string
  readonly stack_trace?: string
  readonly failure_type: FailureType
  /** Milliseconds since the epoch. */
  readonly emitted_at: number
}): string => {
  const { emitted_at, ...rest } = error
  return JSON.stringify({ type: 'TRACE', trace: { type: 'ERROR', emitted_at, error: rest } })
}

/**
 * A state as it came, with how many records of it arrived: `raw` is put back character for character, as a
 * source's state may hold numbers that a parser would change. Counts are written with a decimal point, which
 * the protocol's doubles have. A message that ends in anything but the state goes back without counts.
 */
export function stateMessage(raw: string, records: number | undefined): string {
  const message = JSON.parse(raw) as { readonly state?: Record<string, unknown> }
  const ends_in_state = Object.keys(message).at(-1) === 'state' && message.state !== undefined
  const has_counts = message.state !== undefined && 'destinationStats' in message.state
  const end = /\}\s*\}\s*$/.exec(raw)
  if (records === undefined || !ends_in_state || has_counts || end === null) return raw
  return `${raw.slice(0, end.index)},"destinationStats":{"recordCount":${records}.0}${raw.slice(end.index)}`
}
