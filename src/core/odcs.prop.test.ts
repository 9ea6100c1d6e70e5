import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { diffContracts } from './contract-diff.ts'
import { lintContract } from './contract-lint.ts'
import { contractPage } from './contract-page.ts'
import { ExchangeError } from './errors.ts'
import { parseContract, readContract } from './odcs.ts'
import { LOGICAL_TYPES } from './odcs-schema.ts'

/** Reads a text; anything but a contract or `contract_invalid` with places is a failure of the test. */
function read(text: string) {
  try {
    return parseContract(text).contract
  } catch (error) {
    if (!(error instanceof ExchangeError)) throw error
    expect(error.code).toBe('contract_invalid')
    const problems = error.details['problems'] as {
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

const name = fc.oneof(
  fc.stringMatching(/^[a-z_]{1,8}$/),
  fc.constantFrom('ts', '_row', 'A b', '한글', 'x"y'),
)
const value = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constantFrom('a', 1, true, '2024-01-01'))
const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
/** Fields that are mostly right, some missing and some of any kind. */
const sometimes = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 12, arbitrary }, { weight: 1, arbitrary: value as fc.Arbitrary<unknown> })

const options = fc.record(
  {
    minLength: sometimes(fc.nat(9)),
    maxLength: sometimes(fc.nat(9)),
    minimum: sometimes(fc.oneof(number, fc.constant('2024-01-01'))),
    maximum: sometimes(fc.oneof(number, fc.constant('2024-01-01T00:00:00Z'))),
    multipleOf: sometimes(fc.constantFrom(0.1, 1, 2.5)),
    pattern: sometimes(fc.constantFrom('[a-z]+', '(', '(?=x)')),
    format: sometimes(fc.constantFrom('uuid', 'email', 'i8', 'u128', 'f32', 'yyyy-MM-dd', 'EEE')),
    defaultTimezone: sometimes(fc.constantFrom('UTC', 'Asia/Seoul', 'KST')),
    minItems: sometimes(fc.nat(5)),
    required: sometimes(fc.constant(['a'])),
    dimensions: sometimes(fc.integer({ min: 1, max: 4 })),
  },
  { requiredKeys: [] },
)
const custom = fc.array(
  fc.record({
    property: fc.constantFrom(
      'acceptedNames',
      'requiredKeys',
      'declaredKeys',
      'lowerCaseKeys',
      'truncateTo',
      'acceptJsonText',
      'publish',
      'versionColumn',
      'newColumns',
      'deduplicate',
      'owner',
    ),
    value: fc.oneof(value, fc.constantFrom(['id'], [['id', 'key']], true, 'upsert', 'ts')),
  }),
  { maxLength: 3 },
)
const quality = fc.array(
  fc.record(
    {
      type: sometimes(fc.constantFrom('text', 'library', 'sql', 'custom')),
      metric: sometimes(
        fc.constantFrom('rowCount', 'nullValues', 'duplicateValues', 'invalidValues'),
      ),
      query: sometimes(fc.constant('SELECT 1')),
      mustBe: sometimes(fc.nat(3)),
      mustBeBetween: sometimes(fc.constantFrom([1, 2], [2, 1])),
      unit: sometimes(fc.constantFrom('rows', 'percent')),
      arguments: sometimes(fc.constantFrom({ properties: ['a'] }, { validValues: [1] })),
    },
    { requiredKeys: [] },
  ),
  { maxLength: 2 },
)
const { property } = fc.letrec((tie) => ({
  property: fc.record(
    {
      name,
      logicalType: sometimes(fc.constantFrom(...LOGICAL_TYPES)),
      physicalType: sometimes(
        fc.constantFrom(
          'VARCHAR(3)',
          'DECIMAL(5,2)',
          'DECIMAL(50)',
          'BIGINT',
          'uuid',
          '((',
          'JSON',
        ),
      ),
      logicalTypeOptions: sometimes(options),
      required: sometimes(fc.boolean()),
      unique: sometimes(fc.boolean()),
      primaryKey: sometimes(fc.boolean()),
      primaryKeyPosition: sometimes(fc.integer({ min: -1, max: 3 })),
      partitioned: sometimes(fc.boolean()),
      semanticType: sometimes(fc.constantFrom('column', 'measure', 'dimension')),
      transformLogic: sometimes(fc.constant('sum(a)')),
      enum: sometimes(fc.array(fc.record({ value }), { minLength: 1, maxLength: 3 })),
      quality: sometimes(quality),
      customProperties: sometimes(custom),
      properties: sometimes(fc.array(tie('property'), { maxLength: 2 })),
      items: sometimes(tie('property')),
      map: sometimes(fc.record({ key: tie('property'), value: tie('property') })),
    },
    { requiredKeys: ['name', 'logicalType'] },
  ),
}))
const sla = fc.array(
  fc.record(
    {
      property: fc.constantFrom(
        'timeOfAvailability',
        'frequency',
        'latency',
        'errorRate',
        'retention',
        'x',
      ),
      value: sometimes(fc.constantFrom('13:00 Asia/Seoul', '25:00', 1, 15, 'daily', 99)),
      valueExt: sometimes(fc.nat(3)),
      unit: sometimes(fc.constantFrom('d', 'm', 'h', 'percent')),
      element: sometimes(fc.constantFrom('events', 'other')),
    },
    { requiredKeys: ['property', 'value'] },
  ),
  { maxLength: 3 },
)
const document = fc.record(
  {
    apiVersion: fc.constantFrom('v3.2.0', 'v3.0.0'),
    kind: fc.constant('DataContract'),
    id: fc.constant('c'),
    version: fc.constant('1.0.0'),
    schema: fc.array(
      fc.record(
        {
          name: fc.constant('events'),
          properties: fc.array(property, { minLength: 1, maxLength: 4 }),
          quality: sometimes(quality),
          customProperties: sometimes(custom),
        },
        { requiredKeys: ['name', 'properties'] },
      ),
      { minLength: 1, maxLength: 2 },
    ),
    slaProperties: sometimes(sla),
    unknownField: value,
  },
  { requiredKeys: ['apiVersion', 'kind', 'id', 'version', 'schema'] },
)

describe('any document', () => {
  let compiled = 0
  it('is a contract, or fails with a code and places', () => {
    fc.assert(
      fc.property(document, (made) => {
        if (read(stringify(made))) compiled += 1
      }),
      { numRuns: 600 },
    )
    // Both outcomes must have been seen, or the property says little.
    expect(compiled).toBeGreaterThan(10)
    expect(compiled).toBeLessThan(600)
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
      { numRuns: 300 },
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
