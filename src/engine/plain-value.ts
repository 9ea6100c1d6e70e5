import {
  DuckDBArrayValue,
  DuckDBBitValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBIntervalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBUUIDValue,
  type DuckDBValue,
} from '@duckdb/node-api'

/**
 * A query's value as JSON can hold it without losing a digit: integers beyond 2^53 and decimals as
 * strings, times as ISO 8601 in UTC, bytes in base64, maps as objects.
 */
export function plainValue(value: DuckDBValue): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'bigint')
    return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
  if (value instanceof DuckDBDecimalValue) return value.toString()
  if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue)
    return isoTime(value.micros)
  if (value instanceof DuckDBTimestampSecondsValue) return isoTime(value.seconds * 1_000_000n)
  if (value instanceof DuckDBTimestampMillisecondsValue) return isoTime(value.millis * 1000n)
  if (value instanceof DuckDBTimestampNanosecondsValue) return isoTime(value.nanos / 1000n)
  if (
    value instanceof DuckDBDateValue ||
    value instanceof DuckDBUUIDValue ||
    value instanceof DuckDBIntervalValue ||
    value instanceof DuckDBBitValue
  )
    return value.toString()
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('base64')
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue)
    return value.items.map(plainValue)
  if (value instanceof DuckDBStructValue)
    return Object.fromEntries(
      Object.entries(value.entries).map(([name, item]) => [name, plainValue(item)]),
    )
  if (value instanceof DuckDBMapValue)
    return Object.fromEntries(
      value.entries.map(({ key, value: item }) => [String(plainValue(key)), plainValue(item)]),
    )
  return String(value)
}

/** Microseconds since 1970 as `2023-01-01T00:01:02.333Z`, with six digits only where they say something. */
function isoTime(micros: bigint): string {
  const within = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = (micros - within) / 1_000_000n
  const date = new Date(Number(seconds) * 1000)
  if (Number.isNaN(date.getTime())) return `${micros}us`
  const text = date.toISOString().slice(0, -5)
  const digits = within.toString().padStart(6, '0')
  return `${text}.${digits.endsWith('000') ? digits.slice(0, 3) : digits}Z`
}
