import { describe, expect, it } from 'vitest'
import type { Column, Contract, QualityRule } from './contract.ts'
import { diffContracts } from './diff.ts'

const column = (name: string, more: Partial<Column> = {}): Column => ({
  name,
  names: [name],
  type: { kind: 'string' },
  required: false,
  semantic: 'column',
  accept_json_text: false,
  accept_text: false,
  repair_trailing_comma: false,
  unique: false,
  examples: [],
  ...more,
})
const contract = (more: Partial<Contract> = {}): Contract => ({
  id: 'c',
  name: 'c',
  version: '1',
  columns: [column('a')],
  key: [],
  flat: false,
  ignore_case: false,
  new_columns: 'rescue',
  deduplicate: { scope: 'partition' },
  quality: [],
  service_levels: {},
  measures: [],
  not_executed: [],
  notes: [],
  ...more,
})
const integer = (bits: 8 | 16 | 32 | 64, signed = true) =>
  ({ kind: 'integer', bits, signed }) as const
const decimal = (precision: number, scale: number) =>
  ({ kind: 'decimal', precision, scale }) as const

/** Codes of the changes with whom they break, `d` the deliverer and `r` the reader. */
const changes = (old: Contract, next: Contract) =>
  diffContracts(old, next).map(({ code, breaks, breaking }) => {
    expect(breaking).toBe(breaks.length > 0)
    return `${code} ${breaks.map((side) => side[0]).join('')}`.trim()
  })
const columnChanges = (old: Partial<Column>, next: Partial<Column>) =>
  changes(contract({ columns: [column('a', old)] }), contract({ columns: [column('a', next)] }))

describe('columns', () => {
  it.each<[string, Partial<Column>, Partial<Column>, string[]]>([
    ['a type that holds more', { type: integer(32) }, { type: integer(64) }, ['type_widened']],
    ['a type that holds less', { type: integer(32) }, { type: integer(16) }, ['type_narrowed d']],
    ['a sign', { type: integer(32) }, { type: integer(32, false) }, ['type_changed dr']],
    [
      'unsigned to a wider signed one',
      { type: integer(8, false) },
      { type: integer(16) },
      ['type_widened'],
    ],
    ['more digits', { type: decimal(10, 2) }, { type: decimal(12, 4) }, ['type_widened']],
    ['digits moved', { type: decimal(10, 2) }, { type: decimal(10, 4) }, ['type_changed dr']],
    ['fewer digits', { type: decimal(10, 2) }, { type: decimal(8, 2) }, ['type_narrowed d']],
    ['another type', {}, { type: { kind: 'date' } }, ['type_changed dr']],
    [
      'another zone',
      { type: { kind: 'timestamp', zone: 'UTC' } },
      { type: { kind: 'timestamp', zone: 'Asia/Seoul' } },
      ['type_changed dr'],
    ],
    [
      'any JSON',
      { type: { kind: 'json', must_be_object: true } },
      { type: { kind: 'json' } },
      ['type_widened'],
    ],
    [
      'items of a list',
      { type: { kind: 'array', item: integer(8) } },
      { type: { kind: 'array', item: integer(16) } },
      ['type_widened'],
    ],
    ['required', {}, { required: true }, ['required_added d']],
    ['optional', { required: true }, {}, ['required_removed']],
    ['unique', {}, { unique: true }, ['unique_added d']],
    ['an enum', {}, { enum: ['x'] }, ['enum_added d']],
    ['an enum less', { enum: ['x'] }, {}, ['enum_removed']],
    [
      'values of an enum',
      { enum: ['x', 'y'] },
      { enum: ['y', 'z'] },
      ['enum_value_removed d', 'enum_value_added'],
    ],
    [
      'a lower limit',
      { type: integer(8) },
      { type: integer(8), minimum: '5' },
      ['limit_tightened d'],
    ],
    [
      'limits by number, not by text',
      { type: integer(8), minimum: '9' },
      { type: integer(8), minimum: '10' },
      ['limit_tightened d'],
    ],
    [
      'a looser limit',
      { type: integer(8), maximum: '5' },
      { type: integer(8), maximum: '6' },
      ['limit_loosened'],
    ],
    [
      'limits of times',
      { type: { kind: 'date' }, maximum: '2024-01-01' },
      { type: { kind: 'date' }, maximum: '2023-01-01' },
      ['limit_tightened d'],
    ],
    [
      'lengths',
      { max_length: 5 },
      { max_length: 4, min_length: 1 },
      ['limit_tightened d', 'limit_tightened d'],
    ],
    ['a pattern', { pattern: 'a' }, { pattern: 'b' }, ['pattern_changed d']],
    ['a pattern less', { pattern: 'a' }, {}, ['pattern_changed']],
    [
      'a name it came by',
      { names: ['a', 'b'] },
      { names: ['a', 'c'] },
      ['accepted_name_removed d', 'accepted_name_added'],
    ],
    ['precision', { truncate: 'milliseconds' }, { truncate: 'seconds' }, ['truncate_changed r']],
    [
      'leniency',
      { accept_text: true },
      { accept_json_text: true },
      ['accept_json_text_added', 'accept_text_removed d'],
    ],
    ['its role', {}, { semantic: 'measure' }, ['semantic_changed']],
    ['its description', { description: 'x' }, { description: 'y' }, []],
  ])('%s', (_, old, next, expected) => {
    expect(columnChanges(old, next)).toEqual(expected)
  })

  it('come, go and are renamed', () => {
    const old = contract({ columns: [column('a'), column('b'), column('c')] })
    const next = contract({
      columns: [
        column('a2', { names: ['a2', 'a'] }),
        column('c'),
        column('d'),
        column('e', { required: true }),
      ],
    })
    expect(changes(old, next)).toEqual([
      'column_renamed r',
      'accepted_name_added',
      'column_removed r',
      'column_added',
      'column_added d',
    ])
    expect(changes(old, { ...next, new_columns: 'reject' })).toContain('column_removed dr')
  })

  it('have fields', () => {
    const object = (...fields: Column[]) => ({ type: { kind: 'object', fields } as const })
    const list = (...fields: Column[]) => ({
      type: { kind: 'array', item: object(...fields).type } as const,
    })
    expect(columnChanges(object(column('x')), object(column('y')))).toEqual([
      'column_removed r',
      'column_added',
    ])
    expect(columnChanges(list(column('x')), list(column('x', { required: true })))).toEqual([
      'required_added d',
    ])
  })

  it('have keys', () => {
    const keys = (required: string[][], declared: string[] = [], lower_case = false) => ({
      type: { kind: 'map', value: { kind: 'string' } } as const,
      keys: { required, declared, lower_case },
    })
    expect(columnChanges(keys([['a'], ['b', 'c']], ['x']), keys([['b'], ['d']], ['y']))).toEqual([
      'key_names_changed d',
      'required_key_added d',
      'required_key_removed',
      'declared_key_removed r',
      'declared_key_added',
    ])
    expect(columnChanges(keys([]), keys([], [], true))).toEqual(['lower_case_keys_changed dr'])
  })
})

describe('the dataset', () => {
  it.each<[Partial<Contract>, Partial<Contract>, string[]]>([
    [{}, { version: '2' }, ['version_changed']],
    [{}, { key: ['a'] }, ['key_changed dr']],
    [{}, { time_column: 'a' }, ['time_column_changed dr']],
    [{}, { version_column: 'a' }, ['version_column_changed r']],
    [{ publish: 'replace' }, { publish: 'append' }, ['publish_changed r']],
    [{}, { deduplicate: { scope: 'days', days: 2 } }, ['deduplicate_changed r']],
    [{}, { flat: true }, ['flat_changed d']],
    [{ ignore_case: true }, {}, ['ignore_case_changed d']],
    [{}, { new_columns: 'reject' }, ['new_columns_changed dr']],
    [{ new_columns: 'reject' }, {}, ['new_columns_changed']],
    [
      { measures: [{ name: 'm', expression: 'x' }] },
      { measures: [{ name: 'm', expression: 'y' }] },
      ['measure_changed r'],
    ],
    [
      { measures: [{ name: 'm', expression: 'x' }] },
      { measures: [{ name: 'n', expression: 'x' }] },
      ['measure_removed r', 'measure_added'],
    ],
    [{}, { advice: { file_rows: 1 } }, ['advice_changed']],
  ])('%j → %j', (old, next, expected) => {
    expect(changes(contract(old), contract(next))).toEqual(expected)
  })
})

describe('quality', () => {
  const rule = (mustBe: number, severity: 'error' | 'warning' = 'error'): QualityRule => ({
    name: 'r',
    metric: 'row_count',
    threshold: { operator: 'must_be', values: [mustBe] },
    unit: 'rows',
    severity,
  })
  it.each<[QualityRule[], QualityRule[], string[]]>([
    [[], [rule(1)], ['rule_added d']],
    [[], [rule(1, 'warning')], ['rule_added']],
    [[rule(1)], [rule(2)], ['rule_changed d']],
    [[rule(1)], [], ['rule_removed']],
    [[rule(1), rule(2)], [rule(1)], ['rule_removed']],
  ])('%#', (old, next, expected) => {
    expect(changes(contract({ quality: old }), contract({ quality: next }))).toEqual(expected)
  })
})

describe('service levels', () => {
  const by = (hour: number, zone = 'UTC', days_after = 1) => ({
    available_by: { hour, minute: 0, zone, days_after },
  })
  it.each<[Contract['service_levels'], Contract['service_levels'], string[]]>([
    [by(13), by(12), ['service_level_changed d']],
    [by(13), by(14), ['service_level_changed r']],
    [by(13), by(1, 'UTC', 2), ['service_level_changed r']],
    // 13:00 in Seoul is 04:00 UTC.
    [by(13, 'Asia/Seoul'), by(5), ['service_level_changed r']],
    [by(13, 'Asia/Seoul'), by(3), ['service_level_changed d']],
    [by(13, 'Asia/Seoul'), by(13, '+09:00'), ['service_level_changed']],
    // Berlin is one hour ahead in winter, two in summer.
    [by(13), by(14, 'Europe/Berlin'), ['service_level_changed d']],
    [by(13), by(15, 'Europe/Berlin'), ['service_level_changed r']],
    [{}, by(13), ['service_level_changed d']],
    [by(13), {}, ['service_level_changed r']],
    [{ latency_ms: 5 }, { latency_ms: 4 }, ['service_level_changed d']],
    [{ error_rate_percent: 1 }, { error_rate_percent: 2 }, ['service_level_changed r']],
    [{ retention_ms: 5 }, { retention_ms: 6 }, ['service_level_changed']],
    [{ retention_ms: 5 }, { retention_ms: 4 }, ['service_level_changed r']],
    [{ frequency: 'day' }, { frequency: 'hour' }, ['service_level_changed dr']],
  ])('%j → %j', (old, next, expected) => {
    expect(changes(contract({ service_levels: old }), contract({ service_levels: next }))).toEqual(
      expected,
    )
  })
})
