import type { Feed } from '../../core/feed.ts'
import { deadlineOf } from '../../core/timeliness.ts'
import { aGrain, grainWords } from './column-rules.ts'
import { deliveredName, type GuideInput } from './guide-input.ts'
import { closingKey, exampleKeys, partitionToDeliver } from './layout-section.ts'
import {
  block,
  code,
  html,
  keyBlock,
  type Markup,
  type Section,
  shellWord,
  spanText,
} from './markup.ts'

/** How a delivery is closed, when it is due, and what follows from delivering again. */
export function completionSection(input: GuideInput): Section {
  const { feed } = input
  return {
    id: 'completion',
    title: 'When a delivery is complete, and due',
    body: html`
<h3>Saying that ${aGrain(feed)} is complete</h3>
${completionWords(input)}
${uploadCommands(input)}
<h3>When it is due</h3>
${dueWords(input)}
<h3>Delivering again</h3>
${againWords(feed)}`,
  }
}

function completionWords(input: GuideInput): Markup {
  const { feed, now, place } = input
  const { completion } = feed
  const grain = grainWords(feed)
  const closing = closingKey(input, partitionToDeliver(feed, now)) ?? ''
  switch (completion.type) {
    case 'marker':
      return html`<p>Write all files of the ${grain} first. Then write ${completion.allow_content ? 'an object' : html`an <strong>empty</strong> object`} named ${code(completion.name)} into the same folder, as the last of all:</p>
${keyBlock([closing])}
<p>Nothing of ${aGrain(feed)} is read before its marker is there. A file that is newer than the marker means that the delivery still goes on: we wait until you write the marker again.</p>`
    case 'immediate':
      return html`<p>Nothing closes ${aGrain(feed)}: each file is loaded as it appears, so it has to be whole when its name appears.${place.type === 'folder' ? html` Write it under a name that ends in ${code('.tmp')}, then rename it.` : ' An upload to an object store always is.'}</p>`
    case 'quiet_period':
      return html`<p>When nothing in ${aGrain(feed)} has changed for ${spanText(completion.quiet)}, it is taken to be complete. Upload the files of one ${grain} without longer pauses.</p>`
    case 'manifest':
      return html`<p>Write all files of the ${grain} first. Then write ${code(completion.name)} into the same folder, as the last of all. It names the files:</p>
${block('A manifest', `{ "files": [${names(input)}] }`)}
<p>Names are relative to the manifest’s folder. An entry may also be an object with ${code('name')}, ${code('size')} in bytes and ${code('etag')}; then these are compared. Files that it does not name are not loaded.</p>`
  }
}

function names(input: GuideInput): string {
  const keys = exampleKeys(input, partitionToDeliver(input.feed, input.now)).slice(0, -1)
  return keys.map((key) => JSON.stringify(key.slice(key.lastIndexOf('/') + 1))).join(', ')
}

/** The upload with the vendor's own tool, where the place is known. */
function uploadCommands(input: GuideInput): Markup {
  const { feed, place, now } = input
  if (place.type !== 's3' && place.type !== 'gcs') return html``
  const partition = partitionToDeliver(feed, now)
  const closing = closingKey(input, partition)
  const scheme = place.type === 's3' ? 's3' : 'gs'
  const copy = place.type === 's3' ? `aws s3 cp${options(place)}` : 'gcloud storage cp'
  const base = (key: string) => key.slice(key.lastIndexOf('/') + 1)
  const url = (key: string) => shellWord(`${scheme}://${place.bucket}/${key}`)
  const lines = exampleKeys(input, partition)
    .filter((key) => key !== closing)
    .map((key) => `${copy} ${shellWord(base(key))} \\\n  ${url(key)}`)
  if (closing !== undefined) {
    const file = shellWord(base(closing))
    if (feed.completion.type === 'marker') lines.push(`: > ${file}`)
    lines.push(`${copy} ${file} \\\n  ${url(closing)}`)
  }
  return html`<p>From a command line:</p>
${block('Upload commands', lines.join('\n'))}`
}

const options = (place: { readonly region: string; readonly endpoint?: string }): string =>
  place.endpoint === undefined
    ? ` --region ${shellWord(place.region)}`
    : ` --endpoint-url ${shellWord(place.endpoint)}`

function dueWords({ feed, now }: GuideInput): Markup {
  const { available_by, latency_ms, frequency } = feed.contract.service_levels
  const next = partitionToDeliver(feed, now)
  const due = deadlineOf(next, feed.contract.service_levels, feed.layout.zone)
  const lines: Markup[] = []
  if (frequency !== undefined)
    lines.push(
      html`We expect a delivery for every ${frequency === '15 minutes' ? 'quarter of an hour' : frequency}. One that does not come is reported as missing.`,
    )
  if (available_by !== undefined) {
    const { hour, minute, zone, days_after } = available_by
    const clock = `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`
    const day =
      days_after === 0
        ? 'on the same day'
        : days_after === 1
          ? 'on the day after'
          : `${days_after} days later`
    lines.push(html`Each ${grainWords(feed)} is due by <strong>${clock} ${zone}</strong> ${day}.`)
  }
  if (latency_ms !== undefined)
    lines.push(
      html`Each ${grainWords(feed)} is due <strong>${spanText(latency_ms)}</strong> after its end.`,
    )
  if (due !== undefined) {
    const zone = available_by?.zone
    lines.push(
      html`For example, ${code(next.name)} is due at <time datetime="${due.toISOString()}">${wall(due, 'UTC')} UTC</time>${zone !== undefined && !isUtc(zone) && ` (${wall(due, zone)} in ${zone})`}. What is complete later is loaded all the same, and reported as late.`,
    )
  }
  if (lines.length === 0)
    return html`<p>No time is agreed. What comes is loaded at our next run.</p>`
  return html`<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>`
}

const isUtc = (zone: string) => ['UTC', 'Etc/UTC'].includes(zone)

/** `2026-11-24 13:00` as clocks in a zone show it. */
function wall(at: Date, zone: string): string {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  }).formatToParts(at)
  const part = (type: string) => parts.find((each) => each.type === type)?.value ?? ''
  return `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}`
}

function againWords(feed: Feed): Markup {
  const grain = grainWords(feed)
  const close =
    feed.completion.type === 'marker' || feed.completion.type === 'manifest'
      ? html` Then write ${code(feed.completion.name)} again, last.`
      : html``
  const version = deliveredName(feed, feed.contract.version_column ?? 'time')
  const lines: Record<Feed['publish'], Markup[]> = {
    replace: [
      html`Each ${grain} is loaded as a whole. To correct it, replace, add or remove files in its folder.${close} All files that then lie there are read again, and the result replaces what was published, in one step.`,
      html`So leave the files that are right where they are: a file that you remove is gone from the data.`,
    ],
    append: [
      html`Each file is loaded once. A file written again under the <strong>same key</strong> replaces its own rows.${close}`,
      html`The same rows under <strong>another key</strong> are loaded again${feed.contract.key.length === 0 && html` and counted twice, because there is no key by which they could be told`}. Give a corrected file the key of the one it corrects.`,
      html`A file that you remove takes its rows with it.`,
    ],
    upsert: [
      html`A file written again under the same key is read again, and its rows compete once more with the others of the same key.${close}`,
      html`To correct a row, deliver it again, whole, with a greater ${code(version)}. There is no need to touch earlier files.`,
      html`A file that you remove takes its rows with it; what they had replaced is served again.`,
    ],
  }
  return html`<ul>${lines[feed.publish].map((line) => html`<li>${line}</li>`)}
<li>If all files of ${aGrain(feed)} are removed, we keep serving what was there and ask you.</li>
<li>Each ${grain} is watched for ${spanText(feed.look_back_ms)} after it was last published. Later changes are found too, but may take longer.</li></ul>`
}
