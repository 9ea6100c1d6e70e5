import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { diffContracts } from '../contract/diff.ts'
import { lintContract } from '../contract/lint.ts'
import { contractPage } from '../contract/page.ts'
import { ExchangeError } from '../errors.ts'
import { parseContract, readContract } from './odcs.ts'
import { LOGICAL_TYPES } from './schema.ts'

/** Reads a text; anything but a contract or `contract_invalid` with places is a failure of the test. */
function read(text: string) {
  try {
    return parseContract(text).contract
  } catch (error) {
    if (!(error instanceof ExchangeError)) throw error
    expect(error.code).toBe('contract_invalid')
    const problems = error.details.problems as {
      line: number
      column: number
      message: string
    }[]
    expect(problems.length).toBeGreaterThan(0)
    const lines = text.split('\n').length
    for (const problem of problems) {
      expect(problem.message).not.toBe('')
      expect(problem.line).toBeGreaterThanOrEqual(1)
      expect(problem.line).toBeLessThanOrEqual(lines + 1)
      expect(problem.column).toBeGreaterThanOrEqual(1)
    }
    expect(readContract(text).problems).toEqual(problems)
    return undefined
  }
}

const value = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constantFrom('a', 1, true, '2024-01-01'))
/** A field that is right, and now and then of any kind. */
const mostly = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof(
    { weight: 60, arbitrary: arbitrary as fc.Arbitrary<unknown> },
    { weight: 1, arbitrary: value },
  )
/** Given in one document out of four. */
const rarely = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 1, nil: undefined })

const limit = (...values: (number | string)[]) => rarely(fc.constantFrom(...values))
const numbers = { minimum: limit(0, -5, 0.5), maximum: limit(9, 1e3), multipleOf: limit(1, 0.25) }
const item = fc.constantFrom(
  { logicalType: 'string' },
  { logicalType: 'integer', logicalTypeOptions: { maximum: 3 } },
  { logicalType: 'object', properties: [{ name: 'f', logicalType: 'date' }] },
)
const typed = fc.oneof(
  fc.record({
    logicalType: fc.constant('string'),
    physicalType: rarely(fc.constantFrom('VARCHAR(30)', 'uuid', 'JSON', '((')),
    logicalTypeOptions: rarely(
      fc.record({
        minLength: limit(0, 2),
        maxLength: limit(3, 1),
        pattern: rarely(fc.constantFrom('[a-z]+', '(', '(?=x)')),
        format: rarely(fc.constantFrom('uuid', 'email', 'byte')),
      }),
    ),
    enum: rarely(fc.constant([{ value: 'a' }, { value: 'b' }])),
  }),
  fc.record({
    logicalType: fc.constant('integer'),
    physicalType: rarely(fc.constantFrom('BIGINT', 'DECIMAL(5,0)', 'VARCHAR')),
    logicalTypeOptions: rarely(
      fc.record({ ...numbers, format: rarely(fc.constantFrom('i8', 'u64', 'i128', 'f32')) }),
    ),
    enum: rarely(fc.constantFrom([{ value: 1 }], [{ value: 'a' }])),
  }),
  fc.record({
    logicalType: fc.constant('number'),
    physicalType: rarely(fc.constantFrom('DECIMAL(9, 3)', 'DOUBLE', 'DECIMAL(50)')),
    logicalTypeOptions: rarely(fc.record(numbers)),
  }),
  fc.record({
    logicalType: fc.constant('timestamp'),
    logicalTypeOptions: rarely(
      fc.record({
        minimum: limit('2024-01-01T00:00:00Z', 'now'),
        format: rarely(fc.constantFrom('yyyy-MM-dd HH:mm', 'EEE')),
        defaultTimezone: rarely(fc.constantFrom('UTC', 'Asia/Seoul', 'KST')),
      }),
    ),
    partitioned: rarely(fc.boolean()),
  }),
  fc.record({ logicalType: fc.constantFrom('date', 'time', 'boolean', 'array', 'object') }),
  fc.record({ logicalType: fc.constant('array'), items: item }),
  fc.record({ logicalType: fc.constant('map'), map: fc.record({ key: item, value: item }) }),
  fc.record({
    logicalType: fc.constant('vector'),
    logicalTypeOptions: rarely(fc.constant({ dimensions: 3 })),
  }),
  fc.record({ logicalType: mostly(fc.constantFrom(...LOGICAL_TYPES)) }),
)
const custom = (properties: Record<string, unknown[]>) =>
  fc.subarray(Object.keys(properties), { maxLength: 2 }).chain((chosen) =>
    fc.tuple(
      ...chosen.map((property) =>
        fc.record({
          property: fc.constant(property),
          value: mostly(fc.constantFrom(...(properties[property] ?? []))),
        }),
      ),
    ),
  )
const quality = fc.array(
  fc.oneof(
    fc.record({
      metric: fc.constantFrom('rowCount', 'duplicateValues', 'nullValues'),
      mustBe: mostly(fc.nat(3)),
    }),
    fc.record({
      type: fc.constant('sql'),
      query: fc.constantFrom('SELECT 1', ''),
      mustBeLessThan: fc.nat(3),
    }),
    fc.constantFrom({ type: 'text' }, { metric: 'rowCount', mustBeBetween: [2, 1] }),
  ),
  { maxLength: 1 },
)
const property = fc
  .tuple(
    fc.record({
      name: fc.oneof(
        { weight: 20, arbitrary: fc.stringMatching(/^[a-z]{3,9}$/) },
        { weight: 1, arbitrary: fc.constantFrom('_row', 'A b', '한글', 'x"y', '') },
      ),
      required: rarely(mostly(fc.boolean())),
      unique: rarely(mostly(fc.boolean())),
      primaryKey: rarely(fc.boolean()),
      primaryKeyPosition: rarely(fc.integer({ min: -1, max: 3 })),
      semanticType: rarely(fc.constantFrom('column', 'measure', 'dimension')),
      transformLogic: rarely(fc.constant('sum(a)')),
      quality: rarely(quality),
      customProperties: rarely(
        custom({
          acceptedNames: [['other'], ['id']],
          requiredKeys: [['id'], [['id', 'key']]],
          lowerCaseKeys: [true],
          truncateTo: ['seconds'],
          acceptJsonText: [true],
          owner: ['me'],
        }),
      ),
    }),
    typed,
  )
  .map(([common, type]) => ({ ...common, ...type }))
const document = fc.record({
  apiVersion: fc.constantFrom('v3.2.0', 'v3.0.0'),
  kind: fc.constant('DataContract'),
  id: mostly(fc.constant('c')),
  version: fc.constant('1.0.0'),
  schema: fc.array(
    fc.record({
      name: fc.constant('events'),
      properties: fc.array(property, { minLength: 1, maxLength: 3 }),
      quality: rarely(quality),
      customProperties: rarely(
        custom({
          publish: ['append', 'upsert'],
          versionColumn: ['ts'],
          newColumns: ['evolve', 'reject'],
          deduplicate: ['feed', { days: 2 }],
          flat: [true],
        }),
      ),
    }),
    { minLength: 1, maxLength: 2 },
  ),
  slaProperties: rarely(
    fc.array(
      fc.record({
        property: fc.constantFrom('timeOfAvailability', 'frequency', 'latency', 'errorRate', 'x'),
        value: fc.constantFrom('13:00 Asia/Seoul', '25:00', 1, 15, 'daily', 99),
        unit: rarely(fc.constantFrom('d', 'm', 'percent')),
        element: rarely(fc.constantFrom('events', 'other')),
      }),
      { maxLength: 2 },
    ),
  ),
})

describe('any document', () => {
  let compiled = 0
  it('is a contract, or fails with a code and places', () => {
    fc.assert(
      fc.property(document, (made) => {
        if (read(stringify(made))) compiled += 1
      }),
      { numRuns: 300 },
    )
    // Both outcomes must have been seen, or the property says little.
    expect(compiled).toBeGreaterThan(10)
    expect(compiled).toBeLessThan(300)
  })

  it('differs from itself in nothing, and from another by changes of known sides', () => {
    fc.assert(
      fc.property(document, document, (one, other) => {
        const [old, next] = [read(stringify(one)), read(stringify(other))]
        if (old) {
          expect(diffContracts(old, old)).toEqual([])
          expect(contractPage(old)).toContain('## Columns')
          expect(lintContract(stringify(one)).valid).toBe(true)
        }
        if (old && next) {
          for (const change of diffContracts(old, next)) {
            expect(change.message).toMatch(/\.$/)
            expect(change.breaking).toBe(change.breaks.length > 0)
          }
        }
      }),
      { numRuns: 100 },
    )
  })
})

it('any text is a contract, or fails with a code and places', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
      read(text)
    }),
  )
})

it('a valid document with a piece cut out or put in never crashes', () => {
  const valid = `apiVersion: v3.2.0
kind: DataContract
id: &id c
version: 1.0.0
name: *id
schema:
  - name: events
    properties:
      - { name: ts, logicalType: timestamp, partitioned: true }
      - name: m
        logicalType: map
        map: { key: { logicalType: string }, value: { logicalType: string } }
`
  fc.assert(
    fc.property(
      fc.nat(valid.length),
      fc.nat(20),
      fc.oneof(
        fc.constantFrom(
          '*id',
          '&a ',
          '? ',
          '- ',
          '!!set ',
          '%YAML 1.1\n---\n',
          '<<: ',
          '\t',
          '...\n',
        ),
        fc.string(),
      ),
      (at, cut, put) => {
        read(valid.slice(0, at) + put + valid.slice(at + cut))
      },
    ),
    { numRuns: 500 },
  )
})
