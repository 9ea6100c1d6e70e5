import { typeText } from '../type-text.ts'
import type { Column, Contract, QualityRule, Threshold } from './contract.ts'
import { deadlineText } from './diff-levels.ts'

/** A contract as the command line shows it: plain data, texts ready to print. */
export interface ContractSummary {
  readonly id: string
  readonly name: string
  readonly version: string
  readonly columns: readonly {
    readonly name: string
    readonly type: string
    readonly required: boolean
    /** Place in the key, from 1. */
    readonly key?: number
    /** What values must be like, and how they may come. */
    readonly rules: readonly string[]
    readonly description?: string
  }[]
  readonly settings: readonly { readonly name: string; readonly value: string }[]
  readonly service_levels: readonly { readonly name: string; readonly value: string }[]
  readonly quality: readonly {
    readonly name: string
    readonly rule: string
    readonly severity: string
  }[]
  readonly measures: Contract['measures']
  readonly not_executed: Contract['not_executed']
  readonly notes: readonly string[]
}

export function showContract(contract: Contract): ContractSummary {
  const levels = contract.service_levels
  const setting = (name: string, value: string | number | boolean | undefined) =>
    value === undefined || value === false ? [] : [{ name, value: String(value) }]
  return {
    id: contract.id,
    name: contract.name,
    version: contract.version,
    columns: contract.columns.map((column) => ({
      name: column.name,
      type: typeText(column.type),
      required: column.required,
      ...(contract.key.includes(column.name) ? { key: contract.key.indexOf(column.name) + 1 } : {}),
      rules: columnRules(column, contract),
      ...(column.description === undefined ? {} : { description: column.description }),
    })),
    settings: [
      ...setting('publish', contract.publish),
      ...setting(
        'deduplicate',
        contract.key.length === 0
          ? undefined
          : contract.deduplicate.scope === 'days'
            ? `${contract.deduplicate.days} days`
            : contract.deduplicate.scope,
      ),
      ...setting('new_columns', contract.new_columns),
      ...setting('flat', contract.flat),
      ...setting('ignore_case', contract.ignore_case),
      ...setting('file_bytes', contract.advice?.file_bytes),
      ...setting('file_rows', contract.advice?.file_rows),
    ],
    service_levels: [
      ...setting('available_by', levels.available_by && deadlineText(levels.available_by)),
      ...setting('frequency', levels.frequency),
      ...setting(
        'latency',
        levels.latency_ms === undefined ? undefined : lengthText(levels.latency_ms),
      ),
      ...setting(
        'error_rate',
        levels.error_rate_percent === undefined ? undefined : `${levels.error_rate_percent} %`,
      ),
      ...setting(
        'retention',
        levels.retention_ms === undefined ? undefined : lengthText(levels.retention_ms),
      ),
    ],
    quality: contract.quality.map((rule) => ({
      name: rule.name,
      rule: ruleText(rule),
      severity: rule.severity,
    })),
    measures: contract.measures,
    not_executed: contract.not_executed,
    notes: contract.notes,
  }
}

function columnRules(column: Column, contract: Contract): string[] {
  const rules: string[] = []
  /** `when` is what the text is about: undefined and false say nothing. */
  const say = (text: string, when: unknown) => {
    if (when !== undefined && when !== false) rules.push(text)
  }
  say('names its partition', contract.time_column === column.name)
  say('orders its versions', contract.version_column === column.name)
  say('no value twice', column.unique)
  say(`one of ${column.enum?.join(', ')}`, column.enum)
  say(`at least ${column.minimum}`, column.minimum)
  say(`more than ${column.exclusive_minimum}`, column.exclusive_minimum)
  say(`at most ${column.maximum}`, column.maximum)
  say(`less than ${column.exclusive_maximum}`, column.exclusive_maximum)
  say(`a multiple of ${column.multiple_of}`, column.multiple_of)
  say(`at least ${column.min_length} characters`, column.min_length)
  say(`at most ${column.max_length} characters`, column.max_length)
  say(`matches ${column.pattern}`, column.pattern)
  say(`a ${column.format}`, column.format)
  say(`at least ${column.min_items} items`, column.min_items)
  say(`at most ${column.max_items} items`, column.max_items)
  say(`written ${column.time_format}`, column.time_format)
  say(`cut to ${column.truncate}`, column.truncate)
  for (const [kept, ...others] of column.keys?.required ?? []) {
    rules.push(`needs the key ${kept}${others.length > 0 ? ` (or ${others.join(', ')})` : ''}`)
  }
  say(
    `keys as columns: ${column.keys?.declared.join(', ')}`,
    column.keys?.declared.length ? true : undefined,
  )
  say('keys are lower-cased', column.keys?.lower_case)
  say(
    `also delivered as ${column.names.filter((name) => name !== column.name).join(', ')}`,
    column.names.some((name) => name !== column.name),
  )
  say('may come as JSON text', column.accept_json_text)
  say('may come as text', column.accept_text)
  say('whole numbers are kept as their digits', column.accept_integers)
  say('a trailing comma in its JSON is repaired', column.repair_trailing_comma)
  return rules
}

const operators: Record<Threshold['operator'], string> = {
  must_be: '=',
  must_not_be: '≠',
  must_be_greater_than: '>',
  must_be_greater_or_equal_to: '≥',
  must_be_less_than: '<',
  must_be_less_or_equal_to: '≤',
  must_be_between: 'between',
  must_not_be_between: 'not between',
}

/** `null values of ts = 0`, `rows between 1 and 10` */
export function ruleText(rule: QualityRule): string {
  const { operator, values } = rule.threshold
  const bound = `${operators[operator]} ${values.join(' and ')}${rule.unit === 'percent' ? ' %' : ''}`
  switch (rule.metric) {
    case 'row_count':
      return `rows ${bound}`
    case 'duplicate_values':
      return `duplicates of ${rule.columns.join(', ')} ${bound}`
    case 'sql':
      return `${rule.query} ${bound}`
    default:
      return `${rule.metric.replace('_', ' ')} of ${rule.column} ${bound}`
  }
}

/** `90 s`, `4 d` */
function lengthText(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const
  const [unit, size] = units.find(([, each]) => ms >= each && ms % each === 0) ?? ['ms', 1]
  return `${ms / size} ${unit}`
}
