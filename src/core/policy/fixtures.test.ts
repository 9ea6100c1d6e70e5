import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { PolicyJob } from './actions.ts'
import { lintPolicies, type PolicyFinding } from './lint.ts'

/**
 * Policies as services print them for their customers, letter by letter. What is wrong with each was
 * judged by hand; the tests name every defect with its place, and no other may be found.
 */
const folder = fileURLToPath(new URL('../../../test/fixtures/policies', import.meta.url))

const brief = ({ code, line, path }: PolicyFinding) => `${line} ${code} ${path}`

/** Each with its line. The `<prefix>` that is listed bare also lists `<prefix>-of-another/`. */
const HACKLE = [
  '8 unneeded_action Statement[0].Action[1]', // s3:GetObjectVersion
  '9 unneeded_action Statement[0].Action[2]', // s3:DeleteObject, to a service that imports
  '10 unneeded_action Statement[0].Action[3]', // s3:PutObject, likewise
  '12 placeholder Statement[0].Resource', // <bucket> and <prefix>
  '18 condition_never_met Statement[1].Action[1]', // s3:GetBucketLocation under s3:prefix
  '18 unneeded_action Statement[1].Action[1]',
  '20 placeholder Statement[1].Resource', // <bucket>
  '23 placeholder Statement[1].Condition.StringLike.s3:prefix', // <prefix>
  '23 prefix_too_wide Statement[1].Condition.StringLike.s3:prefix',
]

const DEFECTS: Readonly<
  Record<string, { readonly job: PolicyJob; readonly found: readonly string[] }>
> = {
  'hackle.json': { job: 'receive', found: HACKLE },
  'hackle-docs.json': { job: 'receive', found: HACKLE },
  // Importing reads: it makes and deletes nothing, and asks nothing of the bucket itself.
  'hackle-gcs.txt': {
    job: 'receive',
    found: [
      '1 unneeded_action storage.buckets.get',
      '3 unneeded_action storage.objects.create',
      '4 unneeded_action storage.objects.delete',
    ],
  },
  'metamarkets.json': {
    job: 'receive',
    found: [
      '2 version_old Version',
      '12 account_principal Statement[0].Principal.AWS[2]', // the whole account beside user and role
      '16 empty_name Statement[0].Resource', // metamx--share: the organization's name is left out
      '16 whole_bucket Statement[0].Resource', // the listing has no condition
      '19 duplicate_sid Statement[1].Sid', // "… Bucket List" twice, the second one for GetObject
      '25 account_principal Statement[1].Principal.AWS[2]',
      '31 empty_name Statement[1].Resource',
      '31 whole_bucket Statement[1].Resource',
    ],
  },
  'toplyne.json': {
    job: 'receive',
    found: [
      '12 unneeded_action Statement[0].Action[1]', // s3:GetObjectVersion
      '14 unneeded_action Statement[0].Action[3]', // s3:GetBucketLocation
      '17 placeholder Statement[0].Resource[0]',
      '17 whole_bucket Statement[0].Resource[0]',
      '18 placeholder Statement[0].Resource[1]',
      '18 whole_bucket Statement[0].Resource[1]',
    ],
  },
  'heropixel-write.json': {
    job: 'send',
    found: [
      '10 unneeded_action Statement[0].Action[3]', // s3:PutObjectAcl
      '14 unneeded_action Statement[0].Action[7]', // s3:GetBucketLocation
      '17 placeholder Statement[0].Resource[0]',
      '17 whole_bucket Statement[0].Resource[0]',
      '18 placeholder Statement[0].Resource[1]',
      '18 whole_bucket Statement[0].Resource[1]',
    ],
  },
  'heropixel-trust.json': {
    job: 'send',
    found: [
      '7 placeholder Statement[0].Principal.AWS', // {your-aws-account-id} and {your-username}
      '12 placeholder Statement[0].Condition.StringEquals.sts:ExternalId',
    ],
  },
  'heropixel-trust-service.json': {
    job: 'send',
    found: ['12 placeholder Statement[0].Condition.StringEquals.sts:ExternalId'],
  },
  'heropixel-everything.json': {
    job: 'send',
    found: [
      '6 wildcard_action Statement[0].Action', // s3:*
      '8 placeholder Statement[0].Resource[0]',
      '8 whole_bucket Statement[0].Resource[0]',
      '9 placeholder Statement[0].Resource[1]',
      '9 whole_bucket Statement[0].Resource[1]',
    ],
  },
}

const textOf = (file: string) => readFileSync(`${folder}/${file}`, 'utf8')

describe('the policies that services print', () => {
  it('are all judged', () => {
    expect(readdirSync(folder).sort()).toEqual(Object.keys(DEFECTS).sort())
  })

  it.each(Object.entries(DEFECTS))('%s', (file, { job, found }) => {
    expect(lintPolicies(textOf(file), { job }).map(brief).sort()).toEqual([...found].sort())
  })

  it('has the line of the page, where a page holds several', () => {
    const pages = ['heropixel-write.json', 'heropixel-trust.json', 'heropixel-everything.json']
    const page = pages
      .map((file, at) => `## Step ${at + 1}\n{ "id: "33537" } are no policies.\n\n${textOf(file)}`)
      .join('\n')
    const found = lintPolicies(page, { job: 'send' })
    expect(found).toHaveLength(
      pages.reduce((sum, file) => sum + (DEFECTS[file]?.found.length ?? 0), 0),
    )
    expect(new Set(found.map(({ policy }) => policy))).toEqual(new Set([1, 2, 3]))
    const everything = found.find(({ code }) => code === 'wildcard_action')
    expect(page.split('\n')[(everything?.line ?? 0) - 1]).toBe('"Action": "s3:*",')
  })

  it('with a feed, is told what to fill in and what is too wide for it', () => {
    const feed = {
      name: 'events',
      bucket: 'customer-data',
      base: 'test/prefix-custom/',
      example: 'dt=2023-01-01/part-0.parquet',
    }
    const hackle = lintPolicies(textOf('hackle.json'), { job: 'receive', feed })
    expect(hackle.map(brief).sort()).toEqual([...HACKLE].sort())
    expect(hackle.filter(({ code }) => code === 'placeholder').map((each) => each.instead)).toEqual(
      [
        '"arn:aws:s3:::customer-data" and "arn:aws:s3:::customer-data/test/prefix-custom/*"',
        '"arn:aws:s3:::customer-data" and "arn:aws:s3:::customer-data/test/prefix-custom/*"',
        '"test/prefix-custom/*"',
      ],
    )
    const metamarkets = lintPolicies(textOf('metamarkets.json'), { job: 'receive', feed })
    expect(metamarkets.filter(({ code }) => code === 'other_bucket').map(brief)).toEqual([
      '16 other_bucket Statement[0].Resource',
      '31 other_bucket Statement[1].Resource',
    ])
  })
})
