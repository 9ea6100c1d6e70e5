import type { Column, ColumnType, Contract } from '../../core/contract/contract.ts'
import type { Field } from '../../format/format.ts'
import type { DatasetColumn, NewColumn } from '../../ledger/ledger.ts'
import { datasetType } from './dataset-type.ts'

/** Columns every dataset has beside the partner's: where each row came from. */
export const OBJECT_COLUMN = '_object'
export const ROW_COLUMN = '_row'
/** Undeclared fields as one JSON object, where they do not become columns. */
export const RESCUED_COLUMN = '_rescued'

const RESERVED = new Set([OBJECT_COLUMN, ROW_COLUMN, RESCUED_COLUMN])

/** Which fields of an object fill which column, and the fields no column claims. */
export interface FieldMatch {
  /** By column name, the spellings of its field in the object; more than one only in JSON lines. */
  readonly fields: ReadonlyMap<string, readonly string[]>
  /** Spellings of each undeclared field, grouped without regard to case. */
  readonly undeclared: readonly (readonly string[])[]
}

/** Matches an object's field names to columns by their accepted names, exact before case-blind. */
export function matchFields(
  names: readonly string[],
  columns: readonly Column[],
  ignoreCase: boolean,
): FieldMatch {
  const fields = new Map<string, readonly string[]>()
  const taken = new Set<string>()
  const exact = new Set(names)
  const folded = Map.groupBy(names, (name) => name.toLowerCase())
  const find = (name: string): readonly string[] => {
    const found = ignoreCase
      ? (folded.get(name.toLowerCase()) ?? [])
      : exact.has(name)
        ? [name]
        : []
    return found.filter((n) => !taken.has(n))
  }
  for (const column of columns) {
    const found = column.names.map(find).find((spellings) => spellings.length > 0)
    if (found === undefined) continue
    fields.set(column.name, found)
    for (const name of found) taken.add(name)
  }
  const open = [...folded.values()].map((spellings) => spellings.filter((n) => !taken.has(n)))
  return { fields, undeclared: open.filter((spellings) => spellings.length > 0) }
}

/** How the fields of one object, or of several, showed a name nobody declared. */
export interface UndeclaredField {
  readonly name: string
  readonly type: ColumnType | undefined
}

/**
 * The columns that undeclared fields become. A field's type is settled when it is first seen with
 * a value: what most of its values are; a tie or a mixture with text is a string.
 */
export function settleUndeclared(fields: readonly (readonly Field[])[]): UndeclaredField[] {
  const sums = new Map<
    string,
    {
      name: string
      strings: number
      numbers: number
      booleans: number
      nested: number
      types: Set<string>
    }
  >()
  for (const object of fields)
    for (const field of object) {
      const key = field.name.toLowerCase()
      const sum = sums.get(key) ?? {
        name: field.name,
        strings: 0,
        numbers: 0,
        booleans: 0,
        nested: 0,
        types: new Set<string>(),
      }
      sum.strings += field.strings
      sum.numbers += field.integers + field.numbers
      sum.booleans += field.booleans
      sum.nested += field.nested
      if (field.type !== undefined) sum.types.add(field.type)
      sums.set(key, sum)
    }
  return [...sums.values()].map((sum) => ({ name: sum.name, type: settledType(sum) }))
}

function settledType(sum: {
  strings: number
  numbers: number
  booleans: number
  nested: number
  types: ReadonlySet<string>
}): ColumnType | undefined {
  if (sum.types.size > 0) return typedField([...sum.types])
  if (sum.nested > 0) return { kind: 'json' }
  if (sum.strings + sum.numbers + sum.booleans === 0) return undefined
  if (sum.numbers > sum.strings + sum.booleans) return { kind: 'number' }
  if (sum.booleans > sum.strings + sum.numbers) return { kind: 'boolean' }
  return { kind: 'string' }
}

/** The column type for an undeclared field of a typed format. */
function typedField(types: readonly string[]): ColumnType {
  const kinds = new Set(types.map((type): string => kindOfDuckdb(type)))
  const [only] = [...kinds]
  if (kinds.size > 1 || only === undefined)
    return kinds.has('json')
      ? { kind: 'json' }
      : kinds.has('string')
        ? { kind: 'string' }
        : { kind: 'number' }
  if (only === 'integer') return { kind: 'integer', bits: 64, signed: true }
  if (only === 'decimal') {
    const [, precision, scale] = /DECIMAL\((\d+),\s*(\d+)\)/.exec(types[0] ?? '') ?? []
    return { kind: 'decimal', precision: Number(precision ?? 38), scale: Number(scale ?? 0) }
  }
  if (only === 'timestamp') return { kind: 'timestamp', zone: 'UTC' }
  return { kind: only as 'string' | 'number' | 'boolean' | 'date' | 'time' | 'uuid' | 'json' }
}

function kindOfDuckdb(type: string): string {
  if (/^U?(TINYINT|SMALLINT|INTEGER|BIGINT)$/.test(type)) return 'integer'
  if (/^DECIMAL/.test(type)) return 'decimal'
  if (/^(DOUBLE|FLOAT|U?HUGEINT)$/.test(type)) return 'number'
  if (type === 'BOOLEAN') return 'boolean'
  if (type === 'DATE') return 'date'
  if (/^TIMESTAMP/.test(type)) return 'timestamp'
  if (/^TIME/.test(type)) return 'time'
  if (type === 'UUID') return 'uuid'
  return /^(VARCHAR|ENUM)/.test(type) ? 'string' : 'json'
}

/** A contract column for a column that evolved: never required, read by its own name. */
export function evolvedColumn(
  name: string,
  type: ColumnType,
  semantic: Column['semantic'],
): Column {
  return {
    name,
    names: [name],
    type,
    semantic,
    required: false,
    unique: false,
    examples: [],
    accept_json_text: true,
    accept_text: false,
    repair_trailing_comma: false,
  }
}

/** Turns a dataset column of an earlier load back into a column to read. */
export function knownColumn(column: DatasetColumn): Column {
  const type = typedField([column.type])
  const {
    DOUBLE,
    BOOLEAN,
    JSON: json,
  } = { DOUBLE: 'number', BOOLEAN: 'boolean', JSON: 'json' } as const
  const exact: ColumnType =
    column.type === 'DOUBLE'
      ? { kind: DOUBLE }
      : column.type === 'BOOLEAN'
        ? { kind: BOOLEAN }
        : column.type === 'JSON'
          ? { kind: json }
          : type
  return evolvedColumn(column.name, exact, column.semantic)
}

/** A new column collides with one that is there, or with a name the product keeps for itself. */
export function isTaken(name: string, columns: readonly { readonly name: string }[]): boolean {
  const folded = name.toLowerCase()
  return RESERVED.has(folded) || columns.some((c) => c.name.toLowerCase() === folded)
}

/** Name of the real column that a declared map key becomes. */
export const keyColumn = (column: string, key: string) => `${column}_${key}`

/** Numbers are measures and everything else a dimension, until a contract says otherwise. */
export const semanticOf = (type: ColumnType): 'dimension' | 'measure' =>
  type.kind === 'number' || type.kind === 'integer' || type.kind === 'decimal'
    ? 'measure'
    : 'dimension'

/** What the ledger must give ids to. */
export function newColumn(name: string, type: ColumnType, semantic: Column['semantic']): NewColumn {
  return { name, type: datasetType(type), nested: nestedPaths(type, ''), semantic }
}

function nestedPaths(type: ColumnType, prefix: string): string[] {
  const at = (name: string) => (prefix === '' ? name : `${prefix}.${name}`)
  switch (type.kind) {
    case 'map':
      return [at('key'), at('value'), ...nestedPaths(type.value, at('value'))]
    case 'array':
      return [at('element'), ...nestedPaths(type.item, at('element'))]
    case 'object':
      return type.fields.flatMap((f) => [at(f.name), ...nestedPaths(f.type, at(f.name))])
    default:
      return []
  }
}

/** Columns of the dataset that only a contract's map keys make. */
export function declaredKeyColumns(
  contract: Contract,
): { column: Column; key: string; names: readonly string[]; name: string; type: ColumnType }[] {
  return contract.columns.flatMap((column) => {
    const { keys, type } = column
    if (keys === undefined || type.kind !== 'map') return []
    const value = type.value
    return keys.declared.map((key) => ({
      column,
      key,
      names: keys.required.find((names) => names[0] === key) ?? [key],
      name: keyColumn(column.name, key),
      type: value,
    }))
  })
}
