import type { Feed } from '../../core/feed.ts'
import { DEFAULT_IGNORE, keyReader } from '../../core/layout/key-role.ts'
import { type Layout, partitionPrefix, writeKey } from '../../core/layout/layout.ts'
import { type Partition, partitionAt, previousPartition } from '../../core/partition.ts'
import { grainWords } from './column-rules.ts'
import type { GuideInput } from './guide-input.ts'
import { code, codes, html, keyBlock, type Markup, type Section } from './markup.ts'

/** The last partition that is over: what a partner delivers next. */
export function partitionToDeliver(feed: Feed, now: Date): Partition {
  return previousPartition(partitionAt(now, feed.layout.grain, feed.layout.zone), feed.layout.zone)
}

type Keys = Pick<GuideInput, 'feed' | 'suffix'>

/** Keys of a delivery of two files, in the order they are written. */
export function exampleKeys(input: Keys, partition: Partition, files = 2): string[] {
  const keys = Array.from({ length: files }, (_, file) =>
    dataKey(input, partition, `part-${String(file).padStart(5, '0')}`),
  )
  const closing = closingKey(input, partition)
  return [...new Set(closing === undefined ? keys : [...keys, closing])]
}

/** The object that completes a partition, where one does. */
export function closingKey(input: Keys, partition: Partition): string | undefined {
  const { feed } = input
  const { completion, layout } = feed
  if (completion.type !== 'marker' && completion.type !== 'manifest') return undefined
  const data = dataKey(input, partition, 'part-00000')
  const folder = partitionPrefix(layout, partition)
  return folder === undefined
    ? `${data.slice(0, data.lastIndexOf('/') + 1)}${completion.name}`
    : `${feed.prefix}${folder}${completion.name}`
}

function dataKey({ feed, suffix }: Keys, partition: Partition, part: string): string {
  const { layout } = feed
  const has_file = layout.template.includes('{file}')
  const variables = Object.fromEntries(layout.variables.map((name) => [name, 'sample']))
  const file = has_file ? { file: `${part}${ending(feed, suffix)}` } : {}
  return feed.prefix + writeKey(layout, partition, { ...file, variables })
}

const ending = ({ layout }: Feed, suffix: string): string =>
  layout.template.endsWith('{file}') ? suffix : ''

export function layoutSection(input: GuideInput): Section {
  const { feed, now } = input
  const { layout } = feed
  const next = partitionToDeliver(feed, now)
  const running = partitionAt(now, layout.grain, layout.zone)
  const grain = grainWords(feed)
  return {
    id: 'layout',
    title: 'Where files go',
    body: html`
<p>${placeWords(input)} Every object has a key of this form:</p>
${keyBlock([feed.prefix + layout.template])}
<dl class="terms">${variableWords(layout).map(([name, words]) => html`<div><dt>${code(`{${name}}`)}</dt><dd>${words}</dd></div>`)}</dl>
<p>One ${grain} is a <strong>partition</strong>. Partitions are named and cut in ${layout.zone}: ${code(next.name)} runs from ${instant(next.start)} up to, not including, ${instant(next.end)}. Deliver a partition when it is over.</p>
<h3>Keys of ${code(next.name)}, the last ${grain} that is over</h3>
${keyBlock(exampleKeys(input, next))}
<h3>Keys of ${code(running.name)}, the ${grain} that is running</h3>
${keyBlock(exampleKeys(input, running))}
${wrongKeys(input, next)}
<h3>What is passed over</h3>
<p>What writers leave beside their data does no harm and is not read: names and folders that match ${codes([...DEFAULT_IGNORE, ...feed.ignore])}, and empty objects whose key ends in ${code('/')}. Any other key that does not fit the form is not loaded and is reported to us as a stray.</p>`,
  }
}

const instant = (at: Date): Markup =>
  html`<time datetime="${at.toISOString()}">${at.toISOString().slice(0, 16).replace('T', ' ')} UTC</time>`

function placeWords({ place, feed }: GuideInput): Markup {
  const prefix = feed.prefix === '' ? '' : html`, under the prefix ${code(feed.prefix)}`
  switch (place.type) {
    case 's3':
      return html`Files go to the S3 bucket ${code(place.bucket)} in ${place.region}${place.endpoint !== undefined && html` at ${code(place.endpoint)}`}${prefix}.`
    case 'gcs':
      return html`Files go to the Google Cloud Storage bucket ${code(place.bucket)}${prefix}.`
    case 'folder':
      return html`Files go to the shared folder ${code(place.path)}${prefix}.`
    case 'unknown':
      return html`Files go to the bucket and prefix that we agree on.`
  }
}

function variableWords(layout: Layout): [string, string][] {
  const times: Readonly<Record<string, string>> = {
    yyyy: 'year, four digits',
    MM: 'month, two digits: 01 to 12',
    dd: 'day, two digits: 01 to 31',
    HH: 'hour, two digits: 00 to 23',
    mm: 'minute at which the quarter begins: 00, 15, 30 or 45',
  }
  const used = Object.entries(times).filter(([name]) => layout.template.includes(`{${name}}`))
  const file: [string, string][] = layout.template.includes('{file}')
    ? [['file', 'any name you like without a slash, different for each file of a partition']]
    : []
  const own = layout.variables.map((name): [string, string] => [
    name,
    'a value of yours; it becomes a column of every row in the file',
  ])
  return [...used, ...own, ...file]
}

/** Mistakes that were made before, each with what the reader of keys says of it. */
function wrongKeys({ feed, now, suffix }: GuideInput, next: Partition): Markup {
  const { layout } = feed
  const reader = keyReader(feed)
  const [yyyy = '', MM = '', dd = '', HH = '', mm = ''] = next.name.split(/[-T:]/)
  const written = (values: Readonly<Record<string, string>>, template = layout.template) =>
    template.replace(/\{([^}]*)\}/g, (_, name: string) => values[name] ?? 'sample')
  const file = `part-00000${ending(feed, suffix)}`
  const tries = [
    written({ yyyy, MM: '1', dd: '4', HH: '9', mm: '0', file }),
    written({ yyyy, MM: '13', dd: '31', HH: '24', mm: '50', file }),
    written({ yyyy: String(Number(yyyy) + 1), MM, dd, HH, mm, file }),
    written(
      { yyyy, MM, dd, HH, mm, file },
      layout.template.slice(layout.template.lastIndexOf('/') + 1),
    ),
  ]
  const wrong = [...new Set(tries)].flatMap((key) => {
    const role = reader.key(key, 1, now)
    return role.role === 'stray' ? [{ key: feed.prefix + key, why: role.reason.message }] : []
  })
  if (wrong.length === 0) return html``
  return html`<h3>Keys that are not read</h3>
<dl class="stack">${wrong.map(({ key, why }) => html`<div><dt>${code(key)}</dt><dd>${why.charAt(0).toUpperCase() + why.slice(1)}.</dd></div>`)}</dl>`
}

/** The place in short. */
export function placeName({ place, feed }: GuideInput): Markup {
  switch (place.type) {
    case 's3':
      return html`${code(`s3://${place.bucket}/${feed.prefix}`)} in ${place.region}`
    case 'gcs':
      return code(`gs://${place.bucket}/${feed.prefix}`)
    case 'folder':
      return code(`${place.path.replace(/\/$/, '')}/${feed.prefix}`)
    case 'unknown':
      return html`the bucket and prefix that we agree on`
  }
}
