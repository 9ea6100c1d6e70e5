import { ExchangeError } from '../errors.ts'
import type { Partition } from '../partition.ts'
import type { Column, ColumnType, Contract } from './contract.ts'
import { expressionColumns } from './measures.ts'
import { patternSample } from './pattern-sample.ts'
import { numberDomain, numberText } from './sample-numbers.ts'
import { type Random, randomOf, uuidOf } from './sample-random.ts'
import { timeSample } from './sample-times.ts'

/**
 * A plain value. Integers and decimals are their exact text, times ISO 8601 (or the column's
 * format), maps and objects are records, JSON is what it parses to.
 */
export type SampleValue =
  | null
  | boolean
  | string
  | number
  | readonly SampleValue[]
  | { readonly [name: string]: SampleValue }

export type SampleRow = Readonly<Record<string, SampleValue>>

export interface SampleOptions {
  readonly rows: number
  /** Every row lies in it. */
  readonly partition: Partition
  /** The same seed makes the same rows; default 1. */
  readonly seed?: number
}

/**
 * Columns of a sample, in order: the declared ones, and those that measures name where the
 * contract lets new columns in, so that the measures can be tried.
 */
export function sampleColumns(contract: Contract): Column[] {
  if (contract.new_columns !== 'evolve') return [...contract.columns]
  const known = new Set(contract.columns.flatMap(({ names }) => names))
  const extra = new Set(
    contract.measures
      .flatMap(({ expression }) => expressionColumns(expression))
      .filter((name) => !known.has(name)),
  )
  return [
    ...contract.columns,
    ...[...extra].map(
      (name): Column => ({
        name,
        names: [name],
        type: { kind: 'integer', bits: 64, signed: true },
        required: true,
        semantic: 'measure',
        accept_json_text: false,
        accept_text: false,
        repair_trailing_comma: false,
        unique: false,
        examples: [],
      }),
    ),
  ]
}

/**
 * Valid rows under the names they are delivered by. SQL rules of the contract are not looked at.
 * Throws `sample_impossible` where no value of a column can be made up, or not enough different ones.
 */
export function* sampleRows(contract: Contract, options: SampleOptions): Generator<SampleRow> {
  const { rows, partition, seed = 1 } = options
  const columns = sampleColumns(contract)
  const distinct = distinctColumns(contract)
  const never_null = new Set(
    contract.quality.flatMap((rule) =>
      'column' in rule && rule.column !== undefined ? [rule.column] : [],
    ),
  )
  const texts = new Map<string, Set<string>>()
  const used = (column: string) => {
    const known = texts.get(column) ?? new Set<string>()
    texts.set(column, known)
    return known
  }
  for (let row = 0; row < rows; row += 1) {
    const random = randomOf(seed, row)
    const place = { row, rows, seed, partition, used }
    const values: Record<string, SampleValue> = {}
    for (const column of columns) {
      const differs = distinct.has(column.name)
      const absent =
        !column.required &&
        !differs &&
        !never_null.has(column.name) &&
        column.name !== contract.time_column &&
        random.below(8) === 0
      values[column.names[0] ?? column.name] = absent
        ? null
        : sampleValue(column, random, place, differs)
    }
    yield values
  }
}

interface Where {
  readonly row: number
  readonly rows: number
  readonly seed: number
  readonly partition: Partition
  /** Texts of a column that were made up from its pattern, where each must differ. */
  readonly used: (column: string) => Set<string>
}

/** Columns whose values must all differ: unique ones, and one of every set that may not repeat. */
function distinctColumns(contract: Contract): Set<string> {
  const sets = [
    contract.key,
    ...contract.quality.flatMap((rule) =>
      rule.metric === 'duplicate_values' ? [rule.columns] : [],
    ),
  ]
  const distinct = new Set(contract.columns.filter(({ unique }) => unique).map(({ name }) => name))
  const ease = ['uuid', 'string', 'integer', 'decimal', 'timestamp', 'number', 'time', 'date']
  for (const names of sets) {
    if (names.some((name) => distinct.has(name))) continue
    const columns = contract.columns
      .filter(({ name }) => names.includes(name))
      .toSorted(
        (a, b) =>
          Number(a.enum !== undefined || a.pattern !== undefined) -
            Number(b.enum !== undefined || b.pattern !== undefined) ||
          ease.indexOf(a.type.kind) - ease.indexOf(b.type.kind),
      )
    if (columns[0]) distinct.add(columns[0].name)
  }
  return distinct
}

function sampleValue(column: Column, random: Random, where: Where, differs: boolean): SampleValue {
  const { type } = column
  const fail = (why: string): never => {
    throw new ExchangeError('sample_impossible', `${column.name}: ${why}.`, {
      details: { column: column.name },
    })
  }
  if (column.enum !== undefined) {
    if (!differs) return listed(random.pick(column.enum), type)
    const value = column.enum[where.row]
    return value === undefined
      ? fail(`${where.rows} different values are needed and ${column.enum.length} permitted`)
      : listed(value, type)
  }
  switch (type.kind) {
    case 'uuid':
      return uuidOf(random, where.seed, where.row)
    case 'boolean':
      return differs && where.rows > 2
        ? fail(`a boolean has no ${where.rows} different values`)
        : differs
          ? where.row === 0
          : random.below(2) === 0
    case 'integer':
    case 'number':
    case 'decimal': {
      const domain = numberDomain(column, differs ? where.rows : 1)
      if (domain === undefined) return fail('its limits leave no value')
      if (differs && domain.count < BigInt(where.rows)) {
        return fail(`its limits leave ${domain.count} values, and ${where.rows} are needed`)
      }
      return numberText(domain, random, differs ? where.row : undefined)
    }
    case 'date':
    case 'time':
    case 'timestamp':
      return (
        timeSample(column, where.partition, random, differs ? where : undefined) ??
        fail(`no ${type.kind} lies in ${where.partition.name} and within its limits`)
      )
    case 'string':
      return stringOf(column, random, where, differs) ?? fail('no text fits its pattern or length')
    case 'json':
      return jsonOf(column)
    case 'map':
      return mapOf(column, type.value, random, where)
    case 'array':
      return Array.from({ length: lengthOf(column, random) }, () =>
        inner(type.item, column, random, where),
      )
    case 'object':
      return Object.fromEntries(
        type.fields.map((field) => [
          field.names[0] ?? field.name,
          sampleValue(field, random, where, false),
        ]),
      )
  }
}

/** A permitted value as its type is written here: numbers are texts. */
const listed = (value: string | number, type: ColumnType): SampleValue =>
  ['integer', 'number', 'decimal'].includes(type.kind) ? String(value) : value

function inner(type: ColumnType, column: Column, random: Random, where: Where): SampleValue {
  const plain: Column = {
    name: column.name,
    names: [column.name],
    type,
    required: true,
    semantic: 'column',
    accept_json_text: false,
    accept_text: false,
    repair_trailing_comma: false,
    unique: false,
    examples: [],
  }
  return sampleValue(plain, random, where, false)
}

function lengthOf(column: Column, random: Random): number {
  const least = column.min_items ?? Math.min(1, column.max_items ?? 1)
  return least + random.below(Math.min((column.max_items ?? least + 2) - least, 2) + 1)
}

function mapOf(column: Column, type: ColumnType, random: Random, where: Where): SampleValue {
  const required = (column.keys?.required ?? []).map(([kept]) => kept ?? '')
  const keys = new Set([...required, ...(column.keys?.declared ?? [])])
  if (keys.size === 0) keys.add('sample')
  for (let number = 1; keys.size < (column.min_items ?? 0); number += 1) keys.add(`key_${number}`)
  const kept = [...keys].filter((key) => required.includes(key) || column.max_items === undefined)
  return Object.fromEntries(
    kept.map((key) => [
      key,
      type.kind === 'string' ? `${key}-${random.below(1000)}` : inner(type, column, random, where),
    ]),
  )
}

function jsonOf(column: Column): SampleValue {
  const fields = Math.max(column.min_items ?? 0, Math.min(1, column.max_items ?? 1))
  return Object.fromEntries(
    Array.from({ length: fields }, (_, index) => [
      index === 0 ? 'sample' : `sample_${index + 1}`,
      true,
    ]),
  )
}

function stringOf(
  column: Column,
  random: Random,
  where: Where,
  differs: boolean,
): string | undefined {
  const { min_length = 0, max_length = Number.POSITIVE_INFINITY } = column
  const number = differs ? where.row : random.below(10)
  const fits = (text: string) => text.length >= min_length && text.length <= max_length
  if (column.pattern !== undefined) {
    const pattern = new RegExp(`^(?:${column.pattern})$`, 'u')
    const used = where.used(column.name)
    const usable = (text: string) => fits(text) && !(differs && used.has(text))
    const examples = column.examples.filter(
      (value): value is string => typeof value === 'string' && pattern.test(value) && usable(value),
    )
    let found = examples.length > 0 ? random.pick(examples) : undefined
    for (let attempt = 0; attempt < 50 && found === undefined; attempt += 1) {
      const text = patternSample(column.pattern, random)
      if (text === undefined) break
      if (usable(text)) found = text
    }
    if (differs && found !== undefined) used.add(found)
    return found
  }
  if (column.format !== undefined) {
    const text = formatted[column.format](number, random, where)
    return fits(text) ? text : undefined
  }
  const short = number.toString(36)
  const text = `${column.name.toLowerCase()}-${number}`
  if (fits(text)) return text
  if (text.length < min_length) return text.padEnd(min_length, 'x')
  if (short.length > max_length) return undefined
  return fits(short) ? short : short.padStart(Math.max(min_length, 1), '0')
}

const formatted: Record<
  NonNullable<Column['format']>,
  (number: number, random: Random, where: Where) => string
> = {
  uuid: (_, random, where) => uuidOf(random, where.seed, where.row),
  email: (number) => `person.${number}@example.com`,
  uri: (number) => `https://example.com/${number}`,
  hostname: (number) => `host-${number}.example.com`,
  // Addresses kept for documentation: RFC 5737 and RFC 3849.
  ipv4: (number) =>
    number < 256
      ? `192.0.2.${number}`
      : `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`,
  ipv6: (number) =>
    `2001:db8::${(number % 65_536).toString(16)}:${Math.floor(number / 65_536).toString(16)}`,
}
