import { grainWords } from './column-rules.ts'
import { deliveredName, formatWords, type GuideInput } from './guide-input.ts'
import { exampleKeys, partitionToDeliver, placeName } from './layout-section.ts'
import { code, codes, html, joined, type Markup, spanText } from './markup.ts'

/** Who delivers what, and for what. */
export function leadOf({ feed, prose, name }: GuideInput): Markup {
  const { contract } = feed
  const called = name === contract.id ? '' : html`, which we receive as ${code(name)}`
  const channels = prose.channels.map(({ channel, url }) =>
    url === undefined
      ? html`${channel}`
      : /^(https:|mailto:)/i.test(url)
        ? html`<a href="${url}" rel="noreferrer">${channel}</a>`
        : html`${channel} (${code(url)})`,
  )
  return html`
<p class="lead">${prose.purpose ?? `Data under the contract ${contract.id}.`}</p>
${prose.usage !== undefined && html`<p>${prose.usage}</p>`}
${prose.limitations !== undefined && html`<p><strong>Limits:</strong> ${prose.limitations}</p>`}
<p>This page is for whoever prepares the files. It says where they go, what is in them, how to check them before they leave, and what happens to those that do not fit. It holds for version ${contract.version} of the contract ${code(contract.id)}${called}.</p>
${channels.length > 0 && html`<p>Questions: ${joined(channels, ', ')}.</p>`}`
}

/** The page in seven lines. */
export function summaryOf(input: GuideInput): Markup {
  const { feed, now } = input
  const { contract, completion } = feed
  const { available_by, latency_ms } = contract.service_levels
  const clock = (part: number) => String(part).padStart(2, '0')
  const due =
    available_by !== undefined
      ? `${clock(available_by.hour)}:${clock(available_by.minute)} ${available_by.zone}, ${available_by.days_after === 0 ? 'the same day' : available_by.days_after === 1 ? 'the day after' : `${available_by.days_after} days later`}`
      : latency_ms !== undefined
        ? `${spanText(latency_ms)} after the ${grainWords(feed)} ends`
        : undefined
  const complete = {
    marker: () =>
      html`the object ${code('name' in completion ? completion.name : '')} is there, written last`,
    manifest: () =>
      html`all files that ${code('name' in completion ? completion.name : '')} names are there`,
    immediate: () => html`each file is loaded as it appears`,
    quiet_period: () =>
      html`nothing has changed for ${spanText('quiet' in completion ? completion.quiet : 0)}`,
  }[completion.type]()
  const rows: readonly (readonly [string, Markup])[] = [
    ['Where', placeName(input)],
    ['A key', code(exampleKeys(input, partitionToDeliver(feed, now), 1)[0] ?? '')],
    ['Format', html`${formatWords(feed.format.type)}`],
    ['One delivery', html`one ${grainWords(feed)}, in ${feed.layout.zone}`],
    ['Complete when', complete],
    ...(due === undefined ? [] : [['Due', html`${due}`] as const]),
    [
      'Key of a row',
      contract.key.length === 0
        ? html`none`
        : codes(contract.key.map((name) => deliveredName(feed, name))),
    ],
    ['Refused rows', html`up to ${tolerated(feed.budget)} are tolerated`],
  ]
  return html`<dl class="summary">${rows.map(([term, what]) => html`<div><dt>${term}</dt><dd>${what}</dd></div>`)}</dl>`
}

function tolerated({
  rows,
  percent,
  rows_per_object,
  percent_per_object,
}: GuideInput['feed']['budget']): string {
  const limits = [
    ...(percent === undefined ? [] : [`${percent}\u00a0% of a partition`]),
    ...(rows === undefined ? [] : [`${rows} rows`]),
    ...(percent_per_object === undefined ? [] : [`${percent_per_object}\u00a0% of a file`]),
    ...(rows_per_object === undefined ? [] : [`${rows_per_object} rows of a file`]),
  ]
  return limits.join(', ')
}
