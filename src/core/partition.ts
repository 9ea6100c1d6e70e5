import type { Grain } from './contract/contract.ts'
import { ExchangeError } from './errors.ts'
import { checkZone, dateOf, firstInstant, instantsOf, type WallTime, wallTimeAt } from './zone.ts'

/**
 * A partition is named by its start in the feed's zone: `2023-01-01`, `2015-10-17T09`,
 * `2015-10-17T09:15`, `2015-10`, `2015`. Names sort as the times do, and the name of the day is
 * how the names of its hours begin.
 *
 * Where clocks are set back, one name covers both passes: `start` is the first instant that
 * bears the name and `end` the one after the last, so an hour can be 2 hours long and the quarters
 * of that hour overlap. Where clocks are set forward, the hour in between has no instant and no
 * partition. A day that begins with such a gap starts at its first instant.
 */
export interface Partition {
  readonly name: string
  readonly grain: Grain
  /** Instants, half open. With a daylight saving change a day has 23 or 25 hours. */
  readonly start: Date
  readonly end: Date
}

export interface PartitionParts {
  readonly year: number
  /** 1 to 12. */
  readonly month?: number
  readonly day?: number
  /** 0 to 23. */
  readonly hour?: number
  /** 0, 15, 30 or 45. */
  readonly minute?: number
}

/** From long to short. */
export const GRAINS: readonly Grain[] = ['year', 'month', 'day', 'hour', '15 minutes']

/** How many characters a partition's name has; names of shorter grains begin with those of longer ones. */
export const NAME_LENGTH: Readonly<Record<Grain, number>> = {
  year: 4,
  month: 7,
  day: 10,
  hour: 13,
  '15 minutes': 16,
}

const name_pattern = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2})(?::(\d{2}))?)?)?)?$/

const pad = (value: number, width = 2): string => String(value).padStart(width, '0')

function nameOf(wall: WallTime, grain: Grain): string {
  const { year, month, day, hour, minute } = wall
  const quarter = minute - (minute % 15)
  const full = `${pad(year, 4)}-${pad(month)}-${pad(day)}T${pad(hour)}:${pad(quarter)}`
  return full.slice(0, NAME_LENGTH[grain])
}

function grainOf(parts: PartitionParts): Grain {
  if (parts.minute !== undefined) return '15 minutes'
  if (parts.hour !== undefined) return 'hour'
  if (parts.day !== undefined) return 'day'
  return parts.month === undefined ? 'year' : 'month'
}

function partsOf(name: string): PartitionParts | undefined {
  const match = name_pattern.exec(name)
  if (match === null) return undefined
  const [, year, month, day, hour, minute] = match
  return {
    year: Number(year),
    ...(month === undefined ? {} : { month: Number(month) }),
    ...(day === undefined ? {} : { day: Number(day) }),
    ...(hour === undefined ? {} : { hour: Number(hour) }),
    ...(minute === undefined ? {} : { minute: Number(minute) }),
  }
}

// Zone arithmetic costs microseconds per name and a bucket holds thousands of keys per partition.
const known = new Map<string, Partition | null>()
const known_limit = 50_000

/**
 * The partition of a date in a zone. Undefined where there is none: a month 13, a 30 February, an
 * hour 24, a minute that is no quarter, an hour that clocks skip, a year before 1000.
 */
export function partitionFromParts(parts: PartitionParts, zone = 'UTC'): Partition | undefined {
  const { year, month = 1, day = 1, hour = 0, minute = 0 } = parts
  const grain = grainOf(parts)
  const id = `${zone} ${grain} ${year} ${month} ${day} ${hour} ${minute}`
  const before = known.get(id)
  if (before !== undefined) return before ?? undefined
  const found = makePartition({ year, month, day, hour, minute }, grain, zone)
  if (known.size >= known_limit) known.clear()
  known.set(id, found ?? null)
  return found
}

function makePartition(wall: WallTime, grain: Grain, zone: string): Partition | undefined {
  if (wall.year < 1000 || wall.year > 9999 || wall.minute % 15 !== 0) return undefined
  const from = dateOf(wall)
  if (from === undefined) return undefined
  const span = instantsOf({ from, to: stepDate(from, grain, 1) }, zone)
  if (span === undefined) return undefined
  return { name: nameOf(wall, grain), grain, start: new Date(span.start), end: new Date(span.end) }
}

/** Moves a wall time, written as if it were UTC, to the start of another partition. */
function stepDate(from: number, grain: Grain, count: number): number {
  const date = new Date(from)
  if (grain === 'year') return date.setUTCFullYear(date.getUTCFullYear() + count)
  if (grain === 'month') return date.setUTCMonth(date.getUTCMonth() + count)
  const length = grain === 'day' ? 86_400_000 : grain === 'hour' ? 3_600_000 : 900_000
  return from + count * length
}

/**
 * The partition a name stands for. Throws `partition_invalid` for a name that is none, for a time
 * that does not exist in the zone and, if `grain` is given, for a name of another length.
 */
export function parsePartition(name: string, zone = 'UTC', grain?: Grain): Partition {
  checkZone(zone)
  const parts = partsOf(name)
  const partition = parts === undefined ? undefined : partitionFromParts(parts, zone)
  if (partition === undefined) {
    const why = parts === undefined ? 'is not the name of a partition' : `does not exist in ${zone}`
    throw new ExchangeError('partition_invalid', `"${name}" ${why}.`)
  }
  if (grain !== undefined && partition.grain !== grain) {
    throw new ExchangeError(
      'partition_invalid',
      `"${name}" names one ${partition.grain}, but a partition is one of ${grain}.`,
    )
  }
  return partition
}

/** The partition an instant lies in. */
export function partitionAt(instant: Date, grain: Grain, zone = 'UTC'): Partition {
  checkZone(zone)
  const name = nameOf(wallTimeAt(instant.getTime(), zone), grain)
  return parsePartition(name, zone, grain)
}

function neighbour(partition: Partition, count: 1 | -1, zone: string): Partition {
  const parts = partsOf(partition.name)
  if (parts === undefined) throw new Error(`not a partition's name: ${partition.name}`)
  const { year, month = 1, day = 1, hour = 0, minute = 0 } = parts
  let wall = dateOf({ year, month, day, hour, minute })
  if (wall === undefined) throw new Error(`no such date: ${partition.name}`)
  // By wall time, since the quarters of a repeated hour overlap; skips what clocks skip, which is never more than a day.
  for (let step = 0; step < 200; step++) {
    wall = stepDate(wall, partition.grain, count)
    const name = nameOf(wallTimeAt(wall, 'UTC'), partition.grain)
    const found = partitionFromParts(partsOf(name) ?? { year: 0 }, zone)
    if (found !== undefined) return found
  }
  throw new Error(`no partition beside ${partition.name} in ${zone}`)
}

export function nextPartition(partition: Partition, zone = 'UTC'): Partition {
  return neighbour(partition, 1, zone)
}

export function previousPartition(partition: Partition, zone = 'UTC'): Partition {
  return neighbour(partition, -1, zone)
}

/** Every partition from `first` to `last`, both included; nothing if `last` is before `first`. */
export function* partitionsBetween(
  first: Partition,
  last: Partition,
  zone = 'UTC',
): Generator<Partition> {
  let partition = first
  while (partition.name <= last.name) {
    yield partition
    partition = nextPartition(partition, zone)
  }
}

/**
 * Whether a partition's name lies between two names, both included. The bounds may be of a longer
 * grain: `2023-01` to `2023-02` takes in every hour of both months.
 */
export function inRange(
  name: string,
  range: { readonly from?: string | undefined; readonly to?: string | undefined },
): boolean {
  if (range.from !== undefined && name < range.from) return false
  return range.to === undefined || name <= range.to || name.startsWith(range.to)
}

/** The instant at which a wall time first comes in a zone; the end of the gap where clocks skip it. */
export function instantAt(wall: WallTime, zone: string): Date {
  const date = dateOf(wall)
  if (date === undefined) throw new Error(`no such date: ${JSON.stringify(wall)}`)
  return new Date(firstInstant(date, zone))
}
