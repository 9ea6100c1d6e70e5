import { describe, expect, it } from 'vitest'
import { compareDecimals, decimalText, scaled } from '../decimal-text.ts'
import { parseContract } from '../odcs/odcs.ts'
import { parsePartition } from '../partition.ts'
import type { Column, Contract } from './contract.ts'
import { type SampleRow, type SampleValue, sampleColumns, sampleRows } from './sample.ts'

const day = parsePartition('2024-02-29')

function contract(properties: string, object = ''): Contract {
  return parseContract(`apiVersion: v3.2.0
kind: DataContract
id: c
version: 1.0.0
schema:
  - name: events
${object}
    properties:
${properties}`).contract
}
const rowsOf = (read: Contract, rows: number, seed = 1, partition = day): SampleRow[] => [
  ...sampleRows(read, { rows, partition, seed }),
]
/** Values of the only column. */
const values = (fields: string, rows = 200, partition = day): SampleValue[] =>
  rowsOf(contract(`      - { name: x, ${fields} }`), rows, 1, partition).map(({ x }) => x ?? null)

describe('values', () => {
  it.each([
    [
      'logicalType: integer, required: true, logicalTypeOptions: { minimum: -3, exclusiveMaximum: 4, multipleOf: 2 }',
      /^(-2|0|2)$/,
    ],
    [
      'logicalType: integer, required: true, logicalTypeOptions: { format: u8 }',
      /^([01]?\d?\d|2[0-4]\d|25[0-5])$/,
    ],
    ['logicalType: integer, required: true, logicalTypeOptions: { maximum: -5 }', /^-\d+$/],
    ['logicalType: number, required: true, physicalType: "DECIMAL(24, 6)"', /^\d+\.\d{6}$/],
    [
      'logicalType: number, required: true, logicalTypeOptions: { minimum: 0.001, maximum: 0.003, multipleOf: 0.001 }',
      /^0\.00[123]$/,
    ],
    ['logicalType: string, required: true, enum: [{ value: a }, { value: b }]', /^[ab]$/],
    [
      'logicalType: string, required: true, logicalTypeOptions: { minLength: 30, maxLength: 30 }',
      /^.{30}$/,
    ],
    ['logicalType: string, required: true, physicalType: CHAR(1)', /^.$/],
    [
      "logicalType: string, required: true, logicalTypeOptions: { pattern: '[A-F]{3}', maxLength: 3 }",
      /^[A-F]{3}$/,
    ],
    [
      'logicalType: string, required: true, logicalTypeOptions: { format: email }',
      /^\S+@example\.com$/,
    ],
    [
      'logicalType: string, required: true, logicalTypeOptions: { format: ipv4 }',
      /^192\.0\.2\.\d+$/,
    ],
    [
      'logicalType: string, required: true, logicalTypeOptions: { format: uuid }',
      /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/,
    ],
    ['logicalType: date, required: true', /^2024-02-29$/],
    ['logicalType: time, required: true, logicalTypeOptions: { minimum: "23:59" }', /^23:59:\d\d$/],
    ['logicalType: timestamp, required: true', /^2024-02-29T\d\d:\d\d:\d\d\.\d{3}Z$/],
    [
      "logicalType: timestamp, required: true, logicalTypeOptions: { format: 'dd.MM.yyyy HH:mm', defaultTimezone: Asia/Seoul, minimum: '2024-03-01 00:00' }",
      /^01\.03\.2024 0[0-8]:\d\d$/,
    ],
  ])('%s', (fields, shape) => {
    for (const value of values(fields)) expect(value).toMatch(shape)
  })

  it('are numbers with as many digits as their limits need', () => {
    const made = new Set(
      values(
        'logicalType: number, required: true, logicalTypeOptions: { minimum: 0.01, maximum: 0.03 }',
      ),
    )
    expect([...made].toSorted()).toEqual(['0.01', '0.02', '0.03'])
  })

  it('are cut to what the contract keeps', () => {
    for (const value of values(
      'logicalType: timestamp, required: true, customProperties: [{ property: truncateTo, value: seconds }]',
    )) {
      expect(value).toMatch(/\.000Z$/)
    }
  })

  it('are sometimes null where they may be, and never where they may not', () => {
    const optional = values('logicalType: string')
    expect(optional).toContain(null)
    expect(optional.filter((value) => value === null).length).toBeLessThan(60)
    expect(values('logicalType: string, required: true')).not.toContain(null)
    expect(
      values('logicalType: string, quality: [{ metric: nullValues, mustBe: 0 }]'),
    ).not.toContain(null)
  })

  it('hold the keys, fields and items that are asked for', () => {
    const [row] = rowsOf(
      contract(`      - name: m
        logicalType: map
        required: true
        map: { key: { logicalType: string }, value: { logicalType: integer } }
        customProperties:
          - { property: requiredKeys, value: [a, [b, c]] }
          - { property: declaredKeys, value: [d] }
      - name: o
        logicalType: object
        required: true
        properties: [{ name: f, physicalName: F, logicalType: boolean, required: true }]
      - { name: l, logicalType: array, required: true, items: { logicalType: date }, logicalTypeOptions: { minItems: 4, maxItems: 4 } }
      - { name: j, logicalType: object, required: true, logicalTypeOptions: { minProperties: 2 } }`),
      1,
    )
    const digits = expect.stringMatching(/^\d+$/)
    expect(row).toEqual({
      m: { a: digits, b: digits, d: digits },
      o: { F: expect.any(Boolean) },
      l: Array(4).fill('2024-02-29'),
      j: { sample: true, sample_2: true },
    })
  })

  it('lie in partitions of every grain', () => {
    for (const name of ['2024', '2024-02', '2024-02-29T23', '2024-02-29T23:45']) {
      const partition = parsePartition(name)
      for (const value of values('logicalType: timestamp, required: true', 50, partition)) {
        expect(Date.parse(String(value))).toBeGreaterThanOrEqual(partition.start.getTime())
        expect(Date.parse(String(value))).toBeLessThan(partition.end.getTime())
      }
      for (const value of values('logicalType: date, required: true', 50, partition)) {
        expect(String(value).startsWith(name.slice(0, 10))).toBe(true)
      }
    }
  })
})

describe('rows', () => {
  it('are the same for the same seed and others for another', () => {
    const read = contract(
      '      - { name: x, logicalType: string, physicalType: UUID, required: true }',
    )
    expect(rowsOf(read, 20, 5)).toEqual(rowsOf(read, 20, 5))
    expect(rowsOf(read, 20, 5)).not.toEqual(rowsOf(read, 20, 6))
    expect(rowsOf(read, 30, 5).slice(0, 20)).toEqual(rowsOf(read, 20, 5))
  })

  it.each([
    'logicalType: string, physicalType: UUID',
    'logicalType: string',
    'logicalType: integer',
    'logicalType: timestamp',
    'logicalType: number, physicalType: "DECIMAL(10, 4)"',
    "logicalType: string, logicalTypeOptions: { pattern: '[a-z]{6}' }",
    'logicalType: string, logicalTypeOptions: { format: hostname }',
  ])('differ in their key: %s', (fields) => {
    const made = values(`${fields}, primaryKey: true`, 2000)
    expect(new Set(made).size).toBe(2000)
  })

  it('differ where a rule of the whole partition wants it', () => {
    const made = values(
      'logicalType: string, quality: [{ metric: duplicateValues, mustBe: 0 }]',
      500,
    )
    expect(new Set(made).size).toBe(500)
  })

  it('have the names they are delivered by', () => {
    expect(
      rowsOf(
        contract('      - { name: x, physicalName: X-1, logicalType: date, required: true }'),
        1,
      ),
    ).toEqual([{ 'X-1': '2024-02-29' }])
  })

  it('have the columns that measures name, where new ones may come', () => {
    const properties = `      - { name: n, logicalType: integer, required: true }
      - { name: r, semanticType: measure, transformLogic: sum(imps) / sum(n) }`
    const evolve = '    customProperties: [{ property: newColumns, value: evolve }]'
    expect(sampleColumns(contract(properties, evolve)).map(({ name }) => name)).toEqual([
      'n',
      'imps',
    ])
    expect(sampleColumns(contract(properties)).map(({ name }) => name)).toEqual(['n'])
  })

  it.each([
    ['logicalType: boolean, primaryKey: true', 3, 'a boolean has no 3 different values'],
    [
      'logicalType: string, primaryKey: true, enum: [{ value: a }]',
      2,
      '2 different values are needed and 1 permitted',
    ],
    [
      'logicalType: integer, unique: true, logicalTypeOptions: { minimum: 1, maximum: 2 }',
      3,
      'its limits leave 2 values, and 3 are needed',
    ],
    [
      "logicalType: date, required: true, logicalTypeOptions: { minimum: '2025-01-01' }",
      1,
      'no date lies in 2024-02-29 and within its limits',
    ],
    [
      "logicalType: string, required: true, logicalTypeOptions: { pattern: '\\p{L}' }",
      1,
      'no text fits its pattern or length',
    ],
    [
      'logicalType: integer, required: true, logicalTypeOptions: { minimum: 3, maximum: 5, multipleOf: 7 }',
      1,
      'its limits leave no value',
    ],
  ])('cannot always be made up: %s', (fields, rows, message) => {
    expect(() => values(fields, rows)).toThrow(
      expect.objectContaining({ code: 'sample_impossible', message: `x: ${message}.` }),
    )
  })

  it('use examples where a pattern is not understood', () => {
    const made = values(
      "logicalType: string, required: true, examples: [é, '1'], logicalTypeOptions: { pattern: '\\p{L}' }",
      5,
    )
    expect(new Set(made)).toEqual(new Set(['é']))
  })
})

/** An independent check of numbers, as limits are the easiest to get wrong. */
describe('limits', () => {
  const holds = (column: Column, text: string): boolean => {
    const value = decimalText(text) ?? 'none'
    const { minimum, maximum, exclusive_minimum, exclusive_maximum, multiple_of } = column
    return (
      (minimum === undefined || compareDecimals(value, minimum) >= 0) &&
      (maximum === undefined || compareDecimals(value, maximum) <= 0) &&
      (exclusive_minimum === undefined || compareDecimals(value, exclusive_minimum) > 0) &&
      (exclusive_maximum === undefined || compareDecimals(value, exclusive_maximum) < 0) &&
      (multiple_of === undefined ||
        (scaled(value, 9) ?? 1n) % (scaled(multiple_of, 9) ?? 1n) === 0n)
    )
  }
  it.each([
    'logicalType: number, physicalType: "DECIMAL(9, 3)", logicalTypeOptions: { minimum: -1.5, exclusiveMaximum: 2, multipleOf: 0.25 }',
    'logicalType: number, logicalTypeOptions: { exclusiveMinimum: -0.5, maximum: 0.5 }',
    'logicalType: integer, logicalTypeOptions: { exclusiveMinimum: 1.5, multipleOf: 1.5 }',
    'logicalType: integer, logicalTypeOptions: { minimum: 9007199254740993, maximum: 9007199254740999 }',
    'logicalType: number, physicalType: "DECIMAL(2, 1)", logicalTypeOptions: { minimum: 9.5 }',
  ])('%s', (fields) => {
    const read = contract(`      - { name: x, required: true, ${fields} }`)
    const [column] = read.columns
    for (const { x } of rowsOf(read, 300)) {
      expect(column && holds(column, String(x))).toBe(true)
    }
  })
})
