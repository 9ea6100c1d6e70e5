import { stringify } from 'yaml'
import { readTypeName, type TypeName } from '../duckdb-type.ts'
import { RESERVED_NAMES } from '../odcs/odcs.ts'
import type { Item, Property } from '../odcs/schema.ts'

/** What the values of one field of the sample files look like; counts are of rows. */
export interface FieldProfile {
  readonly name: string
  readonly rows: number
  readonly present: number
  /** Different values, at most counted exactly. */
  readonly distinct: number
  /** DuckDB's name of the type where the format has types. */
  readonly type?: string
  /** JSON kinds; for CSV all are strings. */
  readonly strings: number
  readonly integers: number
  readonly numbers: number
  readonly booleans: number
  readonly objects: number
  readonly arrays: number
  /** How many texts (or values as text) have that form. */
  readonly uuids: number
  readonly timestamps: number
  readonly dates: number
  readonly integer_texts: number
  readonly number_texts: number
  readonly boolean_texts: number
  readonly object_texts: number
  /** Objects whose values are all texts or null. */
  readonly text_objects: number
  /** The different values, where they are few. */
  readonly values: readonly string[]
}

export interface Draft {
  /** An ODCS document; compiles if it has columns. */
  readonly text: string
  /** How many columns there are; a document of none does not compile. */
  readonly columns: number
  /** What was guessed, and what could not be said. */
  readonly notes: readonly string[]
}

export interface DraftOptions {
  /** Name of the dataset. */
  readonly name: string
  readonly format: 'parquet' | 'jsonl' | 'csv'
}

type Guess = Omit<Item, 'name'>

/** Drafts a contract from what sample files hold. Everything in it is a guess from these files alone. */
export function draftContract(fields: readonly FieldProfile[], options: DraftOptions): Draft {
  const notes: string[] = []
  const usable = usableFields(fields, notes)
  const properties = usable.map((field): Property => {
    const guess = guessOf(field, options, notes)
    const required = field.rows > 0 && field.present === field.rows
    return { name: field.name, ...guess, ...(required ? { required: true } : {}) }
  })
  const key = properties.find((property, index) => {
    const field = usable[index]
    return (
      field !== undefined &&
      property.required === true &&
      isUuid(property) &&
      field.rows > 1 &&
      field.distinct === field.rows
    )
  })
  if (key) {
    key.primaryKey = true
    key.primaryKeyPosition = 1
    notes.push(`${key.name} is guessed to be the key: it is a UUID that never comes twice.`)
  }
  const times = properties.filter(
    ({ logicalType, required }) => logicalType === 'timestamp' && required,
  )
  const time =
    times.find(({ name }) => /^(ts|time|timestamp|event_?time|occurred_?at)$/i.test(name)) ??
    (times.length === 1 ? times[0] : undefined)
  if (time) {
    time.partitioned = true
    time.partitionKeyPosition = 1
    notes.push(`${time.name} is guessed to be the time by which rows belong to partitions.`)
  }
  const document = {
    apiVersion: 'v3.2.0',
    kind: 'DataContract',
    id: options.name,
    name: options.name,
    version: '0.1.0',
    status: 'draft',
    schema: [
      {
        name: options.name,
        logicalType: 'object',
        properties: properties.map(ordered),
      },
    ],
  }
  const heading = [
    'Drafted from sample files: check every line before it is agreed on.',
    ...notes.map((note) => `- ${note}`),
  ]
  const comment = heading.map((line) => `# ${line.replace(/[\r\n]+/g, ' ')}`).join('\n')
  return {
    text: `${comment}
${stringify(document, { lineWidth: 100, aliasDuplicateObjects: false })}`,
    columns: properties.length,
    notes,
  }
}

/** Without the fields no column can be called after. */
function usableFields(fields: readonly FieldProfile[], notes: string[]): FieldProfile[] {
  const taken = new Set(RESERVED_NAMES)
  return fields.filter(({ name }) => {
    const known = taken.has(name.toLowerCase())
    taken.add(name.toLowerCase())
    if (name === '') notes.push('A field without a name is left out.')
    else if (known)
      notes.push(`${name} is left out: another column has the name, or it is reserved.`)
    return name !== '' && !known
  })
}

const isUuid = (property: Property): boolean =>
  property.physicalType === 'UUID' || property.logicalTypeOptions?.format === 'uuid'

/** Fields in the order in which people read them. */
function ordered(property: Property): Record<string, unknown> {
  const { name, logicalType, physicalType, logicalTypeOptions, ...rest } = property
  const first = { name, logicalType, physicalType, logicalTypeOptions }
  return Object.fromEntries(
    Object.entries({ ...first, ...rest }).filter(([, value]) => value !== undefined),
  )
}

function guessOf(field: FieldProfile, options: DraftOptions, notes: string[]): Guess {
  if (field.present === 0 && field.type === undefined) {
    notes.push(`${field.name} holds no value in the samples; string is a guess.`)
    return { logicalType: 'string' }
  }
  if (field.type !== undefined) {
    const type = readTypeName(field.type)
    const guess = type && fromType(type)
    if (!guess) {
      notes.push(`${field.name} is of the type ${field.type}, which has no word in the standard.`)
      return { logicalType: 'string' }
    }
    return guess.logicalType === 'string' && guess.physicalType === undefined
      ? fromText(field, field.present)
      : guess
  }
  if (options.format === 'csv') return fromCsv(field, notes)
  return fromJson(field, notes)
}

/** JSON has kinds of its own. */
function fromJson(field: FieldProfile, notes: string[]): Guess {
  const { present } = field
  if (field.strings === present) return fromText(field, present)
  if (field.integers === present) return { logicalType: 'integer' }
  if (field.integers + field.numbers === present) return { logicalType: 'number' }
  if (field.booleans === present) return { logicalType: 'boolean' }
  if (field.objects === present) {
    if (field.text_objects === present) return textMap
    return { logicalType: 'object', physicalType: 'JSON' }
  }
  if (field.strings + field.integers === present) {
    notes.push(`${field.name} holds texts and whole numbers; both are read as text.`)
    return {
      logicalType: 'string',
      customProperties: [{ property: 'acceptIntegers', value: true }],
    }
  }
  notes.push(`${field.name} holds values of several kinds, or lists, and is kept as JSON.`)
  return { logicalType: 'string', physicalType: 'JSON' }
}

/** In CSV everything is text that looks like something. */
function fromCsv(field: FieldProfile, notes: string[]): Guess {
  const { present } = field
  if (field.boolean_texts === present) return { logicalType: 'boolean' }
  if (field.integer_texts === present) return { logicalType: 'integer' }
  if (field.number_texts === present) return { logicalType: 'number' }
  if (field.object_texts === present) {
    notes.push(`${field.name} holds JSON objects as text.`)
    return {
      logicalType: 'object',
      physicalType: 'JSON',
      customProperties: [{ property: 'acceptJsonText', value: true }],
    }
  }
  return fromText(field, present)
}

function fromText(field: FieldProfile, present: number): Guess {
  if (present > 0 && field.uuids === present) {
    return { logicalType: 'string', logicalTypeOptions: { format: 'uuid' } }
  }
  if (present > 0 && field.dates === present) return { logicalType: 'date' }
  if (present > 0 && field.timestamps === present) return { logicalType: 'timestamp' }
  // A short list that a hundred rows keep repeating is more than chance.
  const repeated = present >= 100 && field.distinct > 1 && field.distinct * 20 <= present
  const code = /(^|_|[a-z])(id|key|code)$/i.test(field.name)
  if (repeated && !code && field.distinct <= 10 && field.values.length === field.distinct) {
    return {
      logicalType: 'string',
      enum: field.values.toSorted().map((value) => ({ value })),
    }
  }
  return { logicalType: 'string' }
}

const textMap: Guess = {
  logicalType: 'map',
  map: { key: { logicalType: 'string' }, value: { logicalType: 'string' } },
}

const plain: Record<string, Guess> = {
  VARCHAR: { logicalType: 'string' },
  ENUM: { logicalType: 'string' },
  BOOLEAN: { logicalType: 'boolean' },
  TINYINT: { logicalType: 'integer', logicalTypeOptions: { format: 'i8' } },
  SMALLINT: { logicalType: 'integer', logicalTypeOptions: { format: 'i16' } },
  INTEGER: { logicalType: 'integer', logicalTypeOptions: { format: 'i32' } },
  BIGINT: { logicalType: 'integer', logicalTypeOptions: { format: 'i64' } },
  HUGEINT: { logicalType: 'integer', logicalTypeOptions: { format: 'i128' } },
  UTINYINT: { logicalType: 'integer', logicalTypeOptions: { format: 'u8' } },
  USMALLINT: { logicalType: 'integer', logicalTypeOptions: { format: 'u16' } },
  UINTEGER: { logicalType: 'integer', logicalTypeOptions: { format: 'u32' } },
  UBIGINT: { logicalType: 'integer', logicalTypeOptions: { format: 'u64' } },
  UHUGEINT: { logicalType: 'integer', logicalTypeOptions: { format: 'u128' } },
  FLOAT: { logicalType: 'number', physicalType: 'FLOAT' },
  DOUBLE: { logicalType: 'number', physicalType: 'DOUBLE' },
  DATE: { logicalType: 'date' },
  TIME: { logicalType: 'time' },
  TIMESTAMP: { logicalType: 'timestamp' },
  TIMESTAMP_S: { logicalType: 'timestamp' },
  TIMESTAMP_MS: { logicalType: 'timestamp' },
  TIMESTAMP_NS: { logicalType: 'timestamp' },
  'TIMESTAMP WITH TIME ZONE': { logicalType: 'timestamp' },
  UUID: { logicalType: 'string', physicalType: 'UUID' },
  JSON: { logicalType: 'string', physicalType: 'JSON' },
}

function fromType(type: TypeName): Guess | undefined {
  if ('list' in type) {
    const items = fromType(type.list)
    return items && { logicalType: 'array', items }
  }
  if ('map' in type) {
    const key = fromType(type.map.key)
    const value = fromType(type.map.value)
    return key && value && { logicalType: 'map', map: { key, value } }
  }
  if ('struct' in type) {
    const properties = type.struct.map(({ name, type: of }): Property | undefined => {
      const guess = fromType(of)
      return guess && { name, ...guess }
    })
    if (properties.some((property) => property === undefined)) return undefined
    return {
      logicalType: 'object',
      properties: properties.filter((property) => property !== undefined),
    }
  }
  if (type.name === 'DECIMAL') {
    const [precision = 18, scale = 3] = type.arguments
    return { logicalType: 'number', physicalType: `DECIMAL(${precision}, ${scale})` }
  }
  return plain[type.name]
}
