import { compareDecimals } from '../decimal-text.ts'
import { compareTypes, typeText } from '../type-text.ts'
import type { Column } from './contract.ts'

/** Whom a change breaks. */
export type Side = 'deliverer' | 'reader'

export interface ContractChange {
  /** Such as `column_removed`; stable. */
  readonly code: string
  /** Where: a column by its name, `identifiers.id` inside one, `quality.…`, `service_levels.…`. */
  readonly path: string
  readonly message: string
  readonly breaks: readonly Side[]
  readonly breaking: boolean
}

interface Place {
  /** Path of the object the columns are fields of; empty at the top. */
  readonly path: string
  /** Fields that are not declared refuse the row. */
  readonly closed: boolean
}

export function diffColumns(
  old: readonly Column[],
  next: readonly Column[],
  place: Place,
): ContractChange[] {
  const changes: ContractChange[] = []
  const at = (name: string) => (place.path === '' ? name : `${place.path}.${name}`)
  const renamed = new Set<Column>()
  for (const column of old) {
    const same = next.find(({ name }) => name === column.name)
    if (same) {
      changes.push(...diffColumn(column, same, at(column.name)))
      continue
    }
    const successor = next.find(
      (other) =>
        !old.some(({ name }) => name === other.name) &&
        other.names.some((name) => column.names.includes(name) || name === column.name),
    )
    if (successor) {
      renamed.add(successor)
      const message = `The column ${at(column.name)} is now called ${successor.name}.`
      changes.push(change('column_renamed', at(column.name), message, ['reader']))
      changes.push(...diffColumn(column, successor, at(successor.name)))
    } else {
      const breaks: Side[] = place.closed ? ['deliverer', 'reader'] : ['reader']
      const message = `The column ${at(column.name)} is gone.`
      changes.push(change('column_removed', at(column.name), message, breaks))
    }
  }
  for (const column of next) {
    if (renamed.has(column) || old.some(({ name }) => name === column.name)) continue
    const message = `The ${column.required ? 'required' : 'optional'} column ${at(column.name)} is new: ${typeText(column.type)}.`
    changes.push(
      change('column_added', at(column.name), message, column.required ? ['deliverer'] : []),
    )
  }
  return changes
}

function diffColumn(old: Column, next: Column, path: string): ContractChange[] {
  const changes: ContractChange[] = []
  const add = (code: string, message: string, breaks: readonly Side[] = []) => {
    changes.push(change(code, path, message, breaks))
  }
  const related = compareTypes(old.type, next.type)
  if (related !== 'same') {
    const code = { wider: 'type_widened', narrower: 'type_narrowed', other: 'type_changed' }[
      related
    ]
    const breaks: Side[] =
      related === 'wider' ? [] : related === 'narrower' ? ['deliverer'] : ['deliverer', 'reader']
    add(code, `${path} was ${typeText(old.type)} and is ${typeText(next.type)}.`, breaks)
  }
  changes.push(...diffFields(old, next, path))
  if (old.required !== next.required) {
    if (next.required) add('required_added', `${path} must now be there.`, ['deliverer'])
    else add('required_removed', `${path} may now be null.`)
  }
  if (old.unique !== next.unique) {
    if (next.unique) add('unique_added', `${path} may have no value twice.`, ['deliverer'])
    else add('unique_removed', `${path} may have a value twice.`)
  }
  diffNames(old, next, path, add)
  diffEnum(old, next, path, add)
  diffLimits(old, next, path, add)
  for (const rule of ['pattern', 'format', 'multiple_of', 'time_format'] as const) {
    if (old[rule] !== next[rule]) {
      const word = rule.replace('_', ' ')
      add(
        `${rule}_changed`,
        `The ${word} of ${path} was ${old[rule] ?? 'none'} and is ${next[rule] ?? 'none'}.`,
        next[rule] === undefined && rule !== 'time_format' ? [] : ['deliverer'],
      )
    }
  }
  if (old.truncate !== next.truncate) {
    const finer = next.truncate === undefined || old.truncate === 'seconds'
    add(
      'truncate_changed',
      `${path} was kept to ${old.truncate ?? 'microseconds'} and is to ${next.truncate ?? 'microseconds'}.`,
      finer ? [] : ['reader'],
    )
  }
  diffKeys(old, next, path, add)
  if (old.semantic !== next.semantic) {
    add('semantic_changed', `${path} was a ${old.semantic} and is a ${next.semantic}.`)
  }
  for (const leniency of [
    'accept_json_text',
    'accept_text',
    'accept_integers',
    'repair_trailing_comma',
  ] as const) {
    const [before, after] = [old[leniency] ?? false, next[leniency] ?? false]
    if (before === after) continue
    const word = leniency.replaceAll('_', ' ')
    if (after) add(`${leniency}_added`, `${path}: ${word} holds now.`)
    else add(`${leniency}_removed`, `${path}: ${word} no longer holds.`, ['deliverer'])
  }
  return changes
}

type Add = (code: string, message: string, breaks?: readonly Side[]) => void

/** Fields of objects, also of those inside lists and maps. */
function diffFields(old: Column, next: Column, path: string): ContractChange[] {
  let [before, after] = [old.type, next.type]
  while (before.kind === after.kind) {
    if (before.kind === 'object' && after.kind === 'object') {
      return diffColumns(before.fields, after.fields, { path, closed: false })
    }
    if (before.kind === 'array' && after.kind === 'array')
      [before, after] = [before.item, after.item]
    else if (before.kind === 'map' && after.kind === 'map')
      [before, after] = [before.value, after.value]
    else break
  }
  return []
}

function diffNames(old: Column, next: Column, path: string, add: Add): void {
  for (const name of old.names.filter((text) => !next.names.includes(text))) {
    add('accepted_name_removed', `${path} is no longer read from the field ${name}.`, ['deliverer'])
  }
  for (const name of next.names.filter((text) => !old.names.includes(text))) {
    add('accepted_name_added', `${path} is also read from the field ${name}.`)
  }
}

function diffEnum(old: Column, next: Column, path: string, add: Add): void {
  if (old.enum === undefined && next.enum === undefined) return
  if (old.enum === undefined) {
    add('enum_added', `${path} may now only be ${next.enum?.join(', ')}.`, ['deliverer'])
  } else if (next.enum === undefined) {
    add('enum_removed', `${path} may now have any value.`)
  } else {
    const gone = old.enum.filter((value) => !next.enum?.includes(value))
    const fresh = next.enum.filter((value) => !old.enum?.includes(value))
    if (gone.length > 0) {
      add('enum_value_removed', `${path} may no longer be ${gone.join(', ')}.`, ['deliverer'])
    }
    if (fresh.length > 0) add('enum_value_added', `${path} may also be ${fresh.join(', ')}.`)
  }
}

function diffLimits(old: Column, next: Column, path: string, add: Add): void {
  const numeric = ['integer', 'number', 'decimal'].includes(next.type.kind)
  const compare = (a: string, b: string) => (numeric ? compareDecimals(a, b) : a < b ? -1 : 1)
  const limits = [
    ['minimum', 1],
    ['exclusive_minimum', 1],
    ['maximum', -1],
    ['exclusive_maximum', -1],
  ] as const
  for (const [limit, direction] of limits) {
    const [before, after] = [old[limit], next[limit]]
    if (before === after) continue
    const tighter =
      after !== undefined && (before === undefined || compare(after, before) * direction > 0)
    report(limit, before, after, tighter)
  }
  const counts = [
    ['min_length', 1],
    ['max_length', -1],
    ['min_items', 1],
    ['max_items', -1],
  ] as const
  for (const [limit, direction] of counts) {
    const [before, after] = [old[limit], next[limit]]
    if (before === after) continue
    const tighter =
      after !== undefined && (before === undefined || (after - before) * direction > 0)
    report(limit, before, after, tighter)
  }
  function report(
    limit: string,
    before: string | number | undefined,
    after: string | number | undefined,
    tighter: boolean,
  ) {
    const words = limit.replace('_', ' ')
    add(
      tighter ? 'limit_tightened' : 'limit_loosened',
      `The ${words} of ${path} was ${before ?? 'none'} and is ${after ?? 'none'}.`,
      tighter ? ['deliverer'] : [],
    )
  }
}

function diffKeys(old: Column, next: Column, path: string, add: Add): void {
  const [before, after] = [old.keys, next.keys]
  const required = (keys: typeof before) =>
    new Map(keys?.required.map((names) => [names[0], names]))
  const [was, is] = [required(before), required(after)]
  for (const [key, names] of is) {
    const earlier = was.get(key)
    if (earlier === undefined)
      add('required_key_added', `${path} must now have the key ${key}.`, ['deliverer'])
    else if (earlier.join('\0') !== names.join('\0')) {
      const lost = earlier.some((name) => !names.includes(name))
      add(
        'key_names_changed',
        `The key ${key} of ${path} was read from ${earlier.join(', ')} and is from ${names.join(', ')}.`,
        lost ? ['deliverer'] : [],
      )
    }
  }
  for (const key of was.keys()) {
    if (!is.has(key)) add('required_key_removed', `${path} may be without the key ${key}.`)
  }
  const [columns, now] = [before?.declared ?? [], after?.declared ?? []]
  for (const key of columns.filter((name) => !now.includes(name))) {
    add('declared_key_removed', `The key ${key} of ${path} is no longer a column.`, ['reader'])
  }
  for (const key of now.filter((name) => !columns.includes(name))) {
    add('declared_key_added', `The key ${key} of ${path} is also a column.`)
  }
  if ((before?.lower_case ?? false) !== (after?.lower_case ?? false)) {
    const on = after?.lower_case ?? false
    add(
      'lower_case_keys_changed',
      `The keys of ${path} are ${on ? 'now' : 'no longer'} lower-cased.`,
      on ? ['deliverer', 'reader'] : ['reader'],
    )
  }
}

/** A change with what follows from whom it breaks. */
export function change(
  code: string,
  path: string,
  message: string,
  breaks: readonly Side[],
): ContractChange {
  return { code, path, message, breaks, breaking: breaks.length > 0 }
}
