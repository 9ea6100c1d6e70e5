import {
  grantsAction,
  KMS_ACTIONS,
  kindOfAction,
  meantAction,
  NEEDED_ACTIONS,
  type NeededAction,
  type PolicyJob,
  USEFUL_ACTIONS,
} from './actions.ts'
import { bucketNameFault, fillPlaceholders, parseS3Arn, placeholdersIn, type S3Arn } from './arn.ts'
import { checkOperators, failedTest } from './conditions.ts'
import type { Report } from './findings.ts'
import { escapePattern, hasSigns } from './glob.ts'
import type { Grant, ReceivedFeed, S3Resource } from './grant.ts'
import type { Statement, Text } from './statement.ts'

const ANY: S3Arn = { bucket: '*', key: '*' }

/** Checks the actions, resources and conditions of one statement of a permission policy by themselves. */
export function lintStatement(
  written: Statement,
  about: { readonly job: PolicyJob; readonly feed?: ReceivedFeed | undefined },
  report: Report,
): Grant {
  const allows = written.effect !== 'Deny'
  const actions = written.actions ?? []
  checkOperators(written, report)
  const statement = { ...written, conditions: filledConditions(written, about.feed, report) }
  if (allows) for (const action of actions) checkAction(action, about.job, report)
  if (statement.resources === undefined && !statement.negated) {
    report('missing_element', statement.place, {
      message: 'there is no Resource',
      instead: '"Resource": [ … ]',
    })
  }
  const only_kms = actions.length > 0 && actions.every(({ value }) => /^kms:/i.test(value))
  const resources = (statement.resources ?? []).flatMap((text): S3Resource[] => {
    const arn = readResource(text, { allows, only_kms, feed: about.feed }, report)
    if (arn === undefined) return []
    // `*` is a bucket and its keys.
    if (arn === ANY)
      return [
        { text, arn },
        { text, arn: { bucket: '*', key: undefined } },
      ]
    return [{ text, arn }]
  })
  const grant = { statement, actions, resources }
  if (allows) {
    checkKinds(grant, report)
    checkListingConditions(statement, about.job, report)
  }
  return grant
}

function checkAction(action: Text, job: PolicyJob, report: Report): void {
  const { value } = action
  const known = [...NEEDED_ACTIONS[job], ...USEFUL_ACTIONS[job]].map(({ name }) => name)
  const needed = [...known, ...KMS_ACTIONS[job]]
  const list = NEEDED_ACTIONS[job].map(({ name }) => name).join(', ')
  const task = job === 'receive' ? 'receiving' : 'sending'
  if (/^(\*|[a-z0-9]+:\*)$/i.test(value)) {
    report('wildcard_action', action, {
      message: `${value} grants everything, deleting the bucket and changing its policy included`,
      instead: list,
    })
    return
  }
  if (hasSigns(value)) {
    const wanted = needed.filter((name) => grantsAction(value, name))
    report('unneeded_action', action, {
      message: `${value} grants more than ${task} needs, and what AWS adds tomorrow`,
      instead: wanted.length === 0 ? 'leave it out' : wanted.join(', '),
    })
    return
  }
  const meant = meantAction(value)
  if (meant !== undefined) {
    report('unknown_action', action, {
      message: `there is no action ${value}`,
      instead: meant,
    })
  } else if (!needed.some((name) => grantsAction(value, name))) {
    report('unneeded_action', action, {
      message: `${value} is not needed for ${task}`,
      instead: 'leave it out',
    })
  }
}

function readResource(
  text: Text,
  about: {
    readonly allows: boolean
    readonly only_kms: boolean
    readonly feed: ReceivedFeed | undefined
  },
  report: Report,
): S3Arn | undefined {
  const { value } = text
  const { allows, only_kms, feed } = about
  if (value === '*') {
    if (allows) {
      report('wildcard_resource', text, {
        message: only_kms ? 'this covers every key' : 'this covers every bucket of the account',
        instead: only_kms ? 'the ARN of the key' : arnsOf(feed),
      })
    }
    return only_kms ? undefined : ANY
  }
  const placeholder = placeholdersIn(value)
  if (placeholder !== undefined) {
    const instead = feed === undefined ? 'what it stands for' : arnsOf(feed)
    report('placeholder', text, { message: `not filled in: ${placeholder}`, instead })
  }
  if (/^arn:aws[a-z-]*:kms:/.test(value)) return undefined
  const arn = parseS3Arn(value)
  if (arn === undefined) {
    const name = /^(?:s3:\/\/|arn:aws:s3:{1,5})?([^:/*]+(?:\/.*)?)$/.exec(value)?.[1] ?? '…'
    const instead = `"arn:aws:s3:::${name}"`
    report('arn_invalid', text, {
      message: `${value} is not the ARN of a bucket or object`,
      instead,
    })
    return undefined
  }
  if (placeholder === undefined) checkBucket(text, { arn, allows, feed }, report)
  // From here on as if it were filled in, so that what else is wrong is found as well.
  const known = feed === undefined ? arn : filled(arn, feed)
  return known.bucket === '' ? undefined : known
}

/** What is filled in for a prefix, which is mostly followed by a slash. */
const folderOf = ({ base }: ReceivedFeed) => escapePattern(base.replace(/\/$/, ''))

const filled = ({ bucket, key }: S3Arn, feed: ReceivedFeed): S3Arn => ({
  bucket: fillPlaceholders(bucket, feed.bucket),
  key: key === undefined ? undefined : fillPlaceholders(key, folderOf(feed)),
})

function filledConditions(
  { conditions }: Statement,
  feed: ReceivedFeed | undefined,
  report: Report,
): Statement['conditions'] {
  return conditions.map((test) => {
    const placeholder = placeholdersIn(test.values.join(' '))
    if (placeholder === undefined) return test
    const prefixed = feed !== undefined && test.key.toLowerCase() === 's3:prefix'
    report('placeholder', test, {
      message: `not filled in: ${placeholder}`,
      instead: prefixed ? `"${escapePattern(feed.base)}*"` : 'what it stands for',
    })
    if (!prefixed) return test
    return {
      ...test,
      values: test.values.map((value) => fillPlaceholders(value, folderOf(feed))),
    }
  })
}

function checkBucket(
  text: Text,
  about: { readonly arn: S3Arn; readonly allows: boolean; readonly feed: ReceivedFeed | undefined },
  report: Report,
): void {
  const { arn, allows, feed } = about
  const { bucket, key } = arn
  const fault = bucketNameFault(bucket)
  const instead = arnsOf(feed)
  if (bucket === '') {
    report('empty_name', text, { message: `${text.value} names no bucket`, instead })
  } else if (key === '') {
    report('empty_name', text, {
      message: `${text.value} names objects without a name`,
      instead: `"${text.value}*"`,
    })
  } else if (hasSigns(bucket)) {
    if (allows) {
      report('wildcard_resource', text, {
        message: `${bucket} covers buckets that do not exist yet`,
        instead,
        ...(bucket === '*' ? {} : { severity: 'warning' as const }),
      })
    }
  } else if (feed !== undefined && bucket !== feed.bucket) {
    report('other_bucket', text, {
      message: `${bucket} is not the bucket of feed ${feed.name}, ${feed.bucket}`,
      instead,
    })
  } else if (fault !== undefined) {
    report('bucket_name_invalid', text, { message: `the bucket name ${bucket} ${fault}`, instead })
  } else if (feed === undefined && bucket.includes('--')) {
    // Permitted, but it is what is left of a name between hyphens that nobody filled in.
    report('empty_name', text, {
      message: `in ${bucket} nothing stands between two hyphens; a name seems to be left out`,
      instead: bucket.replace('--', '-NAME-'),
      severity: 'warning',
    })
  }
}

const arnsOf = (feed: ReceivedFeed | undefined): string =>
  feed === undefined
    ? '"arn:aws:s3:::BUCKET" and "arn:aws:s3:::BUCKET/PREFIX/*", with the names'
    : `"arn:aws:s3:::${feed.bucket}" and "arn:aws:s3:::${feed.bucket}/${escapePattern(feed.base)}*"`

/** An action on buckets has no effect on keys, nor one on objects on a bucket. */
function checkKinds({ actions, resources, statement }: Grant, report: Report): void {
  if (resources.length === 0 || statement.negated) return
  for (const action of actions) {
    const kind = kindOfAction(action.value)
    if (kind === undefined || meantAction(action.value) !== undefined) continue
    if (resources.some(({ arn }) => (arn.key === undefined) === (kind === 'bucket'))) continue
    const [{ text, arn }] = resources as readonly [S3Resource]
    const [is, other, instead] =
      kind === 'bucket'
        ? ['buckets', 'objects', text.value.slice(0, text.value.indexOf('/', 13))]
        : ['objects', 'a bucket', `${text.value}/*`]
    report('wrong_resource', action, {
      message: `${action.value} is an action on ${is}, and ${text.value} names ${other}`,
      instead: `"${arn.bucket === '*' ? '…' : instead}"`,
    })
  }
}

/** Only listings have a prefix: whatever else stands beside a test of it is never granted. */
function checkListingConditions(statement: Statement, job: PolicyJob, report: Report): void {
  for (const action of statement.actions ?? []) {
    if (!/^s3:/i.test(action.value) || hasSigns(action.value)) continue
    if (/^s3:ListBucket(Versions)?$/i.test(action.value)) continue
    const test = failedTest(statement, {})
    if (test === undefined) continue
    const isAmong = (actions: readonly NeededAction[]) =>
      actions.some(({ name }) => grantsAction(action.value, name))
    const needed = isAmong(NEEDED_ACTIONS[job])
    report('condition_never_met', action, {
      message: `${action.value} is never granted here: its requests have no ${test.key}, which ${test.operator} asks for`,
      instead:
        needed || isAmong(USEFUL_ACTIONS[job])
          ? 'a statement of its own without that condition'
          : 'leave it out',
      severity: needed ? 'error' : 'warning',
    })
  }
}
