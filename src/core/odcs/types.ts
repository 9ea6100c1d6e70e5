import type { Column, ColumnType } from '../contract/contract.ts'
import { isZone } from '../zone.ts'
import { defined, type Findings } from './findings.ts'
import type { Item, LogicalType, LogicalTypeOptions } from './schema.ts'
import type { Path } from './source.ts'

/** A type, and what the physical type says besides. */
export interface ReadType {
  readonly type: ColumnType
  /** From `VARCHAR(n)`. */
  readonly max_length?: number
  /** The source keeps these values as text. */
  readonly as_text: boolean
}

type Physical =
  | { readonly is: 'text'; readonly length?: number }
  | { readonly is: 'decimal'; readonly precision?: number; readonly scale?: number }
  | { readonly is: 'integer'; readonly bits: 8 | 16 | 32 | 64; readonly signed: boolean }
  | { readonly is: 'huge' | 'double' | 'boolean' | 'date' | 'time' | 'timestamp' | 'uuid' | 'json' }
  | { readonly is: 'nested' }

const integers: Record<string, [8 | 16 | 32 | 64, boolean]> = {
  TINYINT: [8, true],
  SMALLINT: [16, true],
  INT2: [16, true],
  INT16: [16, true],
  MEDIUMINT: [32, true],
  INT: [32, true],
  INTEGER: [32, true],
  INT4: [32, true],
  INT32: [32, true],
  BIGINT: [64, true],
  LONG: [64, true],
  INT64: [64, true],
  // Eight bytes in PostgreSQL, Redshift and DuckDB; eight bits elsewhere. The wide reading refuses nothing.
  INT8: [64, true],
  UTINYINT: [8, false],
  USMALLINT: [16, false],
  UINTEGER: [32, false],
  UBIGINT: [64, false],
}

const families: readonly [RegExp, Exclude<Physical['is'], 'integer' | 'decimal' | 'text'>][] = [
  [/^(HUGEINT|INT128)$/, 'huge'],
  [/^(DOUBLE|DOUBLE PRECISION|FLOAT|FLOAT4|FLOAT8|FLOAT32|FLOAT64|REAL)$/, 'double'],
  [/^(BOOLEAN|BOOL)$/, 'boolean'],
  [/^DATE$/, 'date'],
  [/^TIME( WITHOUT TIME ZONE)?$/, 'time'],
  [
    /^(TIMESTAMP|DATETIME|DATETIME2|TIMESTAMPTZ|TIMESTAMP_(NTZ|LTZ|TZ|S|MS|NS)|TIMESTAMP WITH(OUT)? TIME ZONE)$/,
    'timestamp',
  ],
  [/^(UUID|UNIQUEIDENTIFIER)$/, 'uuid'],
  [/^(JSON|JSONB|VARIANT|SUPER)$/, 'json'],
  [/^(ARRAY|LIST|MAP|STRUCT|RECORD|ROW|OBJECT)\b/, 'nested'],
]

/** Undefined for spellings that are not known. */
function physicalType(spelling: string): Physical | undefined {
  const upper = spelling.trim().toUpperCase().replace(/\s+/g, ' ')
  const [, base = '', inner, tail = ''] =
    /^([A-Z_][A-Z0-9_ ]*?) ?(?:\(([^)]*)\) ?([A-Z ]*))?$/.exec(upper) ?? []
  const [first, second] = (inner ?? '').split(',').map((part) => Number.parseInt(part, 10))
  const name = tail === '' ? base : `${base} ${tail}`
  if (/^(N?VARCHAR2?|N?CHAR|CHARACTER|CHARACTER VARYING|TEXT|STRING|CLOB)$/.test(base)) {
    return { is: 'text', ...(first !== undefined && first > 0 ? { length: first } : {}) }
  }
  if (/^(DECIMAL|DEC|NUMERIC|NUMBER|BIGNUMERIC)$/.test(base)) {
    if (first === undefined || Number.isNaN(first)) return { is: 'decimal' }
    return { is: 'decimal', precision: first, scale: Number.isNaN(second ?? 0) ? 0 : (second ?? 0) }
  }
  const unsigned = / UNSIGNED$/.test(name)
  const integer = integers[name.replace(/ UNSIGNED$/, '')]
  if (integer) return { is: 'integer', bits: integer[0], signed: integer[1] && !unsigned }
  const family = families.find(([pattern]) => pattern.test(name) || pattern.test(upper))
  return family && { is: family[1] }
}

const implied: Record<Physical['is'], LogicalType | undefined> = {
  text: 'string',
  decimal: 'number',
  integer: 'integer',
  huge: 'integer',
  double: 'number',
  boolean: 'boolean',
  date: 'date',
  time: 'time',
  timestamp: 'timestamp',
  uuid: 'string',
  json: 'string',
  nested: undefined,
}

const integer_formats = /^([iu])(8|16|32|64|128)$/

/** Which options the standard has for which logical type. */
const options_of: Record<LogicalType, readonly (keyof LogicalTypeOptions)[]> = {
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  date: ['format', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  timestamp: [
    'format',
    'minimum',
    'maximum',
    'exclusiveMinimum',
    'exclusiveMaximum',
    'timezone',
    'defaultTimezone',
  ],
  time: [
    'format',
    'minimum',
    'maximum',
    'exclusiveMinimum',
    'exclusiveMaximum',
    'timezone',
    'defaultTimezone',
  ],
  number: ['format', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  integer: ['format', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  object: ['minProperties', 'maxProperties', 'required'],
  array: ['minItems', 'maxItems', 'uniqueItems'],
  boolean: [],
  map: [],
  vector: [
    'dimensions',
    'elementType',
    'distanceMetric',
    'embeddingModel',
    'embeddingModelVersion',
    'normalized',
  ],
}

/**
 * The type of a property, or of the item of an array or map. `fieldsOf` compiles the fields of an
 * object; types and columns contain each other.
 */
export function readType(
  item: Item,
  path: Path,
  findings: Findings,
  fieldsOf: (item: Item, path: Path) => Column[],
): ReadType {
  const physical = item.physicalType === undefined ? undefined : physicalType(item.physicalType)
  const logical = item.logicalType ?? (physical && implied[physical.is])
  const fallback: ReadType = { type: { kind: 'string' }, as_text: false }
  if (logical === undefined) {
    findings.problem(path, 'has no logicalType, and its physicalType does not tell one')
    return fallback
  }
  checkShape(item, logical, path, findings)
  const decided = (reason: string) =>
    findings.ignored([...path, 'physicalType'], `${reason}; the logical type ${logical} decides`)
  if (item.physicalType !== undefined && physical === undefined) {
    decided(`physical type ${item.physicalType} is not known here`)
  }
  const options = item.logicalTypeOptions ?? {}
  const as_text = physical?.is === 'text' && logical !== 'string'
  const plain = (type: ColumnType): ReadType => ({ type, as_text })
  const differs = (...fitting: Physical['is'][]) => {
    if (physical && physical.is !== 'text' && !fitting.includes(physical.is)) {
      decided(`physical type ${item.physicalType} is of another kind`)
    }
  }
  switch (logical) {
    case 'string':
      if (physical?.is === 'uuid') return plain({ kind: 'uuid' })
      if (physical?.is === 'json') return plain({ kind: 'json' })
      differs()
      if (options.format === 'uuid' && physical === undefined) return plain({ kind: 'uuid' })
      return defined({
        type: { kind: 'string' } as const,
        as_text: false,
        max_length: physical?.is === 'text' ? physical.length : undefined,
      })
    case 'integer': {
      const [, sign, bits] = integer_formats.exec(options.format ?? '') ?? []
      if (options.format !== undefined && sign === undefined) {
        findings.problem(
          [...path, 'logicalTypeOptions', 'format'],
          `${options.format} is no format of an integer: i8 to i128, u8 to u128`,
        )
      }
      differs('integer', 'huge', 'decimal')
      if (bits === '128' || (bits === undefined && physical?.is === 'huge')) {
        return plain({ kind: 'decimal', precision: 38, scale: 0 })
      }
      if (bits !== undefined) {
        return plain({ kind: 'integer', bits: Number(bits) as 8, signed: sign === 'i' })
      }
      if (physical?.is === 'integer') {
        return plain({ kind: 'integer', bits: physical.bits, signed: physical.signed })
      }
      if (physical?.is === 'decimal' && physical.precision !== undefined) {
        if ((physical.scale ?? 0) > 0) decided('an integer has no digits after the point')
        return plain(decimal(physical.precision, 0, path, findings))
      }
      // The standard's JSON schema names i32 as the default of `format`; refusing a count beyond
      // two thousand million because nobody wrote a width would help no one.
      return plain({ kind: 'integer', bits: 64, signed: true })
    }
    case 'number':
      if (options.format !== undefined && !/^f(32|64)$/.test(options.format)) {
        findings.problem(
          [...path, 'logicalTypeOptions', 'format'],
          `${options.format} is no format of a number: f32 or f64`,
        )
      }
      if (options.format === 'f32') {
        findings.ignored([...path, 'logicalTypeOptions', 'format'], 'numbers are kept in 64 bits')
      }
      differs('double', 'decimal', 'integer', 'huge')
      if (physical?.is === 'decimal') {
        if (physical.precision === undefined) {
          findings.notes.push(
            `${String(item.name ?? 'a value')}: ${item.physicalType} names no precision; read as DECIMAL(38, 9).`,
          )
        }
        return plain(decimal(physical.precision ?? 38, physical.scale ?? 9, path, findings))
      }
      if (physical?.is === 'huge') return plain({ kind: 'decimal', precision: 38, scale: 0 })
      if (physical?.is === 'integer') {
        return plain({ kind: 'integer', bits: physical.bits, signed: physical.signed })
      }
      return plain({ kind: 'number' })
    case 'boolean':
    case 'date':
    case 'time':
      differs(logical)
      return plain({ kind: logical })
    case 'timestamp': {
      differs('timestamp')
      const zone = options.defaultTimezone ?? 'UTC'
      if (!isZone(zone)) {
        findings.problem(
          [...path, 'logicalTypeOptions', 'defaultTimezone'],
          `${zone} is no time zone: use an IANA name such as Asia/Seoul`,
        )
      }
      return plain({ kind: 'timestamp', zone: /^(Etc\/UTC|Z)$/.test(zone) ? 'UTC' : zone })
    }
    case 'object': {
      differs('json', 'nested')
      const fields = fieldsOf(item, path)
      if (fields.length === 0) return plain({ kind: 'json', must_be_object: true })
      return plain({ kind: 'object', fields })
    }
    case 'array':
      differs('json', 'nested')
      if (!item.items) {
        findings.ignored(path, 'an array without `items` is kept as JSON, whatever its items are')
        return plain({ kind: 'json' })
      }
      return plain({
        kind: 'array',
        item: innerType(item.items, [...path, 'items'], findings, fieldsOf),
      })
    case 'map': {
      differs('json', 'nested')
      if (!item.map) return fallback
      const key = item.map.key.logicalType ?? 'string'
      if (key !== 'string') {
        findings.ignored(
          [...path, 'map', 'key', 'logicalType'],
          `keys are read as strings, not as ${key}`,
        )
      }
      return plain({
        kind: 'map',
        value: innerType(item.map.value, [...path, 'map', 'value'], findings, fieldsOf),
      })
    }
    case 'vector': {
      differs('nested', 'json')
      const element = options.elementType ?? 'float32'
      const item_type: ColumnType =
        element === 'int8'
          ? { kind: 'integer', bits: 8, signed: true }
          : element === 'uint8' || element === 'binary'
            ? { kind: 'integer', bits: 8, signed: false }
            : { kind: 'number' }
      for (const option of [
        'distanceMetric',
        'embeddingModel',
        'embeddingModelVersion',
        'normalized',
      ] as const) {
        if (options[option] !== undefined) {
          findings.ignored([...path, 'logicalTypeOptions', option], 'describes the vector only')
        }
      }
      return plain({ kind: 'array', item: item_type })
    }
  }
}

/** Type inside an array or a map: its own limits cannot be checked. */
function innerType(
  item: Item,
  path: Path,
  findings: Findings,
  fieldsOf: (item: Item, path: Path) => Column[],
): ColumnType {
  for (const rule of [
    'enum',
    'quality',
    'required',
    'unique',
    'primaryKey',
    'partitioned',
  ] as const) {
    const value = item[rule]
    if (value !== undefined && value !== false) {
      findings.ignored(
        [...path, rule],
        'is not checked on the items of an array or the entries of a map',
      )
    }
  }
  for (const option of Object.keys(item.logicalTypeOptions ?? {})) {
    // These decide the type itself and are executed.
    const kept =
      option === 'defaultTimezone' ||
      (option === 'format' &&
        (item.logicalType === 'integer' || item.logicalTypeOptions?.format === 'uuid'))
    if (!kept) {
      findings.ignored(
        [...path, 'logicalTypeOptions', option],
        'is not checked on the items of an array or the entries of a map',
      )
    }
  }
  return readType(item, path, findings, fieldsOf).type
}

function decimal(precision: number, scale: number, path: Path, findings: Findings): ColumnType {
  if (precision < 1 || precision > 38 || scale < 0 || scale > precision) {
    findings.problem(
      [...path, 'physicalType'],
      `a decimal has 1 to 38 digits, of which at most all stand after the point; not (${precision}, ${scale})`,
    )
    return { kind: 'decimal', precision: 38, scale: 0 }
  }
  return { kind: 'decimal', precision, scale }
}

/** Options and parts that belong to another logical type. */
function checkShape(item: Item, logical: LogicalType, path: Path, findings: Findings): void {
  for (const option of Object.keys(item.logicalTypeOptions ?? {})) {
    if (!options_of[logical].includes(option as keyof LogicalTypeOptions)) {
      findings.problem(
        [...path, 'logicalTypeOptions', option],
        `${option} is no option of the logical type ${logical}`,
      )
    }
  }
  const owners = { properties: 'object', items: 'array', map: 'map' } as const
  for (const [part, owner] of Object.entries(owners)) {
    if (item[part as keyof typeof owners] !== undefined && logical !== owner) {
      findings.problem(
        [...path, part],
        `\`${part}\` belongs to the logical type ${owner}, not ${logical}`,
      )
    }
  }
  if (logical === 'map' && !item.map) {
    findings.problem(path, 'a map needs `map` with the types of its key and value')
  }
  if (logical === 'vector' && item.logicalTypeOptions?.dimensions === undefined) {
    findings.problem(path, 'a vector needs logicalTypeOptions.dimensions')
  }
}
