import { grantsAction } from './actions.ts'
import { failedTest } from './conditions.ts'
import type { Report } from './findings.ts'
import { escapePattern, hasSigns, literalStart } from './glob.ts'
import { type Grant, isIn, type S3Resource, type Wanted } from './grant.ts'
import type { Statement } from './statement.ts'

/**
 * Checks the conditions of `s3:ListBucket` against the listings that are made: of everything under the
 * base without a delimiter, and level by level with one, each with a prefix that ends in `/`.
 */
export function lintListing(
  allowed: readonly Grant[],
  about: { readonly wanted: Wanted; readonly known: boolean },
  report: Report,
): void {
  const { wanted, known } = about
  const { bucket, base } = wanted
  const listing = allowed.flatMap(({ statement, actions, resources }) => {
    const resource = resources.find((each) => each.arn.key === undefined && isIn(each, bucket))
    const lists = actions.some(({ value }) => grantsAction(value, 's3:ListBucket'))
    return lists && resource !== undefined ? [{ statement, resource }] : []
  })
  const [first] = listing
  if (first === undefined) return
  const missed = listingsOf(wanted).find((request) =>
    listing.every(({ statement }) => failedTest(statement, request) !== undefined),
  )
  const test = missed && failedTest(first.statement, missed)
  if (missed !== undefined && test !== undefined) {
    const prefixed = test.key.toLowerCase() === 's3:prefix'
    const how = missed.delimiter === undefined ? 'without a delimiter' : 'with the delimiter /'
    report('listing_missed', test, {
      message: prefixed
        ? `${test.operator} ${test.values.map((value) => `"${value}"`).join(', ')} does not match the prefix "${missed.prefix}", which is listed`
        : `${test.key} is not what every listing has: "${missed.prefix}" is listed ${how}`,
      instead: prefixed ? conditionFor(base) : `no condition on ${test.key}`,
    })
    return
  }
  for (const each of listing) lintWidth(each, { base, known }, report)
}

function listingsOf({ base, example }: Wanted) {
  const levels = example.split('/').slice(0, -1)
  const directories = levels.map((_, at) => `${base}${levels.slice(0, at + 1).join('/')}/`)
  return [base, ...directories].flatMap((prefix) => [{ prefix }, { prefix, delimiter: '/' }])
}

const conditionFor = (base: string): string =>
  base === ''
    ? 'no condition on s3:prefix'
    : `{ "StringLike": { "s3:prefix": ${JSON.stringify(`${escapePattern(base)}*`)} } }`

function lintWidth(
  { statement, resource }: { readonly statement: Statement; readonly resource: S3Resource },
  about: { readonly base: string; readonly known: boolean },
  report: Report,
): void {
  const { base, known } = about
  if (known && base === '') return
  const prefixes = statement.conditions.filter(({ key }) => key.toLowerCase() === 's3:prefix')
  if (prefixes.length === 0) {
    // Said there already.
    if (resource.text.value === '*') return
    report('whole_bucket', resource.text, {
      message: 'every key of the bucket can be listed',
      instead: `"Condition": ${base === '' ? '{ "StringLike": { "s3:prefix": "PREFIX/*" } }' : conditionFor(base)}, unless the bucket holds nothing else`,
    })
  }
  for (const test of prefixes) {
    const wide = test.values.filter((value) => {
      const start = literalStart(value)
      // What begins as keys of ours do and goes on as they need not.
      const beyond = !start.endsWith('/') || start.length < base.length
      return base.startsWith(start) && beyond && (start !== base || !hasSigns(value))
    })
    for (const value of wide) {
      report('prefix_too_wide', test, {
        message:
          literalStart(value) === ''
            ? `"${value}" lets every key of the bucket be listed`
            : `"${value}" lets "${literalStart(value)}…" be listed, which other keys begin with as well`,
        instead: base === '' ? 'a prefix that ends in /' : `"${escapePattern(base)}*" alone`,
      })
    }
  }
}
