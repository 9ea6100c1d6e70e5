import type { Deadline, QualityRule, ServiceLevels } from './contract.ts'
import { type ContractChange, change, type Side } from './diff-columns.ts'

export function diffQuality(
  old: readonly QualityRule[],
  next: readonly QualityRule[],
): ContractChange[] {
  const changes: ContractChange[] = []
  const before = byName(old)
  const after = byName(next)
  const strict = (rule: QualityRule): Side[] => (rule.severity === 'error' ? ['deliverer'] : [])
  for (const [name, rule] of after) {
    const earlier = before.get(name)
    const path = `quality.${name}`
    if (!earlier) changes.push(change('rule_added', path, `The rule ${name} is new.`, strict(rule)))
    else if (essence(earlier) !== essence(rule)) {
      changes.push(change('rule_changed', path, `The rule ${name} is another.`, strict(rule)))
    }
  }
  for (const name of before.keys()) {
    if (!after.has(name)) {
      changes.push(change('rule_removed', `quality.${name}`, `The rule ${name} is gone.`, []))
    }
  }
  return changes
}

/** Rules by name; those that share one are told apart by their number. */
function byName(rules: readonly QualityRule[]): Map<string, QualityRule> {
  const found = new Map<string, QualityRule>()
  for (const rule of rules) {
    let name = rule.name
    for (let number = 2; found.has(name); number += 1) name = `${rule.name} (${number})`
    found.set(name, rule)
  }
  return found
}

/** What a rule checks, without how it is called. */
function essence(rule: QualityRule): string {
  const { name: _, description: __, ...checked } = rule
  return JSON.stringify(Object.entries(checked).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

export function diffServiceLevels(old: ServiceLevels, next: ServiceLevels): ContractChange[] {
  const changes: ContractChange[] = []
  const add = (level: string, was: string, is: string, breaks: Side[]) => {
    const message = `${level} was ${was} and is ${is}.`
    changes.push(change('service_level_changed', `service_levels.${level}`, message, breaks))
  }
  const [before, after] = [old.available_by, next.available_by]
  if (deadlineText(before) !== deadlineText(after)) {
    add('available_by', deadlineText(before), deadlineText(after), deadlineBreaks(before, after))
  }
  if (old.frequency !== next.frequency) {
    add('frequency', old.frequency ?? 'none', next.frequency ?? 'none', ['deliverer', 'reader'])
  }
  const numbers = [
    // A greater number is easier for who delivers, and less of a promise to who reads.
    ['latency_ms', 1],
    ['error_rate_percent', 1],
    ['retention_ms', -1],
  ] as const
  for (const [level, direction] of numbers) {
    const [was, is] = [old[level], next[level]]
    if (was === is) continue
    const none = direction > 0 ? Number.POSITIVE_INFINITY : 0
    const eased = ((is ?? none) - (was ?? none)) * direction > 0
    // How long datasets are kept is no matter of the deliverer's.
    const breaks: Side[] = eased ? ['reader'] : level === 'retention_ms' ? [] : ['deliverer']
    add(level, String(was ?? 'none'), String(is ?? 'none'), breaks)
  }
  return changes
}

/** `13:00 Asia/Seoul, 1 day after` */
export function deadlineText(deadline: Deadline | undefined): string {
  if (deadline === undefined) return 'none'
  const two = (number: number) => String(number).padStart(2, '0')
  const { hour, minute, zone, days_after } = deadline
  return `${two(hour)}:${two(minute)} ${zone}, ${days_after} ${days_after === 1 ? 'day' : 'days'} after`
}

function deadlineBreaks(before: Deadline | undefined, after: Deadline | undefined): Side[] {
  if (after === undefined) return ['reader']
  if (before === undefined) return ['deliverer']
  // With daylight saving the order of two zones can change in the course of a year.
  const moves = [0, 6].map((month) => minuteOf(after, month) - minuteOf(before, month))
  const breaks: Side[] = []
  if (moves.some((move) => move < 0)) breaks.push('deliverer')
  if (moves.some((move) => move > 0)) breaks.push('reader')
  return breaks
}

/** Minutes from the start of a UTC day in that month of 2024 to its deadline. */
function minuteOf(deadline: Deadline, month: number): number {
  const noon = new Date(Date.UTC(2024, month, 15, 12))
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: deadline.zone,
    hourCycle: 'h23',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  }).formatToParts(noon)
  const part = (type: string) => Number(parts.find((entry) => entry.type === type)?.value)
  const offset = (part('day') - 15) * 1440 + (part('hour') - 12) * 60 + part('minute')
  return deadline.days_after * 1440 + deadline.hour * 60 + deadline.minute - offset
}
