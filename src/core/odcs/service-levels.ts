import type { Deadline, Grain, ServiceLevels } from '../contract/contract.ts'
import { isZone } from '../zone.ts'
import type { Findings } from './findings.ts'
import type { ServiceLevel } from './schema.ts'
import type { Path } from './source.ts'

const units: readonly [RegExp, Unit][] = [
  [/^(s|sec|second|seconds)$/i, 'second'],
  // Capital M is a month in ISO 8601's dates; the standard writes `m` for nothing else than minutes.
  [/^(m|min|minute|minutes)$/, 'minute'],
  [/^(h|hr|hour|hours)$/i, 'hour'],
  [/^(d|day|days)$/i, 'day'],
  [/^(w|wk|week|weeks)$/i, 'week'],
  [/^(M|mo|month|months)$/, 'month'],
  [/^(y|yr|year|years)$/i, 'year'],
]
type Unit = 'second' | 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year'

/** Months have 30 days and years 365 in an agreed length of time. */
const unit_ms: Record<Unit, number> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
  month: 2_592_000_000,
  year: 31_536_000_000,
}
const unitOf = (text: string | undefined): Unit | undefined =>
  units.find(([pattern]) => pattern.test(text ?? ''))?.[1]

const words: Record<string, Grain> = {
  hourly: 'hour',
  daily: 'day',
  monthly: 'month',
  yearly: 'year',
}

/** What the executed service levels say. `elements` are the names this dataset answers to. */
export function readServiceLevels(
  levels: readonly ServiceLevel[],
  path: Path,
  findings: Findings,
  elements: ReadonlySet<string>,
): ServiceLevels {
  const found: { -readonly [K in keyof ServiceLevels]: ServiceLevels[K] } = {}
  levels.forEach((level, index) => {
    const at = [...path, index]
    const elsewhere = (level.element ?? '')
      .split(',')
      .map((element) => element.trim())
      .find((element) => element !== '' && !elements.has(element.split('.')[0] ?? ''))
    if (elsewhere !== undefined) {
      findings.ignored(at, `is about ${elsewhere}, which is not the dataset`)
      return
    }
    const take = <K extends keyof ServiceLevels>(field: K, value: ServiceLevels[K] | undefined) => {
      if (value === undefined) return
      if (found[field] === undefined) found[field] = value
      else findings.ignored(at, `${level.property} is given twice; the first one holds`)
    }
    switch (level.property) {
      case 'timeOfAvailability':
        take('available_by', readDeadline(level, at, findings))
        break
      case 'frequency':
        take('frequency', readGrain(level, at, findings))
        break
      case 'latency':
        take('latency_ms', readLength(level, at, findings))
        break
      case 'retention':
        take('retention_ms', readLength(level, at, findings))
        // Known and compared between versions, but nothing is deleted because of it.
        findings.ignored(at, 'retention deletes nothing: datasets are kept')
        break
      case 'errorRate':
        take('error_rate_percent', readPercent(level, at, findings))
        break
      default:
        findings.ignored(at, `${level.property} is not a service level that is executed`)
        return
    }
    for (const word of ['schedule', 'scheduler'] as const) {
      if (level[word] !== undefined) findings.ignored([...at, word], 'checks run with every load')
    }
  })
  return found
}

function readDeadline(level: ServiceLevel, at: Path, findings: Findings): Deadline | undefined {
  const [, hour, minute, rest = ''] =
    /^\s*(\d{1,2}):(\d\d)(?::00)?\s*(\S*)\s*$/.exec(String(level.value)) ?? []
  const zone = rest === '' || rest === 'Z' ? 'UTC' : rest
  if (hour === undefined || Number(hour) > 23 || Number(minute) > 59) {
    findings.problem(
      [...at, 'value'],
      `${String(level.value)} is no time of day with a zone, such as 13:00 Asia/Seoul or 09:00-08:00`,
    )
    return undefined
  }
  if (!isZone(zone)) {
    findings.problem(
      [...at, 'value'],
      `${zone} is no time zone: use an IANA name such as Asia/Seoul, or an offset such as +09:00`,
    )
    return undefined
  }
  const days = level.valueExt ?? 1
  if (typeof days !== 'number' || !Number.isInteger(days) || days < 0 || days > 366) {
    findings.problem(
      [...at, 'valueExt'],
      `days after the partition’s day are 0 to 366, not ${String(days)}`,
    )
    return undefined
  }
  if (level.unit !== undefined && unitOf(level.unit) !== 'day') {
    findings.problem([...at, 'unit'], `the unit of valueExt is d, not ${level.unit}`)
  }
  return { hour: Number(hour), minute: Number(minute), zone, days_after: days }
}

function readGrain(level: ServiceLevel, at: Path, findings: Findings): Grain | undefined {
  const word = words[String(level.value).toLowerCase()]
  if (word && level.unit === undefined) return word
  const amount = Number(level.value)
  const unit = unitOf(level.unit)
  if (unit === 'minute' && amount === 15) return '15 minutes'
  if (unit === 'minute' && amount === 60) return 'hour'
  if (unit === 'hour' && amount === 24) return 'day'
  if (
    amount === 1 &&
    unit !== undefined &&
    unit !== 'second' &&
    unit !== 'minute' &&
    unit !== 'week'
  ) {
    return unit
  }
  findings.ignored(
    at,
    `${String(level.value)} ${level.unit ?? ''} is no cadence of partitions: 15 m, 1 h, 1 d, 1 mo, 1 y`,
  )
  return undefined
}

function readLength(level: ServiceLevel, at: Path, findings: Findings): number | undefined {
  const unit = unitOf(level.unit)
  const amount = Number(level.value)
  if (
    typeof level.value === 'boolean' ||
    level.value === null ||
    !(amount >= 0) ||
    unit === undefined
  ) {
    findings.problem(
      at,
      `${level.property} is a number with a unit (s, m, h, d, w, mo, y), not ${String(level.value)} ${level.unit ?? ''}`.trimEnd(),
    )
    return undefined
  }
  return Math.round(amount * unit_ms[unit])
}

function readPercent(level: ServiceLevel, at: Path, findings: Findings): number | undefined {
  const percent = Number(String(level.value).replace(/\s*%$/, ''))
  const unit_known = level.unit === undefined || /^(%|percent|pct)$/i.test(level.unit)
  if (
    typeof level.value === 'boolean' ||
    level.value === null ||
    !(percent >= 0 && percent <= 100) ||
    !unit_known
  ) {
    findings.problem(
      at,
      `errorRate is a percentage from 0 to 100, not ${String(level.value)} ${level.unit ?? ''}`.trimEnd(),
    )
    return undefined
  }
  return percent
}
