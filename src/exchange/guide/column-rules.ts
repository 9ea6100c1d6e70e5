import type { Column, ColumnType, Threshold } from '../../core/contract/contract.ts'
import type { Feed } from '../../core/feed.ts'
import { canBe } from './guide-input.ts'
import { code, codes, countText, html, listed, type Markup, type Part } from './markup.ts'

/** What values of a column must be like, a sentence each. */
export function columnRules(column: Column, feed: Feed): Markup[] {
  const rules: Markup[] = []
  const say = (when: unknown, sentence: () => Markup) => {
    if (when !== undefined && when !== false) rules.push(sentence())
  }
  const { contract } = feed
  say(contract.time_column === column.name, () => timeRule(feed))
  say(
    contract.version_column === column.name,
    () => html`Of two rows with the same key, the one with the greater value here wins.`,
  )
  say(column.unique, () => html`No value may come twice in a partition.`)
  say(
    column.enum,
    () =>
      html`One of ${listed(
        (column.enum ?? []).map((v) => code(String(v))),
        'or',
      )}.`,
  )
  for (const sentence of limits(column)) rules.push(sentence)
  say(column.format, () => html`Written as ${formats[column.format ?? 'uuid']}.`)
  say(
    column.pattern,
    () => html`The whole value matches the regular expression ${code(column.pattern ?? '')}.`,
  )
  for (const sentence of typeRules(column, feed)) rules.push(sentence)
  for (const sentence of keyRules(column)) rules.push(sentence)
  const others = column.names.slice(1)
  say(others.length > 0, () => html`May also be called ${listed(others.map(code), 'or')}.`)
  say(column.accept_json_text, () => html`May also come as its JSON text.`)
  say(
    column.accept_text && (canBe(feed, 'parquet') || canBe(feed, 'jsonl')),
    () => html`May also come as text, such as ${code('"12"')} for 12.`,
  )
  say(
    column.accept_integers,
    () => html`Whole numbers are accepted too; their digits are kept as text.`,
  )
  say(
    column.repair_trailing_comma,
    () => html`A comma before a closing bracket of its JSON is read over.`,
  )
  for (const sentence of fieldRules(column.type, feed)) rules.push(sentence)
  return rules
}

const timeRule = (feed: Feed): Markup =>
  html`Says which partition the row belongs to: it lies in the ${grainWords(feed)} that the file’s folder names, in ${feed.layout.zone}.`

/** `a day`, `an hour` */
export const aGrain = (feed: Feed): string =>
  `${feed.layout.grain === 'hour' ? 'an' : 'a'} ${grainWords(feed)}`

/** `day`, `hour`, `quarter of an hour` */
export const grainWords = (feed: Feed): string =>
  feed.layout.grain === '15 minutes' ? 'quarter of an hour' : feed.layout.grain

const formats: Record<NonNullable<Column['format']>, string> = {
  uuid: 'a UUID',
  email: 'an e-mail address',
  uri: 'a URI',
  hostname: 'a host name',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
}

function limits(column: Column): Markup[] {
  const [low, high] = [
    column.minimum !== undefined
      ? html`at least ${code(column.minimum)}`
      : column.exclusive_minimum !== undefined && html`more than ${code(column.exclusive_minimum)}`,
    column.maximum !== undefined
      ? html`at most ${code(column.maximum)}`
      : column.exclusive_maximum !== undefined && html`less than ${code(column.exclusive_maximum)}`,
  ]
  const found: Markup[] = []
  const bounds = [low, high].filter((bound) => bound !== false)
  if (bounds.length > 0) found.push(html`The value is ${listed(bounds)}.`)
  if (column.multiple_of !== undefined)
    found.push(html`The value is a multiple of ${code(column.multiple_of)}.`)
  const between = (what: string, least?: number, most?: number) => {
    if (least === undefined && most === undefined) return
    const counts: Part[] = []
    if (least !== undefined) counts.push(`at least ${countText(least)}`)
    if (most !== undefined) counts.push(`at most ${countText(most)}`)
    found.push(html`It has ${listed(counts)} ${what}.`)
  }
  between('characters', column.min_length, column.max_length)
  const items = { map: 'entries', json: 'fields' }[column.type.kind as string] ?? 'items'
  between(items, column.min_items, column.max_items)
  return found
}

/** What a type asks of how its values are written. */
function typeRules(column: Column, feed: Feed): Markup[] {
  const { type } = column
  const zone = feed.format.times.zone
  switch (type.kind) {
    case 'timestamp': {
      const cut = { milliseconds: 'a millisecond', seconds: 'a second' }
      return [
        ...written(column, feed),
        html`A time that names no zone is taken as ${zone ?? type.zone}.`,
        ...(column.truncate === undefined
          ? []
          : [html`What is finer than ${cut[column.truncate]} is cut off.`]),
      ]
    }
    case 'date':
      return written(column, feed)
    case 'time':
      return written(column, feed)
    case 'decimal':
      return [html`More digits are refused, never rounded.`]
    case 'integer':
      return [html`A fraction is refused, never rounded.`]
    default:
      return []
  }
}

function written(column: Column, feed: Feed): Markup[] {
  const { formats: further, epoch_unit } = feed.format.times
  const units = { s: 'seconds', ms: 'milliseconds', us: 'microseconds', ns: 'nanoseconds' }
  const how =
    column.time_format === undefined
      ? html`as ISO 8601`
      : html`in the pattern ${code(column.time_format)}`
  const text = canBe(feed, 'jsonl') || canBe(feed, 'csv')
  return [
    ...(text
      ? [html`Written ${how}${further.length > 0 && html`, or in the pattern ${codes(further)}`}.`]
      : []),
    ...(epoch_unit === undefined || column.type.kind !== 'timestamp'
      ? []
      : [html`Numbers count ${units[epoch_unit]} since 1970-01-01 UTC.`]),
  ]
}

function keyRules(column: Column): Markup[] {
  const { keys } = column
  if (keys === undefined) return []
  const found: Markup[] = []
  if (keys.required.length > 0) {
    const names = keys.required.map(([kept = '', ...others]) =>
      others.length === 0 ? code(kept) : html`${code(kept)} (or ${listed(others.map(code), 'or')})`,
    )
    found.push(
      html`Every row has the ${names.length === 1 ? 'key' : 'keys'} ${listed(names)}, with a value that is not null.`,
    )
  }
  const known = new Set(keys.required.map(([kept]) => kept))
  const optional = keys.declared.filter((key) => !known.has(key))
  if (optional.length > 0) found.push(html`Known, and optional: ${codes(optional)}.`)
  found.push(html`${found.length > 0 ? 'Further' : 'All'} keys are kept.`)
  if (keys.lower_case)
    found.push(html`Keys are lower-cased when loaded; two that become the same refuse the row.`)
  return found
}

/** Rules of the fields of an object, also where it is in a list or a map. */
function fieldRules(type: ColumnType, feed: Feed): Markup[] {
  if (type.kind === 'map') return fieldRules(type.value, feed)
  if (type.kind === 'array') return fieldRules(type.item, feed)
  if (type.kind !== 'object') return []
  return type.fields.flatMap((field) => {
    const rules = [
      ...(field.required ? [html`Required.`] : []),
      ...(field.description === undefined ? [] : [html`${field.description}`]),
      ...columnRules(field, feed),
    ]
    return rules.length === 0
      ? []
      : [
          html`Field ${code(field.names[0] ?? field.name)}: <ul>${rules.map((r) => html`<li>${r}</li>`)}</ul>`,
        ]
  })
}

/** `at least 10`, `between 1 and 5 percent` */
export function thresholdWords({ operator, values }: Threshold, unit: string): string {
  const words: Record<Threshold['operator'], string> = {
    must_be: 'exactly',
    must_not_be: 'not',
    must_be_greater_than: 'more than',
    must_be_greater_or_equal_to: 'at least',
    must_be_less_than: 'less than',
    must_be_less_or_equal_to: 'at most',
    must_be_between: 'between',
    must_not_be_between: 'not between',
  }
  const numbers = values.map(countText).join(' and ')
  return `${words[operator]} ${numbers}${unit === 'percent' ? '\u00a0%' : ''}`
}
