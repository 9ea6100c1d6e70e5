import { grainWords } from './column-rules.ts'
import { canBe, deliveredName, type GuideInput } from './guide-input.ts'
import { exampleKeys, partitionToDeliver } from './layout-section.ts'
import { block, code, downloadLink, html, type Markup, type Section, shellWord } from './markup.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The files of the page that a check needs. */
export const contractFile = (input: GuideInput): Markup =>
  downloadLink({
    name: input.document.file,
    type: 'application/yaml',
    bytes: bytesOf(input.document.text),
  })

/** Checking a delivery with this product before it goes out, and reading what comes back. */
export function checkSection(input: GuideInput): Section {
  const { feed } = input
  const file = shellWord(input.document.file)
  const data = exampleKeys(input, partitionToDeliver(feed, input.now), 1)[0] ?? ''
  const local = data.slice(feed.prefix.length)
  const config = bytesOf(input.check_config)
  return {
    id: 'check',
    title: 'Check before you deliver',
    body: html`
<p>The check is the very program that we load with. It runs on your machine, sends nothing anywhere, and needs Node.js 20 or newer and npm: ${code('npx bucketline')} in place of ${code('bucketline')} runs it without an installation.</p>
<h3>A file by itself</h3>
<p>${contractFile(input)}</p>
${block('Command that checks files', `bucketline validate --contract ${file} ${shellWord(local.slice(local.lastIndexOf('/') + 1))}`)}
<p>This looks at the rows. Which partition they belong to, and how the folder is called, is not looked at.</p>
<h3>A whole delivery, with keys${feed.completion.type === 'marker' || feed.completion.type === 'manifest' ? html` and ${code(feed.completion.name)}` : ''}</h3>
<p>Save the contract above and this configuration into an empty folder:</p>
<p>${downloadLink({ name: 'bucketline.yaml', type: 'application/yaml', bytes: config })}</p>
${block('bucketline.yaml', input.check_config)}
<p>Put the delivery into the folder ${code('outbox')} beside them, which stands for ${feed.prefix === '' ? 'the bucket' : html`the prefix ${code(feed.prefix)}`}: the example above becomes ${code(`outbox/${local}`)}. Then run:</p>
${block('Commands that check a delivery', `bucketline plan\nbucketline validate ${shellWord(feed.name)}`)}
<p>The first command shows which partitions were found and what is missing to complete them. The second checks their rows; it says ${code('nothing to check')} where no ${grainWords(feed)} is complete.</p>
<h3>Reading the answer</h3>
<dl class="cases">
<div><dt>${code('passed')}</dt><dd>The partition would be published. The command ends with exit code 0.</dd></div>
<div><dt>${code('refused')}</dt><dd>Nothing of it would be published, and the line below says why: most often ${code('over_budget')}, more refused rows than are tolerated. Exit code 1.</dd></div>
<div><dt>rows read</dt><dd>All rows found. They are always = published + duplicates + rejected (+ withheld, the good rows of a refused partition).</dd></div>
<div><dt>rejected</dt><dd>Refused rows. Each is shown with file, row, column, <a href="#refused">code</a> and message; ${code('--json')} lists all of them. ${rowWords(input)}</dd></div>
<div><dt>duplicates</dt><dd>Rows that lost to another with the same key. No error.</dd></div>
</dl>`,
  }
}

function rowWords({ feed }: GuideInput): string {
  const text = canBe(feed, 'jsonl') || canBe(feed, 'csv')
  if (!text) return 'Rows are counted from 1.'
  const parquet = canBe(feed, 'parquet') ? '; in Parquet the row’s place, from 1' : ''
  return `A row is the number of the line it starts on, from 1${parquet}.`
}

/** What to tick off before the first delivery. */
export function checklistSection(input: GuideInput): Section {
  const { feed, place } = input
  const { completion, contract } = feed
  const closing = completion.type === 'marker' || completion.type === 'manifest'
  const grain = grainWords(feed)
  const items: Markup[] = [
    ...(place.type === 's3' || place.type === 'gcs'
      ? [html`We may list the prefix and read its objects (<a href="#access">access</a>).`]
      : []),
    html`Keys look like the <a href="#layout">examples</a>: folders with leading zeros, in ${feed.layout.zone}.`,
    html`Every required column is there, under its exact name, and never null (<a href="#columns">columns</a>).`,
    ...(contract.time_column === undefined
      ? []
      : [
          html`Every row lies in its ${grain} by ${code(deliveredName(feed, contract.time_column))}, in ${feed.layout.zone}.`,
        ]),
    ...(contract.key.length === 0 ? [html`No row is delivered under two object names.`] : []),
    html`${code('bucketline validate')} says ${code('passed')} for a real delivery (<a href="#check">check</a>).`,
    ...(closing
      ? [html`${code(completion.name)} is written last, after all files of the ${grain}.`]
      : []),
    ...(contract.service_levels.available_by === undefined &&
    contract.service_levels.latency_ms === undefined
      ? []
      : [
          html`The job is done before it is <a href="#completion">due</a>, with time for one repetition.`,
        ]),
    html`Somebody with us knows whom to call on your side when a delivery is missing or refused.`,
  ]
  return {
    id: 'checklist',
    title: 'Checklist',
    body: html`<ul class="checklist">${items.map((item, at) => html`<li><input type="checkbox" id="done-${at + 1}"><label for="done-${at + 1}">${item}</label></li>`)}</ul>`,
  }
}
