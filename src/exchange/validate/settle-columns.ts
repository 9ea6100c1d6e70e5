import type { Column } from '../../core/contract/contract.ts'
import type { DatasetColumn, NewColumn, Note } from '../../ledger/ledger.ts'
import type { CheckOptions } from './check-options.ts'
import {
  declaredKeyColumns,
  evolvedColumn,
  isTaken,
  knownColumn,
  matchFields,
  newColumn,
  OBJECT_COLUMN,
  RESCUED_COLUMN,
  ROW_COLUMN,
  semanticOf,
  settleUndeclared,
} from './dataset-columns.ts'
import { datasetType } from './dataset-type.ts'
import type { SourceObject } from './source-group.ts'

/** New columns that a note names: a thousand would make it unreadable. */
const NAMED = 20

/** The dataset's columns for this load, in the order they are written. */
export interface DatasetColumns {
  /** Columns read from objects: the contract's, then evolved ones. */
  readonly read: readonly Column[]
  /** Names of columns that this load adds to a dataset that is there. */
  readonly added: readonly string[]
  /** Undeclared fields are kept as JSON. */
  readonly rescue: boolean
  /** Undeclared fields refuse the row. */
  readonly reject_undeclared: boolean
  /** Everything written, with its ids. */
  readonly written: readonly WrittenColumn[]
}

export interface WrittenColumn {
  readonly name: string
  readonly column: DatasetColumn
  /** The map and the names of its key, where the column is a declared key of a map. */
  readonly key?: { readonly map: string; readonly names: readonly string[] }
}

/** Settles what the dataset's columns are, from the contract, earlier loads and what the objects show. */
export async function settleColumns(
  passed: readonly SourceObject[],
  options: CheckOptions,
  notes: Note[],
): Promise<DatasetColumns> {
  const { feed, known } = options
  const { contract } = feed
  const declared = contract.columns
  const variables: Column[] = feed.layout.variables
    .filter((name) => !declared.some((c) => c.name.toLowerCase() === name.toLowerCase()))
    .map((name) => evolvedColumn(name, { kind: 'string' }, 'dimension'))
  const keyColumns = declaredKeyColumns(contract)
  const fixed = [...declared, ...variables, ...keyColumns]
  const evolved = known
    .filter((c) => !isTaken(c.name, fixed) && c.name !== RESCUED_COLUMN)
    .map(knownColumn)

  const undeclaredOf = (object: SourceObject) => {
    const names = object.passed.fields.map((f) => f.name)
    const match = matchFields(names, [...declared, ...evolved], contract.ignore_case)
    const open = new Set(match.undeclared.flat())
    return object.passed.fields.filter((f) => open.has(f.name))
  }
  const undeclared = settleUndeclared(passed.map(undeclaredOf))
  const added: Column[] = []
  let rescue = feed.new_columns === 'rescue' && undeclared.length > 0
  if (feed.new_columns === 'evolve') {
    for (const field of undeclared) {
      if (field.type === undefined) continue
      // A name that cannot be a column of its own is kept with its value all the same.
      if (isTaken(field.name, [...fixed, ...evolved, ...added])) rescue = true
      else added.push(evolvedColumn(field.name, field.type, semanticOf(field.type)))
    }
  }
  const rescued = rescue || known.some((c) => c.name === RESCUED_COLUMN)
  const read = [...declared, ...variables, ...evolved, ...added]

  const wanted: NewColumn[] = [
    ...declared.map((c) => newColumn(c.name, c.type, c.semantic)),
    ...keyColumns.map((k) => newColumn(k.name, k.type, 'dimension')),
    ...[...variables, ...evolved, ...added].map((c) => newColumn(c.name, c.type, c.semantic)),
    ...(rescued ? [newColumn(RESCUED_COLUMN, { kind: 'json' }, 'column')] : []),
    newColumn(OBJECT_COLUMN, { kind: 'string' }, 'column'),
    newColumn(ROW_COLUMN, { kind: 'integer', bits: 64, signed: true }, 'column'),
  ]
  // With the first load every column is new, which is nothing to remark on.
  if (added.length > 0 && known.length > 0) {
    const named = added.slice(0, NAMED).map((c) => `${c.name} (${datasetType(c.type)})`)
    const more = added.length > NAMED ? ` and ${added.length - NAMED} more` : ''
    notes.push({
      code: 'new_columns',
      count: added.length,
      message: `new fields became columns: ${named.join(', ')}${more}`,
    })
  }
  const ids = new Map((await options.ensureColumns(wanted)).map((c) => [c.name, c]))
  const keys = new Map(
    keyColumns.map((k) => [k.name, { map: k.column.name, names: k.names }] as const),
  )
  const written = wanted.map((w): WrittenColumn => {
    const column = ids.get(w.name)
    if (column === undefined) throw new Error(`the ledger gave no id to column ${w.name}`)
    const key = keys.get(w.name)
    return { name: w.name, column, ...(key === undefined ? {} : { key }) }
  })
  return {
    read,
    rescue,
    added: known.length > 0 ? added.map((c) => c.name) : [],
    reject_undeclared: feed.new_columns === 'reject' && undeclared.length > 0,
    written,
  }
}
