import type { Column, QualityRule } from '../../core/contract/contract.ts'
import { type SampleValue, sampleColumns } from '../../core/contract/sample.ts'
import { jsonText } from '../contract/sample-file.ts'
import { columnRules, thresholdWords } from './column-rules.ts'
import { canBe, deliveredName, type GuideInput } from './guide-input.ts'
import { code, codes, html, type Markup, type Section } from './markup.ts'
import { parquetType, typeWords } from './type-words.ts'

/** Every column with its rules and an example, then what holds for the row as a whole. */
export function columnSection(input: GuideInput): Section {
  const { contract } = input.feed
  const required = contract.columns.filter((column) => column.required).length
  return {
    id: 'columns',
    title: 'Columns',
    body: html`
<p>${contract.columns.length === 1 ? 'One column' : `${contract.columns.length} columns`}, ${required === contract.columns.length ? 'all' : required === 0 ? 'none' : required} of them required. A required value is there and not null in every row. Names are written exactly as here${contract.ignore_case ? ', in upper or lower case' : ', upper and lower case included'}; their order is free.</p>
<div class="columns">${contract.columns.map((column, at) => columnCard(column, at, input))}</div>
<h3>Further columns</h3>
<p>${furtherWords(input)}</p>`,
  }
}

function columnCard(column: Column, at: number, input: GuideInput): Markup {
  const { feed } = input
  const { key, time_column } = feed.contract
  const name = column.names[0] ?? column.name
  const rules = columnRules(column, feed)
  const example = exampleOf(column, input)
  const place = key.indexOf(column.name)
  return html`
<section class="column" aria-labelledby="column-${at + 1}">
<div class="what">
<h3 id="column-${at + 1}">${code(name)}</h3>
<p class="type">${typeWords(column.type)}</p>
<p class="badges"><span class="${column.required ? 'badge strong' : 'badge'}">${column.required ? 'required' : 'optional'}</span>
${place >= 0 && html`<span class="badge key">key${key.length > 1 && ` ${place + 1} of ${key.length}`}</span>`}
${time_column === column.name && html`<span class="badge key">time</span>`}</p>
</div>
<div class="how">
${column.description !== undefined && html`<p>${column.description}</p>`}
${rules.length > 0 && html`<ul>${rules.map((rule) => html`<li>${rule}</li>`)}</ul>`}
<dl class="facts">
${example !== undefined && html`<div><dt>Example</dt><dd>${code(example)}</dd></div>`}
${canBe(feed, 'parquet') && html`<div><dt>In Parquet</dt><dd>${code(parquetType(column.type))}</dd></div>`}
</dl>
</div>
</section>`
}

/** A value as it stands in a file: the contract's own example, else one of the sample. */
function exampleOf(column: Column, input: GuideInput): string | undefined {
  const [own] = column.examples
  if (own !== undefined) return typeof own === 'string' ? own : JSON.stringify(own)
  if ('impossible' in input.sample) return undefined
  const name = column.names[0] ?? column.name
  const values = input.sample.rows.map((row) => row[name] ?? null)
  const value = values.find((each) => each !== null)
  return value === undefined ? undefined : valueText(value, column, input.sample.format)
}

/** Quotes belong to a text in JSON only. */
function valueText(value: SampleValue, column: Column, format: string): string {
  if (typeof value === 'string' && format !== 'jsonl') return value
  return jsonText(value, column.type)
}

function furtherWords({ feed }: GuideInput): Markup {
  const nested = feed.contract.flat ? ' Their values are flat: no objects, no lists.' : ''
  switch (feed.new_columns) {
    case 'evolve': {
      const known = new Set(feed.contract.columns.map((column) => column.name))
      const expected = sampleColumns(feed.contract).filter(({ name }) => !known.has(name))
      return html`You may add columns at any time; each becomes a column of its own when it is first seen, with the type of its values.${nested} Keep a name’s type the same from then on.${expected.length > 0 && html` Measures are computed from ${codes(expected.map(({ name }) => name))} where you deliver them.`}`
    }
    case 'rescue':
      return html`Columns that are not listed here are kept aside, not lost; tell us before you rely on them.${nested}`
    case 'reject':
      return html`A row with any other column is refused. Agree new columns with us first.`
  }
}

/** Duplicates, and rules on the partition as a whole. */
export function wholeSection({ feed }: GuideInput): Section {
  const { contract } = feed
  return {
    id: 'rules',
    title: 'Duplicates and whole deliveries',
    body: html`
<h3>Duplicates</h3>
<p>${duplicateWords(feed)}</p>
<h3>Rules on a whole partition</h3>
${
  contract.quality.length === 0
    ? html`<p>There is none beside the share of refused rows below.</p>`
    : html`<ul>${contract.quality.map((rule) => html`<li>${qualityWords(rule, feed)} ${rule.severity === 'error' ? 'Otherwise nothing of the partition is published.' : 'Otherwise we are warned; the partition is published all the same.'}</li>`)}</ul>`
}
<h3>How many refused rows are tolerated</h3>
<p>${budgetWords(feed)}</p>
${
  contract.not_executed.length > 0 &&
  html`<h3>Agreed, but not checked by program</h3>
<ul>${contract.not_executed.map(({ path, reason }) => html`<li>${code(path)}: ${reason}</li>`)}</ul>`
}`,
  }
}

function duplicateWords(feed: GuideInput['feed']): Markup {
  const { contract, deduplicate, publish } = feed
  const { version_column } = contract
  const key = contract.key.map((name) => deliveredName(feed, name))
  if (key.length === 0)
    return html`There is no key: rows that are the same are all kept, and counted as often as they come. Do not deliver a row twice under two object names.`
  const scope =
    deduplicate.scope === 'partition'
      ? 'in the same partition'
      : deduplicate.scope === 'days'
        ? `in partitions up to ${deduplicate.days} days apart`
        : 'anywhere in what you have delivered'
  if (publish === 'upsert')
    return html`The key is ${codes(key)}. Of all rows with the same key one is served: ${version_column === undefined ? 'the one delivered last' : html`the one with the greatest ${code(deliveredName(feed, version_column))}; on a tie the one in the later object or the later row`}. Rows are replaced whole: deliver every column, not only what changed. The others are counted as duplicates; they are no errors.`
  return html`The key is ${codes(key)}. Of rows with the same key ${scope} one is published, and the others are counted as duplicates. They are no errors and need not be avoided: repeating a row is safe.`
}

function qualityWords(rule: QualityRule, feed: GuideInput['feed']): Markup {
  const named = (column: string) => deliveredName(feed, column)
  const limit = thresholdWords(rule.threshold, rule.unit)
  const said = rule.description === undefined ? '' : ` (${rule.description})`
  switch (rule.metric) {
    case 'row_count':
      return html`The partition has ${limit} rows${said}.`
    case 'null_values':
    case 'missing_values':
      return html`In ${code(named(rule.column))}, missing values are ${limit}${said}.`
    case 'invalid_values':
      return html`In ${code(named(rule.column))}, invalid values are ${limit}${said}.`
    case 'duplicate_values':
      return html`Repetitions of ${codes(rule.columns.map(named))} are ${limit}${said}.`
    case 'sql':
      return html`${rule.description ?? rule.name}: ${code(rule.query)} gives ${limit}.`
  }
}

function budgetWords(feed: GuideInput['feed']): Markup {
  const { rows, percent, rows_per_object, percent_per_object } = feed.budget
  const limits = [
    ...(rows === undefined ? [] : [`more than ${rows} rows of a partition`]),
    ...(percent === undefined ? [] : [`more than ${percent}\u00a0% of a partition’s rows`]),
    ...(rows_per_object === undefined ? [] : [`more than ${rows_per_object} rows of one object`]),
    ...(percent_per_object === undefined
      ? []
      : [`more than ${percent_per_object}\u00a0% of one object’s rows`]),
  ]
  return html`A refused row refuses that row alone; the others are published. If ${limits.join(', or ')} are refused, nothing of the partition is published, what was published before stays, and we ask you to correct and deliver again.`
}
