import type { Feed } from '../../core/feed.ts'
import { canBe, formatWords, type GuideInput } from './guide-input.ts'
import {
  code,
  codes,
  countText,
  html,
  listed,
  type Markup,
  type Section,
  sizeText,
} from './markup.ts'

/** What the objects look like inside. */
export function formatSection({ feed }: GuideInput): Section {
  const { format } = feed
  return {
    id: 'format',
    title: 'What is in a file',
    body: html`
<p>Files are <strong>${formatWords(format.type)}</strong>.${format.type === 'auto' && html` Which of them a file is, is told by its content and by its key’s ending (${codes(['.parquet', '.jsonl', '.csv'])}), for each file by itself; choose one and stay with it.`}</p>
<ul>
${[...kindRules(feed), ...sizeRules(feed)].map((rule) => html`<li>${rule}</li>`)}
</ul>`,
  }
}

function kindRules(feed: Feed): Markup[] {
  const rules: Markup[] = []
  const { format } = feed
  const several = format.type === 'auto'
  const label = (name: string) => (several ? html`<strong>${name}.</strong> ` : html``)
  if (canBe(feed, 'parquet'))
    rules.push(
      html`${label('Parquet')}Compress inside the file, with Snappy or zstd; not around it. No encryption.`,
    )
  if (canBe(feed, 'jsonl'))
    rules.push(
      html`${label('JSON lines')}One JSON object a line, valid by RFC 8259, each name once. Blank lines are passed over. A field that is ${code('null')} or left out has no value.`,
    )
  if ('repair' in format && format.repair.includes('empty_value'))
    rules.push(html`A missing value after a colon is read as ${code('null')}.`)
  if ('repair' in format && format.repair.includes('trailing_comma'))
    rules.push(html`A comma before a closing bracket is read over.`)
  if ('delimiter' in format) rules.push(...csvRules(feed, label('CSV')))
  if ('encoding' in format)
    rules.push(html`Text is in <strong>${format.encoding.toUpperCase()}</strong>.`)
  if (canBe(feed, 'jsonl') || canBe(feed, 'csv')) rules.push(compressionRule(feed))
  return rules
}

function csvRules({ format }: Feed, label: Markup): Markup[] {
  if (!('delimiter' in format)) return []
  const header =
    format.header === true
      ? html`the first line names the columns`
      : html`there is no header line; the columns are ${codes(format.header)}, in this order`
  const shown = (sign: string) => (sign === '\t' ? 'tab' : code(sign))
  const nulls = format.null_text.map((text) => (text === '' ? 'an empty field' : code(text)))
  return [
    html`${label}Fields are separated by ${shown(format.delimiter)}, and ${header}.${format.skip_lines > 0 && html` ${format.skip_lines} lines before it are passed over.`} Every record has as many fields as the header.`,
    html`A field with a separator, a quote or a line break stands in ${code(format.quote)}; a quote inside is written ${code(format.escape + format.quote)}. ${nulls.length > 0 && html`No value is written as ${listed(nulls, 'or')}, without quotes.`} Maps, lists and objects are written as JSON text.`,
  ]
}

function compressionRule(feed: Feed): Markup {
  const { compression } = feed.format
  const suffix = /\.(gz|zst|bz2|xz|zip)$/.exec(feed.layout.template)?.[1] ?? ''
  const named = { gz: 'gzip', zst: 'zstd', bz2: 'bzip2', xz: 'xz', zip: 'zip' }[suffix]
  if (compression === 'auto' && named !== undefined)
    return html`Files are compressed with <strong>${named}</strong>, as the ending of their keys says. What counts is the content, though: ${listed([...['gzip', 'zstd', 'bzip2', 'xz', 'zip'].filter((each) => each !== named).map(code), 'plain text'])} are recognised too. Compress once.`
  if (compression === 'none') return html`Text files are not compressed.`
  if (compression !== 'auto')
    return html`Text files are compressed with <strong>${compression}</strong>.`
  return html`Text files may be compressed with ${listed(['gzip', 'zstd', 'bzip2', 'xz', 'zip'].map(code), 'or')}, or not at all. Which, is seen in the content and not in the name. Compress once.`
}

function sizeRules(feed: Feed): Markup[] {
  const { format, contract } = feed
  const { file_bytes, file_rows } = contract.advice ?? {}
  const advice = [
    ...(file_bytes === undefined ? [] : [`about ${sizeText(file_bytes)} as delivered`]),
    ...(file_rows === undefined ? [] : [`about ${countText(file_rows)} rows`]),
  ]
  return [
    advice.length > 0
      ? html`A good file has ${listed(advice, 'or')}. Files ten times smaller or larger work, and are reported to us.`
      : html`No size is asked for. A few large files load faster than many small ones.`,
    ...(feed.format.type === 'parquet' ? [] : [textLimits(format)]),
    html`An empty file is refused: when there is no row, write no file.`,
  ]
}

const textLimits = (format: Feed['format']): Markup =>
  html`${format.type === 'auto' && 'In text files, a'}${format.type !== 'auto' && 'A'} row has at most ${sizeText(format.max_row_bytes)}, and a file at most ${sizeText(format.max_expanded_bytes)} after decompression${'max_depth' in format && html`; JSON is nested at most ${format.max_depth} levels deep`}.`
