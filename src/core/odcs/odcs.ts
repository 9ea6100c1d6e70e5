import type { Column, Contract, Measure, Scope } from '../contract/contract.ts'
import { ExchangeError } from '../errors.ts'
import { readColumn, readExtensions, uniqueNames } from './column.ts'
import { DatasetExtensions } from './extensions.ts'
import { defined, type Findings, newFindings } from './findings.ts'
import { readQuality } from './quality.ts'
import { OdcsDocument, type Property, type SchemaObject } from './schema.ts'
import { readServiceLevels } from './service-levels.ts'
import { byPlace, type ContractProblem, type Path, problemsOf, readSource } from './source.ts'

export type { ContractProblem } from './source.ts'

/** A document without faults, and what it compiles to. */
export interface ParsedContract {
  readonly contract: Contract
  /** The whole document, also what nothing executes. */
  readonly document: OdcsDocument
}

/**
 * Compiles an ODCS document. Throws `contract_invalid` with every fault found, each with its
 * path, line and column under `details.problems`. `name` is what messages call the document.
 */
export function parseContract(text: string, name = 'the contract'): ParsedContract {
  const read = readContract(text)
  if (read.contract && read.document) return { contract: read.contract, document: read.document }
  const shown = read.problems
    .slice(0, 10)
    .map(
      (problem) =>
        `  ${problem.line}:${problem.column} ${problem.path || 'document'}: ${problem.message}`,
    )
  const more = read.problems.length - shown.length
  throw new ExchangeError(
    'contract_invalid',
    `${name} is not a contract that can be used:\n${shown.join('\n')}${more > 0 ? `\n  and ${more} more` : ''}`,
    { details: { source: name, problems: read.problems } },
  )
}

/** As `parseContract`, with the faults as a value: for `lint`. */
export function readContract(text: string): Partial<ParsedContract> & {
  readonly problems: readonly ContractProblem[]
} {
  const source = readSource(text)
  if (source.problems.length > 0) return { problems: source.problems }
  const parsed = OdcsDocument.safeParse(source.value)
  if (!parsed.success) return { problems: problemsOf(source, parsed.error).toSorted(byPlace) }
  const findings = newFindings(source)
  const contract = compile(parsed.data, findings)
  if (!contract || findings.problems.length > 0) {
    return { problems: findings.problems.toSorted(byPlace) }
  }
  return { contract, document: parsed.data, problems: [] }
}

/** Columns every dataset has besides, or has when fields are rescued. */
export const RESERVED_NAMES: readonly string[] = ['_object', '_row', '_rescued']

function compile(document: OdcsDocument, findings: Findings): Contract | undefined {
  const [object, ...others] = document.schema ?? []
  const path: Path = ['schema', 0]
  if (!object) {
    findings.problem(['schema'], 'there is no schema object, so there is nothing to receive')
    return undefined
  }
  reportUnused(document, others, findings)
  const { columns, measures } = readProperties(object, path, findings)
  const extensions = readExtensions(
    DatasetExtensions,
    object.customProperties,
    [...path, 'customProperties'],
    findings,
  )
  const key = readKey(object, columns, path, findings)
  const time_column = readTimeColumn(object, columns, path, findings)
  const version_column = extensions.versionColumn
  const at = [...path, 'customProperties']
  if (version_column !== undefined) {
    const column = columns.find(({ name }) => name === version_column)
    if (!column) findings.problem(at, `versionColumn: there is no column ${version_column}`)
    else if (!ordered(column)) {
      findings.problem(at, `versionColumn: a ${column.type.kind} has no order`)
    }
  }
  if (extensions.publish === 'upsert') {
    if (key.length === 0) findings.problem(at, 'publish: upsert needs a primary key')
    if (version_column === undefined) findings.problem(at, 'publish: upsert needs a versionColumn')
  }
  const column_of = (property: Property) => columns.find(({ name }) => name === property.name)
  const quality = [
    ...readQuality(object.quality, [...path, 'quality'], findings, { columns }),
    ...(object.properties ?? []).flatMap((property, index) => {
      const column = column_of(property)
      if (!column) return []
      const rules_path = [...path, 'properties', index, 'quality']
      return readQuality(property.quality, rules_path, findings, { column, columns })
    }),
  ]
  const elements = new Set(
    [
      object.name,
      object.physicalName,
      ...columns.flatMap(({ name, names }) => [name, ...names]),
    ].filter((name) => name !== undefined),
  )
  const service_levels = readServiceLevels(
    document.slaProperties ?? [],
    ['slaProperties'],
    findings,
    elements,
  )
  if (/^(deprecated|retired)$/i.test(document.status ?? '')) {
    findings.notes.push(`The contract is ${document.status}.`)
  }
  const advice = defined({ file_bytes: extensions.fileBytes, file_rows: extensions.fileRows })
  return {
    id: document.id,
    name: document.name ?? object.name,
    version: document.version,
    columns,
    key,
    flat: extensions.flat ?? false,
    ignore_case: extensions.ignoreCase ?? false,
    new_columns: extensions.newColumns ?? 'rescue',
    deduplicate: scopeOf(extensions.deduplicate),
    quality,
    service_levels,
    measures,
    not_executed: findings.not_executed.toSorted(byPlace),
    notes: findings.notes,
    ...defined({
      time_column,
      version_column,
      publish: extensions.publish,
      advice: Object.keys(advice).length === 0 ? undefined : advice,
    }),
  }
}

/** Columns, and the measures that are aggregates and not delivered. */
function readProperties(
  object: SchemaObject,
  path: Path,
  findings: Findings,
): { columns: Column[]; measures: Measure[] } {
  const columns: Column[] = []
  const measures: Measure[] = []
  const owner: Path[] = []
  object.properties?.forEach((property, index) => {
    const at = [...path, 'properties', index]
    if (property.semanticType === 'measure' && property.transformLogic !== undefined) {
      measures.push(readMeasure(property, property.transformLogic, at, findings))
      return
    }
    columns.push(readColumn(property, at, findings))
    owner.push(at)
  })
  if (columns.length === 0) findings.problem(path, 'the schema object has no delivered properties')
  uniqueNames(columns, path, findings)
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()))
  columns.forEach((column, index) => {
    const at = owner[index] ?? path
    if (RESERVED_NAMES.includes(column.name.toLowerCase())) {
      findings.problem(at, `the name ${column.name} is kept for where a row came from`)
    }
    for (const key of column.keys?.declared ?? []) {
      const name = `${column.name}_${key}`
      if (taken.has(name.toLowerCase())) {
        findings.problem(at, `the declared key ${key} would be the column ${name}, which is there`)
      }
      taken.add(name.toLowerCase())
    }
  })
  const seen = new Set<string>()
  for (const { name } of measures) {
    if (taken.has(name.toLowerCase()) || seen.has(name.toLowerCase())) {
      const index = object.properties?.findLastIndex((property) => property.name === name) ?? 0
      findings.problem([...path, 'properties', index], `the name ${name} is taken`)
    }
    seen.add(name.toLowerCase())
  }
  return { columns, measures }
}

function readMeasure(
  property: Property,
  expression: string,
  at: Path,
  findings: Findings,
): Measure {
  for (const word of [
    'required',
    'unique',
    'primaryKey',
    'partitioned',
    'enum',
    'quality',
  ] as const) {
    const value = property[word]
    if (value !== undefined && value !== false) {
      findings.problem(
        [...at, word],
        `a measure with transformLogic is not delivered: ${word} cannot hold for it`,
      )
    }
  }
  if (expression.trim() === '') findings.problem([...at, 'transformLogic'], 'is empty')
  readExtensions(
    DatasetExtensions.pick({}),
    property.customProperties,
    [...at, 'customProperties'],
    findings,
  )
  return defined({
    name: property.name,
    title: property.businessName,
    description: property.description,
    expression: expression.trim(),
  })
}

function readKey(
  object: SchemaObject,
  columns: readonly Column[],
  path: Path,
  findings: Findings,
): string[] {
  const parts = (object.properties ?? []).flatMap((property, index) => {
    const at = [...path, 'properties', index]
    const column = columns.find(({ name }) => name === property.name)
    const position = property.primaryKeyPosition ?? -1
    if (!property.primaryKey || !column) {
      if (position > 0)
        findings.problem([...at, 'primaryKeyPosition'], 'the property is no primary key')
      return []
    }
    if (['map', 'object', 'array', 'json'].includes(column.type.kind)) {
      findings.problem([...at, 'primaryKey'], `a ${column.type.kind} cannot be a key`)
    }
    // The standard counts from 1 and uses -1 for "no place of its own": those follow in document order.
    return [{ name: column.name, position: position > 0 ? position : Number.POSITIVE_INFINITY, at }]
  })
  const seen = new Set<number>()
  for (const { position, at } of parts) {
    if (Number.isFinite(position) && seen.has(position)) {
      findings.problem([...at, 'primaryKeyPosition'], `the place ${position} in the key is taken`)
    }
    seen.add(position)
  }
  return parts
    .toSorted((a, b) => (a.position === b.position ? 0 : a.position - b.position))
    .map(({ name }) => name)
}

function readTimeColumn(
  object: SchemaObject,
  columns: readonly Column[],
  path: Path,
  findings: Findings,
): string | undefined {
  const candidates = (object.properties ?? []).flatMap((property, index) => {
    const column = columns.find(({ name }) => name === property.name)
    if (!property.partitioned || !column) return []
    const at = [...path, 'properties', index, 'partitioned']
    if (column.type.kind !== 'timestamp' && column.type.kind !== 'date') {
      findings.ignored(
        at,
        `rows belong to partitions by a date or timestamp, not by a ${column.type.kind}`,
      )
      return []
    }
    const position = property.partitionKeyPosition ?? -1
    return [{ name: column.name, position: position > 0 ? position : Number.POSITIVE_INFINITY, at }]
  })
  const [first, ...others] = candidates.toSorted((a, b) =>
    a.position === b.position ? 0 : a.position - b.position,
  )
  for (const { at } of others) {
    findings.ignored(at, `rows belong to partitions by ${first?.name}`)
  }
  return first?.name
}

function reportUnused(
  document: OdcsDocument,
  others: readonly SchemaObject[],
  findings: Findings,
): void {
  others.forEach((other, index) => {
    findings.ignored(
      ['schema', index + 1],
      `only the first schema object is received, not ${other.name}`,
    )
  })
  document.servers?.forEach((_, index) => {
    findings.ignored(
      ['servers', index],
      'where data lies is said by the stores of the configuration',
    )
  })
  document.roles?.forEach((_, index) => {
    findings.ignored(['roles', index], 'access is granted by the owner of the bucket')
  })
  if (document.slaDefaultElement !== undefined) {
    findings.ignored(['slaDefaultElement'], 'service levels are about the whole dataset')
  }
  document.customProperties?.forEach(({ property }, index) => {
    const ours = Object.hasOwn(DatasetExtensions.shape, property)
    findings.ignored(
      ['customProperties', index],
      ours
        ? `${property} belongs under schema[0].customProperties`
        : `${property} is not a word of ours`,
    )
  })
  document.schema?.[0]?.relationships?.forEach((_, index) => {
    findings.ignored(['schema', 0, 'relationships', index], 'foreign keys are not checked')
  })
}

const ordered = ({ type }: Column): boolean =>
  ['integer', 'number', 'decimal', 'date', 'time', 'timestamp', 'string'].includes(type.kind)

function scopeOf(value: DatasetExtensions['deduplicate']): Scope {
  if (value === undefined) return { scope: 'partition' }
  return typeof value === 'string' ? { scope: value } : { scope: 'days', days: value.days }
}
