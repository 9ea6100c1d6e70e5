/** How numbers, sizes, spans and times are written for people, and values for programs. */

const grouped = new Intl.NumberFormat('en-US')

/** `3,000,000`. */
export const formatCount = (count: number | bigint): string => grouped.format(count)

/** `1 row`, `3,000,000 rows`. */
export const formatPlural = (count: number, noun: string): string =>
  `${formatCount(count)} ${count === 1 ? noun : `${noun}s`}`

/** Bytes in decimal units with three digits at most: `999 B`, `1.2 MB`, `236 MB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let value = bytes
  let unit = 0
  // Compared after rounding, so that 999,950 bytes are 1.0 MB and not 1000 kB.
  while (unit < units.length - 1 && Math.round(value) >= 1000) {
    value /= 1000
    unit += 1
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0
  return `${value.toFixed(digits)} ${units[unit]}`
}

/** A span in seconds: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`, `3 d 04 h`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  const two = (value: number) => String(value).padStart(2, '0')
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`
  const hours = Math.round(seconds / 3600)
  return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`
}

/** A share of a whole as a percentage: `0.3 %`, `12 %`; what is not quite nothing or all never reads as it. */
export function formatPercent(part: number, of: number): string {
  if (of === 0) return '0 %'
  const percent = (part / of) * 100
  if (percent > 0 && percent < 0.1) return '<0.1 %'
  if (percent < 100 && percent > 99.9) return '>99.9 %'
  const whole_number = percent % 1 === 0 || (percent >= 10 && percent < 99.5)
  return `${whole_number ? Math.round(percent) : percent.toFixed(1)} %`
}

/** An instant to the minute in UTC: `2023-01-02 03:04Z`. */
export const formatMinute = (time: Date): string =>
  `${time.toISOString().slice(0, 16).replace('T', ' ')}Z`

/**
 * A value as JSON holds it without loss: integers beyond 2^53 as strings, instants as ISO 8601 UTC,
 * maps as objects, bytes as hexadecimal text.
 */
export function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const fits =
      value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER)
    return fits ? Number(value) : value.toString()
  }
  // JSON has no words for these; a number that is none is told apart from one that is missing.
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (value === null || typeof value !== 'object') return value
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, inner]) => [String(key), jsonValue(inner)]))
  }
  if (Array.isArray(value)) return value.map(jsonValue)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, jsonValue(inner)]))
}

/** A value as text in a table cell or CSV field; null and undefined are ''. */
export function textValue(value: unknown): string {
  const plain = jsonValue(value)
  if (plain === null || plain === undefined) return ''
  return typeof plain === 'object' ? JSON.stringify(plain) : String(plain)
}
