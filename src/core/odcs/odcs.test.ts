import { describe, expect, it } from 'vitest'
import type { Contract } from '../contract/contract.ts'
import { ExchangeError } from '../errors.ts'
import { parseContract, readContract } from './odcs.ts'

/** A document around the YAML of `properties` (indented by six) and what else belongs to it. */
function contract(properties: string, rest = '', object = ''): Contract {
  return parseContract(document(properties, rest, object)).contract
}
function document(properties: string, rest = '', object = ''): string {
  return `apiVersion: v3.2.0
kind: DataContract
id: c
version: 1.0.0
schema:
  - name: events
${object}    properties:
${properties}
${rest}`
}
/** One property's YAML: its fields, one a line. */
const property = (name: string, ...fields: string[]) =>
  [`      - name: ${name}`, ...fields.map((field) => `        ${field}`)].join('\n')
const column = (...fields: string[]) => contract(property('x', ...fields)).columns[0]
const problems = (text: string) => readContract(text).problems

describe('types', () => {
  it.each([
    [['logicalType: string'], { kind: 'string' }],
    [['logicalType: string', 'physicalType: uuid'], { kind: 'uuid' }],
    [['logicalType: string', 'logicalTypeOptions: { format: uuid }'], { kind: 'uuid' }],
    [
      ['logicalType: string', 'physicalType: VARCHAR(36)', 'logicalTypeOptions: { format: uuid }'],
      { kind: 'string' },
    ],
    [['logicalType: string', 'physicalType: JSONB'], { kind: 'json' }],
    [['logicalType: boolean'], { kind: 'boolean' }],
    [['logicalType: date'], { kind: 'date' }],
    [['logicalType: time'], { kind: 'time' }],
    [['logicalType: timestamp'], { kind: 'timestamp', zone: 'UTC' }],
    [
      ['logicalType: timestamp', 'logicalTypeOptions: { defaultTimezone: Asia/Seoul }'],
      { kind: 'timestamp', zone: 'Asia/Seoul' },
    ],
    [
      ['logicalType: timestamp', 'logicalTypeOptions: { defaultTimezone: Etc/UTC }'],
      { kind: 'timestamp', zone: 'UTC' },
    ],
    [['logicalType: number'], { kind: 'number' }],
    [['logicalType: number', 'physicalType: DOUBLE PRECISION'], { kind: 'number' }],
    [
      ['logicalType: number', 'physicalType: "decimal(24, 6)"'],
      { kind: 'decimal', precision: 24, scale: 6 },
    ],
    [
      ['logicalType: number', 'physicalType: NUMBER(10)'],
      { kind: 'decimal', precision: 10, scale: 0 },
    ],
    [
      ['logicalType: number', 'physicalType: NUMERIC'],
      { kind: 'decimal', precision: 38, scale: 9 },
    ],
    [
      ['logicalType: number', 'physicalType: SMALLINT'],
      { kind: 'integer', bits: 16, signed: true },
    ],
    [['logicalType: integer'], { kind: 'integer', bits: 64, signed: true }],
    [['logicalType: integer', 'physicalType: INT'], { kind: 'integer', bits: 32, signed: true }],
    [
      ['logicalType: integer', 'physicalType: BIGINT UNSIGNED'],
      { kind: 'integer', bits: 64, signed: false },
    ],
    [
      ['logicalType: integer', 'logicalTypeOptions: { format: u8 }'],
      { kind: 'integer', bits: 8, signed: false },
    ],
    [
      ['logicalType: integer', 'logicalTypeOptions: { format: i128 }'],
      { kind: 'decimal', precision: 38, scale: 0 },
    ],
    [
      ['logicalType: integer', 'physicalType: NUMERIC(20,0)'],
      { kind: 'decimal', precision: 20, scale: 0 },
    ],
    [['logicalType: object'], { kind: 'json', must_be_object: true }],
    [
      [
        'logicalType: map',
        'map: { key: { logicalType: string }, value: { logicalType: integer } }',
      ],
      { kind: 'map', value: { kind: 'integer', bits: 64, signed: true } },
    ],
    [
      ['logicalType: array', 'items: { logicalType: array, items: { logicalType: date } }'],
      { kind: 'array', item: { kind: 'array', item: { kind: 'date' } } },
    ],
    [
      ['logicalType: vector', 'logicalTypeOptions: { dimensions: 3, elementType: uint8 }'],
      { kind: 'array', item: { kind: 'integer', bits: 8, signed: false } },
    ],
    [['physicalType: TIMESTAMPTZ'], { kind: 'timestamp', zone: 'UTC' }],
    [['physicalType: TIMESTAMP(3) WITH TIME ZONE'], { kind: 'timestamp', zone: 'UTC' }],
  ])('%j', (fields, type) => {
    expect(column(...fields)?.type).toEqual(type)
  })

  it('takes the length of VARCHAR(n) as the greatest length', () => {
    expect(column('logicalType: string', 'physicalType: VARCHAR(12)')?.max_length).toBe(12)
  })

  it('reads values as text where the source keeps them as text', () => {
    expect(column('logicalType: date', 'physicalType: VARCHAR(10)')?.accept_text).toBe(true)
    expect(column('logicalType: date')?.accept_text).toBe(false)
  })

  it('reports a physical type it does not know, and one of another kind', () => {
    const { not_executed } = contract(
      [
        property('a', 'logicalType: string', 'physicalType: GEOGRAPHY'),
        property('b', 'logicalType: date', 'physicalType: BIGINT'),
      ].join('\n'),
    )
    expect(not_executed).toEqual([
      {
        path: 'schema[0].properties[0].physicalType',
        line: 10,
        reason: 'physical type GEOGRAPHY is not known here; the logical type string decides',
      },
      {
        path: 'schema[0].properties[1].physicalType',
        line: 13,
        reason: 'physical type BIGINT is of another kind; the logical type date decides',
      },
    ])
  })

  it('compiles the fields of an object, with those it requires', () => {
    const read = column(
      'logicalType: object',
      'logicalTypeOptions: { required: [a] }',
      'properties:',
      '  - { name: a, logicalType: string }',
      '  - { name: b, logicalType: integer, required: true }',
      '  - { name: c, logicalType: boolean }',
    )
    expect(read?.type.kind === 'object' && read.type.fields).toMatchObject([
      { name: 'a', type: { kind: 'string' }, required: true },
      { name: 'b', type: { kind: 'integer' }, required: true },
      { name: 'c', type: { kind: 'boolean' }, required: false },
    ])
  })
})

describe('columns', () => {
  it('compiles every rule of a property', () => {
    const read = column(
      'logicalType: string',
      'physicalName: X-1',
      'description: what',
      'required: true',
      'unique: true',
      'semanticType: dimension',
      'enum: [{ value: a1 }, { value: b2, label: B }]',
      "logicalTypeOptions: { minLength: 2, maxLength: 3, pattern: '[a-z]\\d', format: hostname }",
      'examples: [a1]',
      'customProperties:',
      '  - { property: acceptedNames, value: [y, X-1] }',
      '  - { property: acceptIntegers, value: true }',
    )
    expect(read).toEqual({
      name: 'x',
      names: ['X-1', 'y'],
      type: { kind: 'string' },
      required: true,
      description: 'what',
      semantic: 'dimension',
      enum: ['a1', 'b2'],
      min_length: 2,
      max_length: 3,
      pattern: '[a-z]\\d',
      format: 'hostname',
      accept_json_text: false,
      accept_text: false,
      accept_integers: true,
      repair_trailing_comma: false,
      unique: true,
      examples: ['a1'],
      line: 8,
    })
  })

  it('keeps limits exact, however they are written', () => {
    const read = column(
      'logicalType: number',
      'physicalType: DECIMAL(38, 10)',
      'logicalTypeOptions:',
      '  minimum: 0.10',
      '  exclusiveMaximum: 12345678901234567890.1234567891',
      '  multipleOf: 1e-10',
    )
    expect(read).toMatchObject({
      minimum: '0.1',
      exclusive_maximum: '12345678901234567890.1234567891',
      multiple_of: '0.0000000001',
    })
  })

  it('keeps permitted numbers that a double cannot hold as text', () => {
    const read = column('logicalType: integer', 'enum: [{ value: 1 }, { value: 9007199254740993 }]')
    expect(read?.enum).toEqual([1, '9007199254740993'])
  })

  it('compiles limits, patterns and truncation of times', () => {
    const read = column(
      'logicalType: timestamp',
      "logicalTypeOptions: { minimum: '2020-01-01T00:00:00Z', format: 'dd/MM/yyyy HH:mm' }",
      'customProperties: [{ property: truncateTo, value: seconds }]',
    )
    expect(read).toMatchObject({
      minimum: '2020-01-01T00:00:00Z',
      time_format: 'dd/MM/yyyy HH:mm',
      truncate: 'seconds',
    })
  })

  it('compiles keys of a map', () => {
    const { columns, notes } = contract(
      property(
        'p',
        'logicalType: map',
        'map: { key: { logicalType: string }, value: { logicalType: string } }',
        'customProperties:',
        '  - { property: requiredKeys, value: [os, [version, release]] }',
        '  - { property: declaredKeys, value: [os] }',
        '  - { property: lowerCaseKeys, value: true }',
        '  - { property: acceptJsonText, value: true }',
        '  - { property: repairTrailingComma, value: true }',
      ),
    )
    expect(columns[0]).toMatchObject({
      keys: { required: [['os'], ['version', 'release']], declared: ['os'], lower_case: true },
      accept_json_text: true,
      repair_trailing_comma: true,
    })
    expect(notes).toEqual(['The required key version is also accepted under the name release.'])
  })

  it.each([
    [
      'array',
      'logicalType: array',
      'items: { logicalType: string }',
      'logicalTypeOptions: { minItems: 1, maxItems: 4 }',
    ],
    ['object', 'logicalType: object', 'logicalTypeOptions: { minProperties: 1, maxProperties: 4 }'],
  ])('counts the items of an %s', (_, ...fields) => {
    expect(column(...fields)).toMatchObject({ min_items: 1, max_items: 4 })
  })

  it('holds a vector to its dimensions', () => {
    const read = column('logicalType: vector', 'logicalTypeOptions: { dimensions: 3 }')
    expect(read).toMatchObject({ min_items: 3, max_items: 3 })
  })

  it('requires the columns of a primary key and orders them by their places', () => {
    const read = contract(
      [
        property('a', 'logicalType: string', 'primaryKey: true', 'primaryKeyPosition: 2'),
        property('b', 'logicalType: string', 'primaryKey: true', 'primaryKeyPosition: 1'),
        property('c', 'logicalType: string', 'primaryKey: true'),
      ].join('\n'),
    )
    expect(read.key).toEqual(['b', 'a', 'c'])
    expect(read.columns.map(({ required }) => required)).toEqual([true, true, true])
  })

  it('belongs to its partition by the first partitioned time', () => {
    const read = contract(
      [
        property('region', 'logicalType: string', 'partitioned: true'),
        property('late', 'logicalType: timestamp', 'partitioned: true', 'partitionKeyPosition: 2'),
        property('ts', 'logicalType: timestamp', 'partitioned: true', 'partitionKeyPosition: 1'),
      ].join('\n'),
    )
    expect(read.time_column).toBe('ts')
    expect(read.not_executed.map(({ path }) => path)).toEqual([
      'schema[0].properties[0].partitioned',
      'schema[0].properties[1].partitioned',
    ])
  })
})

describe('the dataset', () => {
  it('compiles its own words', () => {
    const read = contract(
      [
        property('id', 'logicalType: string', 'primaryKey: true'),
        property('at', 'logicalType: timestamp'),
      ].join('\n'),
      '',
      `    customProperties:
      - { property: versionColumn, value: at }
      - { property: flat, value: true }
      - { property: ignoreCase, value: true }
      - { property: newColumns, value: reject }
      - { property: deduplicate, value: { days: 3 } }
      - { property: publish, value: upsert }
      - { property: fileBytes, value: 1000 }
      - { property: fileRows, value: 10 }
`,
    )
    expect(read).toMatchObject({
      version_column: 'at',
      flat: true,
      ignore_case: true,
      new_columns: 'reject',
      deduplicate: { scope: 'days', days: 3 },
      publish: 'upsert',
      advice: { file_bytes: 1000, file_rows: 10 },
    })
  })

  it('has defaults', () => {
    const read = contract(property('x', 'logicalType: string'))
    expect(read).toEqual({
      id: 'c',
      name: 'events',
      version: '1.0.0',
      columns: [expect.objectContaining({ name: 'x', required: false })],
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
    })
  })

  it('keeps a measure with an expression apart from the columns', () => {
    const read = contract(
      [
        property('n', 'logicalType: integer', 'semanticType: measure'),
        property(
          'rate',
          'semanticType: measure',
          'businessName: Rate',
          'transformLogic: sum(n) / count(*)',
        ),
      ].join('\n'),
    )
    expect(read.columns.map(({ name, semantic }) => [name, semantic])).toEqual([['n', 'measure']])
    expect(read.measures).toEqual([
      { name: 'rate', title: 'Rate', expression: 'sum(n) / count(*)' },
    ])
  })
})

describe('quality', () => {
  const rules = (yaml: string) =>
    contract(
      [
        property('a', 'logicalType: string', `quality: [${yaml}]`),
        property('b', 'logicalType: string'),
      ].join('\n'),
    ).quality[0]

  it.each([
    [
      '{ metric: nullValues, mustBe: 0 }',
      { metric: 'null_values', column: 'a', name: 'a nullValues' },
    ],
    [
      "{ metric: missingValues, mustBeLessThan: 5, unit: percent, arguments: { missingValues: [null, ''] } }",
      { metric: 'missing_values', missing: [null, ''], unit: 'percent' },
    ],
    [
      '{ metric: invalidValues, mustBe: 0, arguments: { validValues: [x, y] } }',
      { metric: 'invalid_values', valid: ['x', 'y'] },
    ],
    [
      "{ type: library, metric: invalidValues, mustBe: 0, arguments: { pattern: 'x+' } }",
      { metric: 'invalid_values', pattern: 'x+' },
    ],
    ['{ metric: duplicateValues, mustBe: 0 }', { metric: 'duplicate_values', columns: ['a'] }],
    [
      '{ metric: duplicateValues, mustBe: 0, arguments: { properties: [a, b] } }',
      { metric: 'duplicate_values', columns: ['a', 'b'] },
    ],
    [
      '{ metric: rowCount, mustBeBetween: [1, 9], severity: warning, name: size, description: d }',
      {
        metric: 'row_count',
        name: 'size',
        description: 'd',
        severity: 'warning',
        threshold: { operator: 'must_be_between', values: [1, 9] },
      },
    ],
    [
      "{ type: sql, query: 'SELECT count(*) FROM {object}', mustBeGreaterThan: 1 }",
      { metric: 'sql', query: 'SELECT count(*) FROM {object}', column: 'a' },
    ],
  ])('%s', (yaml, expected) => {
    expect(rules(yaml)).toMatchObject(expected)
  })

  it.each([
    ['mustBe: 1', 'must_be'],
    ['mustNotBe: 1', 'must_not_be'],
    ['mustBeGreaterThan: 1', 'must_be_greater_than'],
    ['mustBeGreaterOrEqualTo: 1', 'must_be_greater_or_equal_to'],
    ['mustBeLessThan: 1', 'must_be_less_than'],
    ['mustBeLessOrEqualTo: 1', 'must_be_less_or_equal_to'],
  ])('compares by %s', (operator, name) => {
    expect(rules(`{ metric: rowCount, ${operator} }`)?.threshold).toEqual({
      operator: name,
      values: [1],
    })
  })

  it('reports rules that do not run', () => {
    const { quality, not_executed } = contract(
      property(
        'a',
        'logicalType: string',
        'quality:',
        '  - { type: text, description: looks good }',
        '  - { type: custom, engine: soda, implementation: x }',
        '  - { metric: rowCount, mustBe: many }',
        '  - { metric: rowCount, mustBe: 1, unit: pages }',
        '  - { metric: rowCount, mustBe: 1, schedule: 0 1 * * * }',
      ),
    )
    expect(quality).toHaveLength(1)
    expect(not_executed.map(({ line, reason }) => [line, reason])).toEqual([
      [11, 'a rule in words is for people'],
      [12, 'rules of soda do not run here'],
      [13, 'only numbers are compared'],
      [14, 'the unit pages is not known: rows or percent'],
      [15, 'rules run with every load'],
    ])
  })
})

describe('service levels', () => {
  const levels = (...yaml: string[]) =>
    contract(
      property('ts', 'logicalType: timestamp'),
      `slaProperties:\n${yaml.map((line) => `  - ${line}`).join('\n')}`,
    )

  it.each([
    ['13:00 Asia/Seoul', { hour: 13, minute: 0, zone: 'Asia/Seoul', days_after: 1 }],
    ['09:30-08:00', { hour: 9, minute: 30, zone: '-08:00', days_after: 1 }],
    ["'7:05'", { hour: 7, minute: 5, zone: 'UTC', days_after: 1 }],
    ["'23:59 Z', valueExt: 2, unit: d", { hour: 23, minute: 59, zone: 'UTC', days_after: 2 }],
    ["'01:00 UTC', valueExt: 0", { hour: 1, minute: 0, zone: 'UTC', days_after: 0 }],
  ])('timeOfAvailability %s', (value, deadline) => {
    const read = levels(`{ property: timeOfAvailability, value: ${value} }`)
    expect(read.service_levels.available_by).toEqual(deadline)
  })

  it.each([
    ['value: 15, unit: m', '15 minutes'],
    ['value: 60, unit: minutes', 'hour'],
    ['value: 1, unit: h', 'hour'],
    ['value: 1, unit: d', 'day'],
    ['value: 24, unit: hours', 'day'],
    ['value: daily', 'day'],
    ['value: 1, unit: mo', 'month'],
    ['value: 1, unit: y', 'year'],
  ])('frequency %s', (value, grain) => {
    expect(levels(`{ property: frequency, ${value} }`).service_levels.frequency).toBe(grain)
  })

  it('latency, retention and errorRate', () => {
    const read = levels(
      '{ property: latency, value: 4, unit: d, element: events.ts }',
      '{ property: retention, value: 1, unit: y }',
      '{ property: errorRate, value: 0.5, unit: percent }',
    )
    expect(read.service_levels).toEqual({
      latency_ms: 345_600_000,
      retention_ms: 31_536_000_000,
      error_rate_percent: 0.5,
    })
  })

  it('reports what is not executed', () => {
    const read = levels(
      '{ property: generalAvailability, value: 2022-05-12T09:30:10-08:00 }',
      '{ property: frequency, value: 3, unit: d }',
      '{ property: latency, value: 1, unit: d, element: other.ts }',
      '{ property: latency, value: 1, unit: d }',
      '{ property: latency, value: 2, unit: d, driver: analytics }',
      '{ property: retention, value: 2, unit: y, schedule: 0 1 * * * }',
    )
    expect(read.service_levels).toEqual({ latency_ms: 86_400_000, retention_ms: 63_072_000_000 })
    expect(read.not_executed.map(({ path, reason }) => [path, reason])).toEqual([
      ['slaProperties[0]', 'generalAvailability is not a service level that is executed'],
      ['slaProperties[1]', '3 d is no cadence of partitions: 15 m, 1 h, 1 d, 1 mo, 1 y'],
      ['slaProperties[2]', 'is about other.ts, which is not the dataset'],
      ['slaProperties[4]', 'latency is given twice; the first one holds'],
      ['slaProperties[5]', 'retention deletes nothing: datasets are kept'],
      ['slaProperties[5].schedule', 'checks run with every load'],
    ])
  })
})

describe('what is not executed', () => {
  it('is reported with its line and kept in the document', () => {
    const text = document(
      property(
        'a',
        'logicalType: string',
        'transformLogic: upper(b)',
        'relationships: [{ to: other.id }]',
        'customProperties: [{ property: owner, value: me }]',
      ),
      `servers: [{ server: s, type: s3, location: 's3://x' }]
roles: [{ role: reader }]
customProperties: [{ property: flat, value: true }]`,
      '    relationships: [{ from: events.a, to: other.id }]\n',
    )
    const { contract: read, document: kept } = parseContract(text)
    expect(read.not_executed.map(({ path, line }) => [path, line])).toEqual([
      ['schema[0].relationships[0]', 7],
      ['schema[0].properties[0].transformLogic', 11],
      ['schema[0].properties[0].relationships[0]', 12],
      ['schema[0].properties[0].customProperties[0]', 13],
      ['servers[0]', 14],
      ['roles[0]', 15],
      ['customProperties[0]', 16],
    ])
    expect(kept.servers).toEqual([{ server: 's', type: 's3', location: 's3://x' }])
    expect(kept.schema?.[0]?.properties?.[0]?.transformLogic).toBe('upper(b)')
  })

  it('includes further schema objects, other vendors’ words, and what items cannot be held to', () => {
    const read = contract(
      property(
        'a',
        'logicalType: array',
        'items: { logicalType: string, logicalTypeOptions: { maxLength: 3 }, enum: [{ value: x }] }',
        'customProperties: [{ property: acceptJsonText, value: true, vendor: soda }]',
      ),
      '  - name: second',
    )
    expect(read.columns[0]?.accept_json_text).toBe(false)
    expect(read.not_executed.map(({ path }) => path)).toEqual([
      'schema[0].properties[0].items.enum',
      'schema[0].properties[0].items.logicalTypeOptions.maxLength',
      'schema[0].properties[0].customProperties[0]',
      'schema[1]',
    ])
  })
})

describe('problems', () => {
  it('stand at their line and column, all at once', () => {
    const text = `apiVersion: v2.2.0
kind: DataContract
id: c
versoin: 1.0.0
schema:
  - name: events
    properties:
      - name: a
        logicalType: text
      - logicalType: string
        required: yes
        primaryKeyPosition: first
        enum: [a]
`
    const found = problems(text).map(({ path, line, column, message }) => [
      `${line}:${column}`,
      path,
      message,
    ])
    expect(found).toEqual([
      ['1:1', 'version', 'is missing: expected string'],
      ['1:13', 'apiVersion', 'is one of v3.2.0, v3.1.0, v3.0.2, v3.0.1, v3.0.0'],
      [
        '4:1',
        'versoin',
        '`versoin` is not a field the standard has here; words of your own go into customProperties',
      ],
      [
        '9:22',
        'schema[0].properties[0].logicalType',
        'is one of string, date, timestamp, time, number, integer, object, array, boolean, map, vector',
      ],
      ['10:9', 'schema[0].properties[1].name', 'is missing: expected string'],
      ['11:19', 'schema[0].properties[1].required', 'expected boolean, received string'],
      ['12:29', 'schema[0].properties[1].primaryKeyPosition', 'expected number, received string'],
      ['13:16', 'schema[0].properties[1].enum[0]', 'expected object, received string'],
    ])
  })

  it.each<[string, string, number, number, string]>([
    [
      'an option of another type',
      property('x', 'logicalType: integer', 'logicalTypeOptions: { maxLength: 3 }'),
      10,
      42,
      'maxLength is no option of the logical type integer',
    ],
    [
      'a map without its types',
      property('x', 'logicalType: map'),
      8,
      9,
      'a map needs `map` with the types of its key and value',
    ],
    [
      'items of a string',
      property('x', 'logicalType: string', 'items: { logicalType: string }'),
      10,
      16,
      '`items` belongs to the logical type array, not string',
    ],
    [
      'no type at all',
      property('x', 'required: true'),
      8,
      9,
      'has no logicalType, and its physicalType does not tell one',
    ],
    [
      'too many digits',
      property('x', 'logicalType: number', 'physicalType: DECIMAL(39, 2)'),
      10,
      23,
      'a decimal has 1 to 38 digits, of which at most all stand after the point; not (39, 2)',
    ],
    [
      'limits that leave nothing',
      property('x', 'logicalType: integer', 'logicalTypeOptions: { minimum: 5, maximum: 4 }'),
      10,
      52,
      'no value lies between 5 and 4',
    ],
    [
      'a limit that is a text',
      property('x', 'logicalType: integer', "logicalTypeOptions: { minimum: '5' }"),
      10,
      40,
      'minimum of a number is a number, not the text 5',
    ],
    [
      'a limit that is no date',
      property('x', 'logicalType: date', 'logicalTypeOptions: { minimum: 2023-02-30 }'),
      10,
      40,
      'minimum of a date is an ISO 8601 text, not 2023-02-30',
    ],
    [
      'a broken pattern',
      property('x', 'logicalType: string', "logicalTypeOptions: { pattern: '(' }"),
      10,
      40,
      'not a regular expression: Invalid regular expression: /(/u: Unterminated group',
    ],
    [
      'a permitted value of another type',
      property('x', 'logicalType: integer', 'enum: [{ value: a }]'),
      10,
      25,
      'a is not a number',
    ],
    [
      'a zone that is none',
      property('x', 'logicalType: timestamp', 'logicalTypeOptions: { defaultTimezone: KST }'),
      10,
      48,
      'KST is no time zone: use an IANA name such as Asia/Seoul',
    ],
    [
      'a key that is no scalar',
      property('x', 'logicalType: object', 'primaryKey: true'),
      10,
      21,
      'a json cannot be a key',
    ],
    [
      'names that differ in case only',
      [property('x', 'logicalType: string'), property('X', 'logicalType: string')].join('\n'),
      10,
      9,
      'the name x is taken by the column x; names differ in more than case',
    ],
    [
      'a reserved name',
      property('_row', 'logicalType: string'),
      8,
      9,
      'the name _row is kept for where a row came from',
    ],
    [
      'a word of ours of the wrong type',
      property(
        'x',
        'logicalType: string',
        'customProperties: [{ property: acceptIntegers, value: 7 }]',
      ),
      10,
      63,
      'acceptIntegers: expected boolean, received number',
    ],
    [
      'a word of ours on the wrong column',
      property(
        'x',
        'logicalType: string',
        'customProperties: [{ property: requiredKeys, value: [a] }]',
      ),
      10,
      27,
      'requiredKeys, declaredKeys and lowerCaseKeys are for a map',
    ],
    [
      'a rule without an operator',
      property('x', 'logicalType: string', 'quality: [{ metric: nullValues }]'),
      10,
      19,
      'a rule needs an operator to compare with, such as mustBe or mustBeLessThan',
    ],
    [
      'a rule with two',
      property(
        'x',
        'logicalType: string',
        'quality: [{ metric: nullValues, mustBe: 0, mustNotBe: 1 }]',
      ),
      10,
      19,
      'a rule has one operator, not mustBe and mustNotBe',
    ],
    [
      'a measure that is required',
      property('x', 'semanticType: measure', 'transformLogic: sum(y)', 'required: true'),
      11,
      19,
      'a measure with transformLogic is not delivered: required cannot hold for it',
    ],
  ])('%s', (_, yaml, line, column_, message) => {
    expect(problems(document(yaml))).toContainEqual(
      expect.objectContaining({ line, column: column_, message }),
    )
  })

  it.each([
    ['versionColumn', 'value: y }', 'versionColumn: there is no column y'],
    ['publish', 'value: upsert }', 'publish: upsert needs a primary key'],
    ['newColumns', 'value: keep }', 'newColumns: is one of evolve, rescue, reject'],
    ['deduplicate', 'value: weekly }', 'deduplicate: is `partition`, `feed`, or `{ days: 7 }`'],
  ])('the dataset’s %s', (word, value, message) => {
    const text = document(
      property('x', 'logicalType: string'),
      '',
      `    customProperties: [{ property: ${word}, ${value}]\n`,
    )
    expect(problems(text)[0]?.message).toBe(message)
  })

  it.each([
    [
      '{ property: timeOfAvailability, value: noon }',
      'noon is no time of day with a zone, such as 13:00 Asia/Seoul or 09:00-08:00',
    ],
    [
      '{ property: timeOfAvailability, value: 13:00 KST }',
      'KST is no time zone: use an IANA name such as Asia/Seoul, or an offset such as +09:00',
    ],
    [
      '{ property: latency, value: 4 }',
      'latency is a number with a unit (s, m, h, d, w, mo, y), not 4',
    ],
    ['{ property: errorRate, value: 101 }', 'errorRate is a percentage from 0 to 100, not 101'],
  ])('%s', (yaml, message) => {
    const text = document(property('x', 'logicalType: string'), `slaProperties:\n  - ${yaml}`)
    expect(problems(text)).toMatchObject([{ line: 11, message }])
  })

  it('of the YAML itself', () => {
    expect(problems('a: [1, 2\nb: 3\n')[0]).toMatchObject({
      line: 2,
      message: expect.stringContaining('not valid YAML'),
    })
    expect(problems('a: 1\na: 2\n')[0]).toMatchObject({ line: 2, column: 1 })
    expect(problems('')[0]?.message).toMatch(/expected object/)
    expect(problems('['.repeat(50_000))[0]?.message).toBe('nested deeper than 100 levels')
    expect(problems('- '.repeat(50_000))[0]?.message).toBe('nested deeper than 100 levels')
    expect(problems('x'.repeat(5_000_000))[0]?.message).toMatch(/characters/)
  })

  it('of an alias that grows without end', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
      .split('')
      .map(
        (name, index) => `${name}: &${name} [${Array(10).fill(`*${'abcdefgh'[index]}`).join(',')}]`,
      )
      .join('\n')}`
    expect(problems(bomb)[0]?.message).toMatch(/not readable as YAML/)
  })

  it('become one coded error', () => {
    const error = (() => {
      try {
        parseContract('kind: DataContract', 'events.odcs.yaml')
        return undefined
      } catch (caught) {
        return caught
      }
    })()
    expect(error).toBeInstanceOf(ExchangeError)
    expect(error).toMatchObject({
      code: 'contract_invalid',
      message: expect.stringMatching(
        /^events\.odcs\.yaml is not a contract .*\n {2}1:1 apiVersion: is missing/,
      ),
      details: {
        problems: expect.arrayContaining([expect.objectContaining({ path: 'id', line: 1 })]),
      },
    })
  })
})
