import type { Column } from '../../core/contract/contract.ts'
import { strptimePattern } from '../../core/time-pattern.ts'
import { literal } from '../../duckdb/duckdb.ts'
import type { Check, Times } from './source-value.ts'

/** Dates and times: from text that must be exactly as declared, and from counts since 1970. */

export function dateText(column: Column, text: string, times: Times): Check {
  const iso = (t: string) =>
    `CASE WHEN regexp_full_match(${t}, '[0-9]{4}-[0-9]{2}-[0-9]{2}') THEN TRY_CAST(${t} AS DATE) END`
  return parsed(column, text, times, iso, (t, format) => `try_strptime(${t}, ${format})::DATE`)
}

export function timeText(column: Column, text: string, times: Times): Check {
  const iso = (t: string) =>
    `CASE WHEN regexp_full_match(${t}, '([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?') THEN TRY_CAST(${t} AS TIME) END`
  return parsed(column, text, times, iso, (t, format) => `try_strptime(${t}, ${format})::TIME`)
}

// Hours stop at 23 and seconds at 59: DuckDB reads 24:00:00 as the next day.
const ISO_TIMESTAMP =
  "'[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?( ?(Z|z|[+-][0-9]{2}(:?[0-9]{2})?))?'"
const ZONED = "'.*([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)'"

/** `epochs`: the text may also be a count since 1970, as in CSV. */
export function timestampText(
  column: Column,
  zone: string,
  text: string,
  times: Times,
  epochs: boolean,
): Check {
  const wall = (t: string) => wallClock(t, times.zone ?? zone)
  // With `Z` at its end a text is UTC whatever the zone; that is what most deliveries have.
  const iso = (t: string) =>
    `CASE WHEN regexp_full_match(${t}, ${ISO_TIMESTAMP}) THEN CASE
      WHEN ends_with(${t}, 'Z') THEN TRY_CAST(left(${t}, -1) AS TIMESTAMP)
      WHEN regexp_full_match(substr(${t}, 11), ${ZONED}) THEN timezone('UTC', TRY_CAST(${t} AS TIMESTAMPTZ))
      ELSE ${wall(`TRY_CAST(${t} AS TIMESTAMP)`)} END END`
  const check = parsed(column, text, times, iso, (t, format) =>
    /%z/i.test(format)
      ? `timezone('UTC', try_strptime(${t}, ${format})::TIMESTAMPTZ)`
      : wall(`try_strptime(${t}, ${format})`),
  )
  const unit = times.epoch_unit
  const value = (t: string) =>
    epochs && unit !== undefined
      ? `coalesce(${check.value(t)}, ${epochText(t, unit)})`
      : check.value(t)
  return { ...check, value: (t) => truncated(column, value(t)) }
}

/**
 * A wall-clock time in a zone as UTC. A time that a clock change skips comes back different from
 * the round trip: it does not exist and becomes NULL.
 */
export function wallClock(wall: string, zone: string): string {
  if (/^(utc|etc\/utc|gmt|z)$/i.test(zone)) return wall
  const z = literal(zone)
  return `CASE WHEN timezone(${z}, timezone(${z}, ${wall})) = ${wall} THEN timezone('UTC', timezone(${z}, ${wall})) END`
}

/** What is finer than the contract keeps is cut, never rounded up into the next day. */
export const truncated = (column: Column, timestamp: string): string =>
  column.truncate === undefined ? timestamp : `date_trunc('${column.truncate}', ${timestamp})`

type EpochUnit = NonNullable<Times['epoch_unit']>

export const epochText = (text: string, unit: EpochUnit): string =>
  epochCount(
    `TRY_CAST(CASE WHEN regexp_full_match(${text}, '-?[0-9]+') THEN ${text} END AS BIGINT)`,
    unit,
  )

/** Beyond year 9999 a count is in another unit than declared: refusing beats a date in the far future. */
export function epochCount(count: string, unit: EpochUnit): string {
  const micros = {
    s: `${count} * 1000000`,
    ms: `${count} * 1000`,
    us: count,
    ns: `${count} // 1000`,
  }[unit]
  const limit = {
    s: '253402300800',
    ms: '253402300800000',
    us: '253402300800000000',
    ns: '9223372036854775807',
  }[unit]
  return `CASE WHEN ${count} BETWEEN -${limit} AND ${limit} THEN make_timestamp(${micros}) END`
}

/** A declared format replaces ISO 8601: accepting both would let a wrong one slip through. */
function parsed(
  column: Column,
  text: string,
  times: Times,
  iso: (text: string) => string,
  parse: (text: string, format: string) => string,
): Check {
  const own =
    column.time_format === undefined
      ? []
      : [strptimePattern(column.time_format) ?? column.time_format]
  const formats = [...own, ...times.formats].map(literal)
  const value = (t: string) => {
    const tries = [...(own.length === 0 ? [iso(t)] : []), ...formats.map((f) => parse(t, f))]
    return tries.length === 1 ? `${tries[0]}` : `coalesce(${tries.join(', ')})`
  }
  return { prepared: text, value, rules: (_, v) => [['invalid_format', `${v} IS NULL`]] }
}
