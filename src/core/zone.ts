import { ExchangeError } from './errors.ts'

/** Time zones by `Intl`, which carries the whole IANA history; instants and wall times are in milliseconds. */

export interface WallTime {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
}

const hour_ms = 3_600_000
const day_ms = 24 * hour_ms

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  const ready = formats.get(zone)
  if (ready !== undefined) return ready
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'iso8601',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  formats.set(zone, format)
  return format
}

/** Whether the name is an IANA zone (`Asia/Seoul`, `UTC`) or a fixed offset (`+09:00`). */
export function isZone(zone: string): boolean {
  try {
    formatOf(zone)
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** Throws `zone_invalid` unless `isZone`. */
export function checkZone(zone: string): void {
  if (isZone(zone)) return
  throw new ExchangeError('zone_invalid', `"${zone}" is not a time zone.`)
}

/** Wall time written as if it were UTC; undefined for a date or time of day that no calendar has. */
export function dateOf(wall: WallTime): number | undefined {
  const { year, month, day, hour, minute } = wall
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute)
  const same =
    date.getUTCFullYear() === year &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute
  return same ? date.getTime() : undefined
}

/** What clocks in the zone show, as if it were UTC, minus the instant. */
function offsetAt(instant: number, zone: string): number {
  if (zone === 'UTC') return 0
  const part: Record<string, number> = {}
  for (const { type, value } of formatOf(zone).formatToParts(instant)) part[type] = Number(value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
  const whole_second = Math.floor(instant / 1000) * 1000
  return Date.UTC(year, month - 1, day, hour, minute, second) - whole_second
}

/** What clocks in the zone show at an instant. */
export function wallTimeAt(instant: number, zone: string): WallTime {
  const date = new Date(instant + offsetAt(instant, zone))
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
  }
}

/** A stretch of instants through which the offset stays the same. */
interface Stretch {
  readonly from: number
  readonly to: number
  readonly offset: number
}

/** The stretches around a wall time: wide enough for every offset there is or was. */
function stretchesAround(wall: number, zone: string): Stretch[] {
  if (zone === 'UTC') return [{ from: wall - 3 * day_ms, to: wall + 3 * day_ms, offset: 0 }]
  const stretches: Stretch[] = []
  let from = wall - 2 * day_ms
  let offset = offsetAt(from, zone)
  for (let at = from; at < wall + 2 * day_ms; at += day_ms) {
    const next = offsetAt(at + day_ms, zone)
    if (next === offset) continue
    const change = changeBetween(at, at + day_ms, zone)
    stretches.push({ from, to: change, offset })
    from = change
    offset = next
  }
  stretches.push({ from, to: wall + 2 * day_ms, offset })
  return stretches
}

/** The instant, to the second, at which the offset becomes another one. */
function changeBetween(from: number, to: number, zone: string): number {
  const before = offsetAt(from, zone)
  let low = from
  let high = to
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2000) * 1000
    if (offsetAt(middle, zone) === before) low = middle
    else high = middle
  }
  return high
}

/**
 * The first and the last instant (exclusive) at which clocks show a time in the half-open span of
 * wall times; undefined if they skip all of it.
 */
export function instantsOf(
  wall: { readonly from: number; readonly to: number },
  zone: string,
): { readonly start: number; readonly end: number } | undefined {
  if (zone === 'UTC') return { start: wall.from, end: wall.to }
  let start = Number.POSITIVE_INFINITY
  let end = Number.NEGATIVE_INFINITY
  // A long span is looked at around both its ends only: what clocks do inside it moves neither.
  for (const stretch of stretchesAround(wall.from, zone)) {
    const first = Math.max(stretch.from, wall.from - stretch.offset)
    if (first < Math.min(stretch.to, wall.to - stretch.offset)) start = Math.min(start, first)
  }
  for (const stretch of stretchesAround(wall.to, zone)) {
    const last = Math.min(stretch.to, wall.to - stretch.offset)
    if (last > Math.max(stretch.from, wall.from - stretch.offset)) end = Math.max(end, last)
  }
  return start < end ? { start, end } : undefined
}

/** The first instant at which clocks show the wall time, or a later one where they skip it. */
export function firstInstant(wall: number, zone: string): number {
  const span = instantsOf({ from: wall, to: wall + 2 * day_ms }, zone)
  if (span === undefined) throw new Error(`no instants after ${wall} in ${zone}`)
  return span.start
}
