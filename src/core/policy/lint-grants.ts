import { grantsAction, kindOfAction, NEEDED_ACTIONS, type PolicyJob } from './actions.ts'
import { failedTest } from './conditions.ts'
import type { Place, Report } from './findings.ts'
import { escapePattern, hasSigns, literalStart, matchesPattern } from './glob.ts'
import { type Grant, isIn, type ReceivedFeed, type Wanted } from './grant.ts'
import { lintListing } from './lint-listing.ts'

/** Stands for what lies in a bucket where no feed says it. */
const EXAMPLE = 'dt=2023-01-01/part-0.parquet'

/** Checks what the statements of a permission policy grant together. */
export function lintGrants(
  grants: readonly Grant[],
  about: {
    readonly job: PolicyJob
    readonly feed?: ReceivedFeed | undefined
    readonly place: Place
  },
  report: Report,
): void {
  const { job, feed, place } = about
  const allowed = grants.filter(({ statement }) => statement.effect === 'Allow')
  if (grants.some(({ statement }) => statement.negated)) return
  const named = new Set(allowed.flatMap(({ resources }) => resources.map(({ arn }) => arn.bucket)))
  const plain = [...named].filter((bucket) => !hasSigns(bucket))
  // Patterns cover buckets that are named, or stand for all there are.
  const buckets = plain.length > 0 ? plain : [...named]
  const checked = feed === undefined ? buckets : [feed.bucket]
  if (checked.length === 0) reportMissing(allowed, { job, place }, report)
  for (const bucket of checked) {
    reportMissing(allowed, { job, place, bucket }, report)
    for (const base of feed === undefined ? basesIn(bucket, allowed) : [feed.base]) {
      const wanted = { bucket, base, example: feed?.example ?? EXAMPLE }
      lintObjects(allowed, { job, wanted, known: feed !== undefined }, report)
      lintListing(allowed, { wanted, known: feed !== undefined }, report)
      lintDenials(grants, { job, wanted }, report)
    }
  }
}

function reportMissing(
  allowed: readonly Grant[],
  about: { readonly job: PolicyJob; readonly place: Place; readonly bucket?: string },
  report: Report,
): void {
  const { job, place, bucket } = about
  for (const needed of NEEDED_ACTIONS[job]) {
    const named = allowed.filter(({ actions }) =>
      actions.some(({ value }) => grantsAction(value, needed.name)),
    )
    const fits = ({ resources }: Grant, kinds: readonly boolean[]) =>
      resources.some(
        (each) =>
          (bucket === undefined || isIn(each, bucket)) &&
          kinds.includes(each.arn.key === undefined),
      )
    if (named.some((grant) => fits(grant, [needed.on === 'bucket']))) continue
    // On a resource of the wrong kind: said there.
    if (named.some((grant) => fits(grant, [true, false]))) {
      const patterns = named
        .flatMap(({ actions }) => actions)
        .filter(({ value }) => hasSigns(value))
      if (patterns.length === 0) continue
    }
    const of =
      bucket === undefined
        ? ''
        : needed.on === 'bucket'
          ? ` on ${bucket}`
          : ` on the objects of ${bucket}`
    report('missing_action', place, {
      message: `nothing grants ${needed.name}${of}, which is needed ${needed.for}`,
      instead: `a statement with ${needed.name} on "arn:aws:s3:::${bucket ?? 'BUCKET'}${needed.on === 'bucket' ? '' : '/…*'}"`,
    })
  }
}

/** Beginnings of keys that the policy itself speaks of: where it lets objects be read, else where it lists. */
function basesIn(bucket: string, allowed: readonly Grant[]): readonly string[] {
  const keys = allowed
    .filter(({ actions }) => actions.some(({ value }) => kindOfAction(value) !== 'bucket'))
    .flatMap(({ resources }) => resources)
    .flatMap((each) => (isIn(each, bucket) && each.arn.key !== undefined ? [each.arn.key] : []))
  const prefixes = allowed
    .flatMap(({ statement }) => statement.conditions)
    .flatMap(({ key, values }) => (key.toLowerCase() === 's3:prefix' ? values.slice(0, 1) : []))
  for (const patterns of [keys, prefixes]) {
    const bases = new Set(patterns.map(baseOf).filter((base) => base !== ''))
    if (bases.size > 0) return [...bases]
  }
  return ['']
}

function baseOf(pattern: string): string {
  const start = literalStart(pattern)
  if (start === '' || start.endsWith('/')) return start
  return hasSigns(pattern) ? start.slice(0, start.lastIndexOf('/') + 1) : `${start}/`
}

function lintObjects(
  allowed: readonly Grant[],
  about: { readonly job: PolicyJob; readonly wanted: Wanted; readonly known: boolean },
  report: Report,
): void {
  const { job, wanted, known } = about
  const { bucket, base, example } = wanted
  for (const needed of NEEDED_ACTIONS[job].filter(({ on }) => on === 'object')) {
    const resources = allowed
      .filter(({ actions }) => actions.some(({ value }) => grantsAction(value, needed.name)))
      .flatMap((grant) => grant.resources)
      .filter((each) => each.arn.key !== undefined && isIn(each, bucket))
    const [first] = resources
    if (first === undefined) continue
    const key = base + example
    if (!resources.some(({ arn }) => matchesPattern(arn.key ?? '', key))) {
      report('objects_missed', first.text, {
        message: `${needed.name} is granted on ${first.arn.key}, which does not cover ${key}`,
        instead: `"arn:aws:s3:::${bucket}/${escapePattern(base)}*"`,
      })
    }
    // The other actions stand on the same resources mostly.
    if (needed.name !== 's3:GetObject') continue
    for (const { text, arn } of resources) {
      const pattern = arn.key ?? ''
      if (/^\*+$/.test(pattern)) {
        if (known && base === '') continue
        if (text.value === '*') continue
        report('whole_bucket', text, {
          message: 'this covers every object of the bucket',
          instead: `"arn:aws:s3:::${bucket}/${base === '' ? 'PREFIX/' : base}*", unless the bucket holds nothing else`,
        })
      } else if (coversMore(pattern, base, known)) {
        report('prefix_too_wide', text, {
          message: `${pattern} covers more than ${base === '' ? `${literalStart(pattern)}/` : base}`,
          instead: `"arn:aws:s3:::${bucket}/${base === '' ? `${literalStart(pattern)}/` : base}*"`,
        })
      }
    }
  }
}

function coversMore(pattern: string, base: string, known: boolean): boolean {
  if (!known) {
    const start = literalStart(pattern)
    return hasSigns(pattern) && start !== '' && !start.includes('/') && pattern === `${start}*`
  }
  const folder = base.slice(0, -1)
  const parent = folder.slice(0, folder.lastIndexOf('/') + 1)
  return base !== '' && [`${folder}~/x`, `${parent}~x`].some((key) => matchesPattern(pattern, key))
}

/** A Deny wins over every Allow; one whose condition is not about listing may be meant. */
function lintDenials(
  grants: readonly Grant[],
  about: { readonly job: PolicyJob; readonly wanted: Wanted },
  report: Report,
): void {
  const { bucket, base, example } = about.wanted
  for (const { statement, actions, resources } of grants) {
    if (statement.effect !== 'Deny') continue
    const foreign = statement.conditions.some(({ key }) => !/^s3:(prefix|delimiter)$/i.test(key))
    if (foreign || failedTest(statement, { prefix: base }) !== undefined) continue
    for (const { name, on } of NEEDED_ACTIONS[about.job]) {
      const action = actions.find(({ value }) => grantsAction(value, name))
      const hit = resources.some((each) => {
        if (!isIn(each, bucket)) return false
        if (on === 'bucket') return each.arn.key === undefined
        return each.arn.key !== undefined && matchesPattern(each.arn.key, base + example)
      })
      if (action === undefined || !hit) continue
      report('denied', action, {
        message: `this denies ${name}, and a Deny wins over every Allow`,
        instead: 'a Deny that leaves out what is needed',
      })
    }
  }
}
