import type { Column, QualityRule, Threshold } from '../contract/contract.ts'
import { defined, type Findings } from './findings.ts'
import { OPERATORS, type Quality } from './schema.ts'
import type { Path } from './source.ts'

/** The rules of one list that can be run; the others are reported. `column` is its owner, if one has it. */
export function readQuality(
  rules: readonly Quality[] | undefined,
  path: Path,
  findings: Findings,
  scope: { readonly column?: Column; readonly columns: readonly Column[] },
): QualityRule[] {
  return (rules ?? []).flatMap(
    (rule, index) => readRule(rule, [...path, index], findings, scope) ?? [],
  )
}

function readRule(
  rule: Quality,
  at: Path,
  findings: Findings,
  scope: { readonly column?: Column; readonly columns: readonly Column[] },
): QualityRule | undefined {
  const ignore = (reason: string) => {
    findings.ignored(at, reason)
    return undefined
  }
  const metric = rule.metric ?? (rule.rule === undefined ? undefined : library[rule.rule])
  const kind =
    rule.type ?? (metric !== undefined || rule.rule !== undefined ? 'library' : undefined)
  if (kind === 'text') return ignore('a rule in words is for people')
  if (kind === 'custom')
    return ignore(`rules of ${rule.engine ?? 'another engine'} do not run here`)
  if (kind === undefined) {
    findings.problem(at, 'a rule needs a metric, or a type with what belongs to it')
    return undefined
  }
  const threshold = readThreshold(rule, at, findings)
  if (threshold === undefined) return undefined
  const unit = rule.unit ?? 'rows'
  if (unit !== 'rows' && unit !== 'percent')
    return ignore(`the unit ${unit} is not known: rows or percent`)
  for (const word of ['schedule', 'scheduler'] as const) {
    if (rule[word] !== undefined) findings.ignored([...at, word], 'rules run with every load')
  }
  const column = scope.column?.name
  const common = defined({
    name: rule.name ?? [column, kind === 'sql' ? 'sql' : metric].filter(Boolean).join(' '),
    description: rule.description,
    threshold,
    unit: unit as 'rows' | 'percent',
    severity: /^(warning|info)$/i.test(rule.severity ?? '')
      ? ('warning' as const)
      : ('error' as const),
  })
  if (kind === 'sql') {
    if (rule.query === undefined || rule.query.trim() === '') {
      findings.problem(at, 'a rule of type sql needs a query')
      return undefined
    }
    return { ...common, metric: 'sql', query: rule.query, ...defined({ column }) }
  }
  const given = rule.arguments ?? {}
  const used = {
    missingValues: ['missingValues'],
    invalidValues: ['validValues', 'pattern'],
    duplicateValues: ['properties'],
  }
  for (const name of Object.keys(given)) {
    if (!(used[metric as keyof typeof used] ?? []).includes(name)) {
      findings.ignored([...at, 'arguments', name], `is no argument of ${metric ?? 'the rule'}`)
    }
  }
  switch (metric) {
    case undefined:
      return ignore(`the rule ${rule.rule ?? ''} is not in the library`)
    case 'rowCount':
      return { ...common, metric: 'row_count' }
    case 'duplicateValues': {
      const columns = textList(given.properties) ?? (column === undefined ? [] : [column])
      const missing = columns.find((name) => !scope.columns.some((other) => other.name === name))
      if (columns.length === 0 || missing !== undefined) {
        findings.problem(
          at,
          missing === undefined
            ? 'duplicateValues needs `arguments: { properties: [...] }`, or stands at a property'
            : `there is no column ${missing}`,
        )
        return undefined
      }
      return { ...common, metric: 'duplicate_values', columns }
    }
    default: {
      if (column === undefined) {
        findings.problem(at, `${metric} stands at a property, not at the whole dataset`)
        return undefined
      }
      if (metric === 'nullValues') return { ...common, metric: 'null_values', column }
      if (metric === 'missingValues') {
        const missing = list(given.missingValues)
        return { ...common, metric: 'missing_values', column, ...defined({ missing }) }
      }
      const valid = list(given.validValues)
      const pattern = typeof given.pattern === 'string' ? given.pattern : undefined
      if (valid === undefined && pattern === undefined && scope.column?.enum === undefined) {
        findings.problem(
          at,
          'invalidValues needs `arguments: { validValues: [...] }` or `{ pattern: ... }`',
        )
        return undefined
      }
      return {
        ...common,
        metric: 'invalid_values',
        column,
        ...defined({
          valid: valid ?? (pattern === undefined ? scope.column?.enum : undefined),
          pattern,
        }),
      }
    }
  }
}

/** The names under which `rule` of 3.0 had what `metric` has now. */
const library: Record<string, NonNullable<Quality['metric']>> = {
  nullValues: 'nullValues',
  nullCheck: 'nullValues',
  missingValues: 'missingValues',
  invalidValues: 'invalidValues',
  duplicateValues: 'duplicateValues',
  duplicateCount: 'duplicateValues',
  rowCount: 'rowCount',
}

function readThreshold(rule: Quality, at: Path, findings: Findings): Threshold | undefined {
  const given = (Object.keys(OPERATORS) as (keyof typeof OPERATORS)[]).filter(
    (name) => rule[name] !== undefined,
  )
  const [name, second] = given
  if (name === undefined || second !== undefined) {
    findings.problem(
      at,
      name === undefined
        ? 'a rule needs an operator to compare with, such as mustBe or mustBeLessThan'
        : `a rule has one operator, not ${given.join(' and ')}`,
    )
    return undefined
  }
  const values = [rule[name]].flat()
  if (!values.every((value) => typeof value === 'number' && Number.isFinite(value))) {
    findings.ignored([...at, name], 'only numbers are compared')
    return undefined
  }
  return { operator: OPERATORS[name], values: values as number[] }
}

const list = (value: unknown): unknown[] | undefined => (Array.isArray(value) ? value : undefined)
const textList = (value: unknown): string[] | undefined =>
  Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined
