import type { Column } from '../../core/contract/contract.ts'
import type { Feed } from '../../core/feed.ts'
import type { ObjectCode, RowCode } from '../../core/rejects.ts'
import { canBe } from './guide-input.ts'
import { code, countText, html, type Markup, sizeText } from './markup.ts'

/** An example a code; undefined where the code cannot come up. */
export type RefusalExamples = Readonly<Record<RowCode | ObjectCode, Markup | undefined>>

/**
 * What would be refused for each code, in the columns of the contract at hand. Undefined for a code
 * that its format and rules cannot give.
 */
export function refusalExamples(feed: Feed): RefusalExamples {
  const { contract, format } = feed
  const { columns } = contract
  const [json, csv, parquet] = [canBe(feed, 'jsonl'), canBe(feed, 'csv'), canBe(feed, 'parquet')]
  const text = json || csv
  const nameOf = (column: Column) => column.names[0] ?? column.name
  const first = nameOf(columns[0] ?? nothing)
  const required = columns.find((column) => column.required)
  const map = columns.find(({ type }) => type.kind === 'map')
  const keyed = columns.find(({ keys }) => (keys?.required.length ?? 0) > 0)
  const listed = columns.find((column) => column.enum !== undefined)
  const typed = columns
    .filter((column) => !column.accept_text)
    .toSorted((a, b) => Number(a.type.kind === 'string') - Number(b.type.kind === 'string'))
    .flatMap((column) => wrongType(column, nameOf(column), { json, parquet }))[0]
  const time = columns.find(({ name }) => name === contract.time_column)
  const when = (holds: boolean, example: Markup) => (holds ? example : undefined)
  return {
    invalid_utf8: when(text, html`the bytes FF FE in ${code(first)}`),
    invalid_json: when(json, code(`{"${first}": }`)),
    not_an_object: when(json, code('["a", "list"]')),
    duplicate_key: when(json, code(`{"${first}": …, "${first}": …}`)),
    invalid_name: when(json, code('{"": 1}')),
    line_too_long: when(text, html`a line of more than ${sizeText(format.max_row_bytes)}`),
    too_deep: when(
      json,
      html`${code('[[[[…]]]]')}, more than ${'max_depth' in format ? format.max_depth : 128} levels deep`,
    ),
    wrong_field_count: when(
      csv,
      html`${columns.length + 2} fields under a header of ${columns.length}`,
    ),
    unclosed_quote: when(csv, code('"a text whose quote is never closed')),
    nested_value: when(json && contract.flat, code('{"country": {"code": "DE"}}')),
    missing_column: required && html`a file without ${code(nameOf(required))}`,
    null_value: required && html`${code(nameOf(required))} is null`,
    wrong_type: typed,
    out_of_range: columns.flatMap((column) => outOfRange(column, nameOf(column)))[0],
    invalid_format: columns.flatMap((column) => invalidFormat(column, nameOf(column), text))[0],
    not_in_enum: listed && html`${code(nameOf(listed))} is a value that is not in its list`,
    missing_key:
      keyed &&
      html`${code(nameOf(keyed))} without the key ${code(keyed.keys?.required[0]?.[0] ?? '')}`,
    duplicate_map_key:
      map &&
      (map.keys?.lower_case
        ? html`${code(nameOf(map))} has the keys ${code('Plan')} and ${code('plan')}`
        : // In JSON lines that is a name twice in an object already.
          when(csv || parquet, html`${code(nameOf(map))} has the key ${code('plan')} twice`)),
    out_of_partition: time && html`${code(nameOf(time))} is a minute before the partition begins`,
    unexpected_column: when(
      feed.new_columns === 'reject',
      html`a field that this page does not name`,
    ),
    key_conflict: when(json, code(`{"${first}": …, "${swapped(first)}": …}`)),
    corrupt_object: html`a file whose upload was cut off`,
    wrong_format: html`a PDF`,
    empty_object: html`a file of 0 bytes`,
    encoding: when(text, html`UTF-16, as a spreadsheet may save it`),
    too_large: when(
      text,
      html`a file that expands to more than ${sizeText(format.max_expanded_bytes)}`,
    ),
    unreadable: html`an encrypted ${parquet ? 'Parquet' : 'zip'} file`,
    header: when(csv, html`the first line is ${code(`${first},${first}`)}`),
  }
}

const nothing: Column = {
  name: 'a',
  names: ['a'],
  type: { kind: 'string' },
  required: false,
  semantic: 'column',
  accept_json_text: false,
  accept_text: false,
  repair_trailing_comma: false,
  unique: false,
  examples: [],
}

const swapped = (name: string) =>
  name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase()

function wrongType(
  { type }: Column,
  name: string,
  { json, parquet }: { readonly json: boolean; readonly parquet: boolean },
): Markup[] {
  const is = (value: string) => [html`${code(name)} is ${code(value)}`]
  // Where only Parquet comes, a value has its column's type.
  if (!json && parquet)
    return ['integer', 'number', 'decimal', 'boolean', 'timestamp', 'date', 'time'].includes(
      type.kind,
    )
      ? [html`${code(name)} is a column of texts`]
      : []
  if (!json) return []
  switch (type.kind) {
    case 'integer':
      return [html`${code(name)} is ${code('"12"')}, a text, or ${code('1.5')}`]
    case 'number':
    case 'decimal':
      return is('"1.5"')
    case 'boolean':
      return is('"yes"')
    case 'timestamp':
    case 'date':
    case 'time':
      return is('true')
    case 'map':
    case 'object':
      return is('["a", "list"]')
    case 'string':
    case 'uuid':
      return is('{"an": "object"}')
    default:
      return is('"a text"')
  }
}

function outOfRange(column: Column, name: string): Markup[] {
  const { type } = column
  const is = (what: string, value = '') => [
    html`${code(name)} is ${what}${value !== '' && code(value)}`,
  ]
  if (column.minimum !== undefined) return is('less than ', column.minimum)
  if (column.maximum !== undefined) return is('more than ', column.maximum)
  if (column.exclusive_minimum !== undefined) return is('', column.exclusive_minimum)
  if (column.exclusive_maximum !== undefined) return is('', column.exclusive_maximum)
  if (type.kind === 'integer')
    return is('', String(2n ** BigInt(type.signed ? type.bits - 1 : type.bits)))
  if (type.kind === 'decimal')
    return [
      html`${code(name)} is ${code(`0.${'0'.repeat(type.scale)}1`)}, a digit more than ${type.scale}`,
    ]
  return []
}

function invalidFormat(column: Column, name: string, text: boolean): Markup[] {
  const { type } = column
  if (type.kind === 'uuid' || column.format === 'uuid')
    return [html`${code(name)} is ${code('12345')}`]
  if (column.format !== undefined) return [html`${code(name)} is no ${column.format}`]
  if (column.pattern !== undefined) return [html`${code(name)} does not match its pattern`]
  if (column.max_length !== undefined)
    return [html`${code(name)} has more than ${countText(column.max_length)} characters`]
  if (text && ['timestamp', 'date', 'time'].includes(type.kind))
    return [html`${code(name)} is ${code('yesterday')}`]
  return []
}
