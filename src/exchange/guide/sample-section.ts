import type { Column } from '../../core/contract/contract.ts'
import { type SampleRow, sampleColumns } from '../../core/contract/sample.ts'
import { csvHeader, csvLine, jsonLine, jsonText } from '../contract/sample-file.ts'
import { formatWords, type GuideInput, type GuideSample } from './guide-input.ts'
import { block, code, downloadLink, html, type Markup, type Section, shellWord } from './markup.ts'

/** A delivery that passes: some rows to look at, and the file. */
export function sampleSection(input: GuideInput): Section {
  const { sample, feed } = input
  return {
    id: 'sample',
    title: 'A sample that passes',
    body: 'impossible' in sample ? without(sample.impossible) : shown(sample, input, feed.name),
  }
}

const without = (why: string): Markup =>
  html`<p>No sample can be made up for this contract: ${why}</p>`

function shown(sample: GuideSample, { feed }: GuideInput, name: string): Markup {
  const columns = sampleColumns(feed.contract)
  const count = sample.rows.length
  const types = {
    parquet: 'application/vnd.apache.parquet',
    jsonl: 'application/x-ndjson',
    csv: 'text/csv',
  }
  return html`
<p>Made-up rows in the right shape${feed.format.type === 'auto' && html`, here as ${formatWords(sample.format)}`}. The whole file has ${count} rows:</p>
<p>${sample.objects.map(({ key, bytes }) => html`${downloadLink({ name: key.slice(key.lastIndexOf('/') + 1), type: types[sample.format], bytes })} <span class="note">for the key ${code(feed.prefix + key)}</span>`)}</p>
${preview(sample, columns)}
<p>A larger one, to try your own tools with, comes from this command, in a folder with the <a href="#check">configuration below</a>:</p>
${block('Command that writes a sample', `bucketline contract sample ${shellWord(name)} outbox --rows 100000`)}`
}

function preview({ format, rows }: GuideSample, columns: readonly Column[]): Markup {
  if (format === 'csv') {
    const lines = rows.slice(0, 5).map((row) => csvLine(row, columns))
    return html`<p>Its first lines:</p>${block('First lines of the sample', csvHeader(columns) + lines.join(''))}`
  }
  if (format === 'jsonl') {
    const lines = rows.slice(0, 4).map((row) => jsonLine(row, columns))
    return html`<p>Its first lines:</p>${block('First lines of the sample', lines.join(''))}`
  }
  const first = rows[0]
  return first === undefined
    ? html``
    : html`<p>Its first row, written as JSON:</p>${block('First row of the sample', spread(first, columns))}`
}

/** A row with a column a line: nested values would make one line too long to read. */
function spread(row: SampleRow, columns: readonly Column[]): string {
  const fields = columns.map((column) => {
    const name = column.names[0] ?? column.name
    return `  ${JSON.stringify(name)}: ${jsonText(row[name] ?? null, column.type)}`
  })
  return `{\n${fields.join(',\n')}\n}`
}
