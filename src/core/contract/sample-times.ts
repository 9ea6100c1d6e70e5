import type { Partition } from '../partition.ts'
import { timePattern } from '../time-pattern.ts'
import { wallTimeAt } from '../zone.ts'
import type { Column } from './contract.ts'
import type { Random } from './sample-random.ts'

const day_ms = 86_400_000
const two = (value: number): string => String(value).padStart(2, '0')

/** Instants (or days, or milliseconds of a day) a column may have: from, inclusive, to, exclusive. */
interface Span {
  readonly from: number
  readonly to: number
}

/**
 * A date, time or timestamp within the partition and the column's limits; undefined if there is none.
 * The `index`-th of `rows` different ones where they must differ, else any.
 */
export function timeSample(
  column: Column,
  partition: Partition,
  random: Random,
  index?: { readonly row: number; readonly rows: number },
): string | undefined {
  const { type } = column
  if (type.kind !== 'date' && type.kind !== 'time' && type.kind !== 'timestamp') return undefined
  const step =
    type.kind === 'date' ? day_ms : type.kind === 'time' || column.truncate === 'seconds' ? 1000 : 1
  const span = spanOf(column, partition, step)
  const count = Math.floor((span.to - span.from - 1) / step) + 1
  if (count < 1) return undefined
  let k = random.below(count)
  if (index) {
    if (index.rows > count) return undefined
    k = Math.floor((index.row * count) / index.rows)
  }
  return written(column, span.from + k * step)
}

function spanOf(column: Column, partition: Partition, step: number): Span {
  const { type } = column
  let from: number
  let to: number
  if (type.kind === 'time') [from, to] = [0, day_ms]
  else if (type.kind === 'date') {
    // The partition's own name, not its instants: days are those of the feed's zone.
    from = Date.parse(`${`${partition.name}-01-01`.slice(0, 10)}T00:00:00Z`)
    to = from + (partition.grain === 'year' ? 365 : partition.grain === 'month' ? 28 : 1) * day_ms
  } else [from, to] = [partition.start.getTime(), partition.end.getTime()]
  const at = (text: string) => instantOf(text, column)
  if (column.minimum !== undefined) from = Math.max(from, at(column.minimum))
  if (column.exclusive_minimum !== undefined)
    from = Math.max(from, at(column.exclusive_minimum) + step)
  if (column.maximum !== undefined) to = Math.min(to, at(column.maximum) + 1)
  if (column.exclusive_maximum !== undefined) to = Math.min(to, at(column.exclusive_maximum))
  return { from: Math.ceil(from / step) * step, to }
}

/** A limit of the contract as a number; texts without a zone are in the column's. */
function instantOf(text: string, { type }: Column): number {
  if (type.kind === 'time') return Date.parse(`1970-01-01T${text.replace(/(Z|[+-]\d\d.*)$/, '')}Z`)
  const day_only = text.length === 10
  if (day_only && type.kind === 'date') return Date.parse(`${text}T00:00:00Z`)
  const iso = day_only ? `${text}T00:00:00` : text.replace(' ', 'T')
  if (/(Z|[+-]\d\d:?\d\d)$/.test(iso)) return Date.parse(iso)
  const wall = Date.parse(`${iso}Z`)
  if (type.kind !== 'timestamp') return wall
  // The zone's offset, looked up where the wall time would be if it were UTC, and again from there.
  const once = wall - offsetOf(wall, type.zone)
  return wall - offsetOf(once, type.zone)
}

function offsetOf(instant: number, zone: string): number {
  const wall = wallTimeAt(instant, zone)
  const minute = Math.floor(instant / 60_000) * 60_000
  return Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute) - minute
}

/** ISO 8601, timestamps in UTC, or as the column's `time_format` wants it. */
function written(column: Column, value: number): string {
  const { type, time_format } = column
  const zone = type.kind === 'timestamp' ? type.zone : 'UTC'
  const iso = new Date(value).toISOString()
  const pieces = time_format === undefined ? undefined : timePattern(time_format)
  if (pieces === undefined || typeof pieces === 'string') {
    return type.kind === 'date' ? iso.slice(0, 10) : type.kind === 'time' ? iso.slice(11, 19) : iso
  }
  const offset = offsetOf(value, zone)
  const local = new Date(value + offset)
  const minutes = Math.abs(offset) / 60_000
  const fields = {
    year: String(local.getUTCFullYear()).padStart(4, '0'),
    month: two(local.getUTCMonth() + 1),
    day: two(local.getUTCDate()),
    hour: two(local.getUTCHours()),
    minute: two(local.getUTCMinutes()),
    second: two(local.getUTCSeconds()),
    millisecond: String(local.getUTCMilliseconds()).padStart(3, '0'),
    microsecond: String(local.getUTCMilliseconds() * 1000).padStart(6, '0'),
    zone: `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`,
  }
  return pieces.map((piece) => ('text' in piece ? piece.text : fields[piece.field])).join('')
}
