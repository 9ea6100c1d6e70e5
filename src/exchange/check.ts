import type { AccessFinding } from '../core/access.ts'
import type { Feed } from '../core/feed.ts'
import { keyBase, keyReader } from '../core/layout/key-role.ts'
import type { ObjectInfo } from '../store/store.ts'

/** What a feed's layout makes of the objects that were looked at. */
export interface LayoutReport {
  /** Objects looked at; at most one page of a listing. */
  readonly objects: number
  /** There are further objects under the prefix that were not looked at. */
  readonly more: boolean
  readonly taken: number
  /** Markers and manifests. */
  readonly markers: number
  readonly ignored: number
  /** First key that the layout takes, and its partition. */
  readonly first?: { readonly object: string; readonly partition: string }
  readonly strays: readonly { readonly object: string; readonly reason: string }[]
}

/** Whether a feed's layout takes an object as data. */
export function takenBy(feed: Feed, now: Date): (object: ObjectInfo) => boolean {
  const base = keyBase(feed.prefix)
  const reader = keyReader(feed)
  return ({ key, size }) =>
    key.startsWith(base) && reader.key(key.slice(base.length), size, now).role === 'data'
}

/** Reads one page of objects under a feed's prefix by its layout: whether a partner delivers where it is looked for. */
export function checkLayout(
  feed: Feed,
  listed: { readonly objects: readonly ObjectInfo[]; readonly more: boolean },
  now: Date,
): { readonly report: LayoutReport; readonly finding: AccessFinding } {
  const base = keyBase(feed.prefix)
  const reader = keyReader(feed)
  let taken = 0
  let markers = 0
  let ignored = 0
  let first: LayoutReport['first']
  const strays: { object: string; reason: string }[] = []
  for (const { key, size } of listed.objects) {
    const role = reader.key(key.slice(base.length), size, now)
    if (role.role === 'stray') strays.push({ object: key, reason: role.reason.message })
    else if (role.role === 'ignored') ignored += 1
    else if (role.role === 'data') {
      taken += 1
      first ??= { object: key, partition: role.partition.name }
    } else markers += 1
  }
  const report: LayoutReport = {
    objects: listed.objects.length,
    more: listed.more,
    taken,
    markers,
    ignored,
    ...(first === undefined ? {} : { first }),
    strays,
  }
  return { report, finding: findingOf(feed, report) }
}

function findingOf({ layout, prefix }: Feed, report: LayoutReport): AccessFinding {
  const { objects, more, taken, first, strays } = report
  const expected = `${keyBase(prefix)}${layout.template}`
  if (objects === 0)
    return { result: 'skipped', detail: `there is no key to compare with ${expected}` }
  const looked = `${count(objects)} ${more ? 'first ' : ''}${objects === 1 ? 'key' : 'keys'}`
  const detail = `${count(taken)} of ${looked} fit ${layout.template}`
  if (first === undefined && strays.length > 0) {
    const change = `No key fits. Correct \`prefix\` or \`layout\` of the feed, or deliver under ${expected}.`
    return { result: 'failed', detail, change }
  }
  if (first === undefined)
    return { result: 'ok', detail: `${detail}; the others are markers or ignored` }
  return {
    result: 'ok',
    detail: `${detail}, the first in ${first.partition}`,
    ...(strays.length === 0
      ? {}
      : {
          change: `${count(strays.length)} ${strays.length === 1 ? 'key is' : 'keys are'} in no partition and in no load. Deliver them as ${expected}, or name them under \`ignore\` of the feed.`,
        }),
  }
}

const count = (value: number): string => value.toLocaleString('en-US')
