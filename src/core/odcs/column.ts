import type { z } from 'zod'
import type { Column, ColumnType } from '../contract/contract.ts'
import { compareDecimals, decimalText } from '../decimal-text.ts'
import { isTimeText, timePattern } from '../time-pattern.ts'
import { ColumnExtensions } from './extensions.ts'
import { defined, type Findings } from './findings.ts'
import type { CustomProperty, Item, LogicalTypeOptions, Property } from './schema.ts'
import { type Path, problemsOf } from './source.ts'
import { readType } from './types.ts'

/** Formats of strings that are checked; the standard also names `password`, `byte` and `binary`. */
const string_formats = ['uuid', 'email', 'uri', 'hostname', 'ipv4', 'ipv6'] as const

/** A property as a column of the dataset, or as a field of an object (`nested`). */
export function readColumn(
  property: Property,
  path: Path,
  findings: Findings,
  nested = false,
): Column {
  const fieldsOf = (item: Item, item_path: Path): Column[] => {
    const wanted = new Set(item.logicalTypeOptions?.required)
    const fields = (item.properties ?? []).map((field, index) => {
      const column = readColumn(field, [...item_path, 'properties', index], findings, true)
      return wanted.delete(field.name) ? { ...column, required: true } : column
    })
    for (const name of wanted) {
      // An object without declared fields stays JSON, whose fields are not looked into.
      const at = [...item_path, 'logicalTypeOptions', 'required']
      if (fields.length === 0)
        findings.ignored(at, `${name}: fields of an object without properties are not checked`)
      else findings.problem(at, `${name} is not among the object's properties`)
    }
    uniqueNames(fields, item_path, findings)
    return fields
  }
  const read = readType(property, path, findings, fieldsOf)
  const extensions = readExtensions(
    ColumnExtensions,
    property.customProperties,
    [...path, 'customProperties'],
    findings,
  )
  const options = property.logicalTypeOptions ?? {}
  const at = (option: keyof LogicalTypeOptions): Path => [...path, 'logicalTypeOptions', option]
  const { type } = read

  if (nested) {
    for (const word of ['primaryKey', 'partitioned', 'unique', 'quality'] as const) {
      const value = property[word]
      if (value !== undefined && value !== false) {
        findings.ignored([...path, word], 'is not executed inside an object')
      }
    }
  }
  for (const word of ['transformLogic', 'transformSourceObjects', 'encryptedName'] as const) {
    if (property[word] !== undefined) {
      findings.ignored(
        [...path, word],
        'describes how the source makes the column; nothing runs it here',
      )
    }
  }
  property.relationships?.forEach((_, index) => {
    findings.ignored([...path, 'relationships', index], 'foreign keys are not checked')
  })
  if (property.deprecated) findings.notes.push(`${property.name} is deprecated.`)

  if (options.timezone !== undefined) {
    findings.ignored(at('timezone'), 'times with and without a zone are both read')
  }
  if (options.uniqueItems) findings.ignored(at('uniqueItems'), 'items are not compared')

  const keys = readKeys(extensions, type, path, findings)
  only(extensions, 'truncateTo', type.kind === 'timestamp', 'a timestamp', path, findings)
  only(extensions, 'acceptIntegers', type.kind === 'string', 'a string', path, findings)
  const holds_json = ['map', 'object', 'array', 'json'].includes(type.kind)
  only(extensions, 'acceptJsonText', holds_json, 'a map, object, array or JSON', path, findings)
  only(
    extensions,
    'repairTrailingComma',
    holds_json,
    'a map, object, array or JSON',
    path,
    findings,
  )

  const names = [property.physicalName ?? property.name, ...(extensions.acceptedNames ?? [])]
  return defined({
    name: property.name,
    names: [...new Set(names)],
    type,
    required: property.required === true || property.primaryKey === true,
    description: property.description,
    semantic: property.semanticType ?? 'column',
    enum: readEnum(property, type, path, findings),
    ...readLimits(options, type, at, findings),
    ...readLengths(options, read.max_length, at, findings),
    pattern: readPattern(options.pattern, at('pattern'), findings),
    format: readStringFormat(property, type, at('format'), findings),
    time_format: readTimeFormat(options, type, at('format'), findings),
    ...readCounts(property, at, findings),
    truncate: extensions.truncateTo,
    keys,
    accept_json_text: extensions.acceptJsonText ?? (holds_json && read.as_text),
    accept_text: extensions.acceptText ?? (!holds_json && read.as_text),
    accept_integers: extensions.acceptIntegers || undefined,
    repair_trailing_comma: extensions.repairTrailingComma ?? false,
    unique: property.unique ?? false,
    examples: property.examples ?? [],
    line: findings.source.place(path).line,
  } as const)
}

/** Two columns may share no name, whatever the case: DuckDB does not tell them apart. */
export function uniqueNames(columns: readonly Column[], path: Path, findings: Findings): void {
  const owner = new Map<string, string>()
  columns.forEach((column, index) => {
    for (const name of new Set([column.name, ...column.names].map((text) => text.toLowerCase()))) {
      const other = owner.get(name)
      if (other !== undefined) {
        findings.problem(
          [...path, 'properties', index],
          `the name ${name} is taken by the column ${other}; names differ in more than case`,
        )
      }
      owner.set(name, column.name)
    }
  })
}

/** Our own words among custom properties; other people's are kept and reported. */
export function readExtensions<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  properties: readonly CustomProperty[] | undefined,
  path: Path,
  findings: Findings,
): z.output<z.ZodObject<Shape>> | Record<string, never> {
  const ours: Record<string, unknown> = {}
  const places = new Map<string, Path>()
  properties?.forEach((entry, index) => {
    const { property, value, vendor } = entry
    const known = Object.hasOwn(schema.shape, property) && (vendor ?? 'bucketline') === 'bucketline'
    if (!known) {
      findings.ignored([...path, index], `${property} is not a word of ours here`)
    } else if (places.has(property)) {
      findings.problem([...path, index], `${property} is given twice`)
    } else {
      ours[property] = value
      places.set(property, [...path, index, 'value'])
    }
  })
  const result = schema.safeParse(ours)
  if (result.success) return result.data
  for (const issue of result.error.issues) {
    const [property, ...rest] = issue.path
    const place = places.get(String(property)) ?? path
    findings.problems.push(
      ...problemsOf(findings.source, { issues: [{ ...issue, path: rest }] }, place).map(
        (problem) => ({
          ...problem,
          message: `${String(property)}: ${problem.message}`,
        }),
      ),
    )
  }
  return {}
}

function only<Word extends keyof ColumnExtensions>(
  extensions: ColumnExtensions,
  word: Word,
  fits: boolean,
  what: string,
  path: Path,
  findings: Findings,
): void {
  if (extensions[word] !== undefined && !fits) {
    findings.problem([...path, 'customProperties'], `${word} is for ${what}`)
  }
}

function readKeys(
  extensions: ColumnExtensions,
  type: ColumnType,
  path: Path,
  findings: Findings,
): Column['keys'] {
  const { requiredKeys, declaredKeys, lowerCaseKeys } = extensions
  if (requiredKeys === undefined && declaredKeys === undefined && lowerCaseKeys === undefined) {
    return undefined
  }
  const at = [...path, 'customProperties']
  if (type.kind !== 'map') {
    findings.problem(at, 'requiredKeys, declaredKeys and lowerCaseKeys are for a map')
    return undefined
  }
  const required = (requiredKeys ?? []).map((entry) =>
    typeof entry === 'string' ? [entry] : entry,
  )
  const every = [...required.flat(), ...(declaredKeys ?? [])]
  if (lowerCaseKeys) {
    for (const key of every.filter((name) => name !== name.toLowerCase())) {
      findings.problem(at, `the key ${key} can never be there: keys are lower-cased`)
    }
  }
  const seen = new Set<string>()
  for (const key of required.flat()) {
    if (seen.has(key)) findings.problem(at, `the key ${key} is required twice`)
    seen.add(key)
  }
  for (const [kept, ...others] of required) {
    for (const other of others) {
      findings.notes.push(`The required key ${kept} is also accepted under the name ${other}.`)
    }
  }
  return { required, declared: declaredKeys ?? [], lower_case: lowerCaseKeys ?? false }
}

const number_kinds = ['integer', 'number', 'decimal']
const time_kinds = ['date', 'time', 'timestamp']

function readLimits(
  options: LogicalTypeOptions,
  type: ColumnType,
  at: (option: keyof LogicalTypeOptions) => Path,
  findings: Findings,
) {
  const limit = (option: 'minimum' | 'maximum' | 'exclusiveMinimum' | 'exclusiveMaximum') => {
    const value = options[option]
    if (value === undefined) return undefined
    if (number_kinds.includes(type.kind)) {
      if (typeof value !== 'number') {
        findings.problem(at(option), `${option} of a number is a number, not the text ${value}`)
        return undefined
      }
      return decimalText(findings.source.written(at(option)) ?? String(value)) ?? String(value)
    }
    if (time_kinds.includes(type.kind)) {
      if (typeof value === 'string' && isTimeText(value, type.kind as 'date')) return value
      findings.problem(at(option), `${option} of a ${type.kind} is an ISO 8601 text, not ${value}`)
    }
    return undefined
  }
  const minimum = limit('minimum')
  const maximum = limit('maximum')
  const exclusive_minimum = limit('exclusiveMinimum')
  const exclusive_maximum = limit('exclusiveMaximum')
  const low = minimum ?? exclusive_minimum
  const high = maximum ?? exclusive_maximum
  if (low !== undefined && high !== undefined && number_kinds.includes(type.kind)) {
    const empty = minimum === undefined || maximum === undefined ? 0 : 1
    if (compareDecimals(low, high) >= empty) {
      findings.problem(
        at(maximum === undefined ? 'exclusiveMaximum' : 'maximum'),
        `no value lies between ${low} and ${high}`,
      )
    }
  }
  const multiple_of =
    options.multipleOf === undefined
      ? undefined
      : (decimalText(findings.source.written(at('multipleOf')) ?? String(options.multipleOf)) ??
        String(options.multipleOf))
  return { minimum, maximum, exclusive_minimum, exclusive_maximum, multiple_of }
}

function readLengths(
  options: LogicalTypeOptions,
  physical_length: number | undefined,
  at: (option: keyof LogicalTypeOptions) => Path,
  findings: Findings,
) {
  const max_length = options.maxLength ?? physical_length
  if (
    options.minLength !== undefined &&
    max_length !== undefined &&
    options.minLength > max_length
  ) {
    findings.problem(
      at('minLength'),
      `no text has ${options.minLength} to ${max_length} characters`,
    )
  }
  return { min_length: options.minLength, max_length }
}

function readCounts(
  property: Property,
  at: (option: keyof LogicalTypeOptions) => Path,
  findings: Findings,
) {
  const options = property.logicalTypeOptions ?? {}
  const declared = property.logicalType === 'object' && (property.properties ?? []).length > 0
  if (declared) {
    for (const option of ['minProperties', 'maxProperties'] as const) {
      if (options[option] !== undefined) {
        findings.ignored(at(option), 'an object with declared properties has just these')
      }
    }
  }
  const min_items =
    options.dimensions ?? options.minItems ?? (declared ? undefined : options.minProperties)
  const max_items =
    options.dimensions ?? options.maxItems ?? (declared ? undefined : options.maxProperties)
  if (min_items !== undefined && max_items !== undefined && min_items > max_items) {
    findings.problem(
      at(property.logicalType === 'array' ? 'minItems' : 'minProperties'),
      `nothing has ${min_items} to ${max_items} items`,
    )
  }
  return { min_items, max_items }
}

function readPattern(pattern: string | undefined, path: Path, findings: Findings) {
  if (pattern === undefined) return undefined
  try {
    new RegExp(pattern, 'u')
  } catch (error) {
    findings.problem(path, `not a regular expression: ${(error as Error).message}`)
    return undefined
  }
  // RE2, which matches millions of values in linear time, has neither.
  if (/\(\?(<?[=!])|(?<!\\)(\\\\)*\\([1-9]|k<)/.test(pattern)) {
    findings.ignored(path, 'look-around and back references cannot be matched')
    return undefined
  }
  return pattern
}

function readStringFormat(
  property: Property,
  type: ColumnType,
  path: Path,
  findings: Findings,
): Column['format'] {
  const format = property.logicalTypeOptions?.format
  if (
    format === undefined ||
    (type.kind !== 'string' && type.kind !== 'uuid' && type.kind !== 'json')
  ) {
    return undefined
  }
  if (type.kind === 'uuid') {
    if (format !== 'uuid') findings.problem(path, `a UUID does not have the format ${format}`)
    return undefined
  }
  const known = string_formats.find((name) => name === format)
  if (!known || type.kind === 'json') findings.ignored(path, `the format ${format} is not checked`)
  return type.kind === 'json' ? undefined : known
}

function readTimeFormat(
  options: LogicalTypeOptions,
  type: ColumnType,
  path: Path,
  findings: Findings,
): string | undefined {
  if (options.format === undefined || !time_kinds.includes(type.kind)) return undefined
  const pattern = timePattern(options.format)
  if (typeof pattern === 'string') {
    findings.ignored(path, `${pattern}; ISO 8601 is read`)
    return undefined
  }
  return options.format
}

function readEnum(
  property: Property,
  type: ColumnType,
  path: Path,
  findings: Findings,
): Column['enum'] {
  if (property.enum === undefined) return undefined
  const values: (string | number)[] = []
  property.enum.forEach(({ value }, index) => {
    const at = [...path, 'enum', index, 'value']
    if (value === null) {
      findings.notes.push(
        `${property.name}: null among the permitted values; \`required\` decides about nulls.`,
      )
    } else if (['map', 'object', 'array', 'json', 'boolean'].includes(type.kind)) {
      findings.ignored(at, `values of a ${type.kind} are not compared with a list`)
    } else if (number_kinds.includes(type.kind)) {
      if (typeof value !== 'number') findings.problem(at, `${String(value)} is not a number`)
      else values.push(exactNumber(findings.source.written(at), value))
    } else if (typeof value !== 'string') {
      findings.problem(at, `${String(value)} is not a text: write it in quotes`)
    } else if (time_kinds.includes(type.kind) && !isTimeText(value, type.kind as 'date')) {
      findings.problem(at, `${value} is no ISO 8601 ${type.kind}`)
    } else values.push(value)
  })
  if (new Set(values).size < values.length) {
    findings.problem([...path, 'enum'], 'a value is listed twice')
  }
  return values.length === 0 ? undefined : values
}

/** A number where a double holds it exactly as it is written, else its text. */
function exactNumber(written: string | undefined, value: number): string | number {
  const text = written === undefined ? undefined : decimalText(written)
  return text === undefined || decimalText(String(value)) === text ? value : text
}
