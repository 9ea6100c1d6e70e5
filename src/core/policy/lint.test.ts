import { describe, expect, it } from 'vitest'
import type { PolicyJob } from './actions.ts'
import { lintPolicies, type PolicyForm } from './lint.ts'

const FEED = { name: 'events', bucket: 'acme', base: 'data/', example: 'dt=2023-01-01/a.parquet' }
type Options = { readonly form?: PolicyForm; readonly job?: PolicyJob; readonly feed?: typeof FEED }

const found = (policy: unknown, { job = 'receive', ...rest }: Options = {}) =>
  lintPolicies(typeof policy === 'string' ? policy : JSON.stringify(policy), { job, ...rest })
const codes = (policy: unknown, options?: Options) =>
  found(policy, options).map(({ code, severity }) => (severity === 'error' ? code : `(${code})`))

const document = (...statements: object[]) => ({ Version: '2012-10-17', Statement: statements })
const list = {
  Effect: 'Allow',
  Action: 's3:ListBucket',
  Resource: 'arn:aws:s3:::acme',
  Condition: { StringLike: { 's3:prefix': 'data/*' } },
}
const read = { Effect: 'Allow', Action: ['s3:GetObject'], Resource: 'arn:aws:s3:::acme/data/*' }
const who = { Principal: { AWS: 'arn:aws:iam::123456789012:role/loader' } }
const trust = {
  Effect: 'Allow',
  ...who,
  Action: 'sts:AssumeRole',
  Condition: { StringEquals: { 'sts:ExternalId': '8f2c' } },
}

describe('a policy that is right', () => {
  it.each<[string, object, Options]>([
    ['of a user', document(list, read), {}],
    ['of a user, for the feed', document(list, read), { feed: FEED, form: 'user' }],
    ['of a bucket', document({ ...list, ...who }, { ...read, ...who }), { form: 'bucket' }],
    ['of trust', document(trust), { form: 'role' }],
    ['whose Statement is no list', { Version: '2012-10-17', Statement: trust }, {}],
    [
      'that also demands TLS',
      document(list, read, {
        Effect: 'Deny',
        Action: 's3:*',
        Resource: '*',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
      {},
    ],
  ])('%s has no findings', (_, policy, options) => {
    expect(found(policy, options)).toEqual([])
  })
})

describe('the form of a document', () => {
  it.each<[string, unknown, string[]]>([
    ['no policy at all', 'Hello.', ['no_policy']],
    ['a list', '[]', ['element_invalid']],
    ['no statement', { Version: '2012-10-17' }, ['missing_element']],
    ['an empty Statement', document(), ['missing_element']],
    ['no Version', { Statement: [list, read] }, ['(version_old)']],
    ['an old Version', { Version: '2008-10-17', Statement: [list, read] }, ['(version_old)']],
    ['a wrong Version', { Version: '2023-01-01', Statement: [list, read] }, ['version_invalid']],
    [
      'Statements',
      { Version: '2012-10-17', Statements: [list] },
      ['missing_element', 'unknown_element'],
    ],
    ['resource in small', document({ ...list, resource: [] }, read), ['unknown_element']],
    ['a misspelt Effect', document({ ...list, Effect: 'allow' }, list, read), ['effect_invalid']],
    ['no Effect', document({ ...list, Effect: undefined }, list, read), ['missing_element']],
    ['no Action', document({ ...list, Action: undefined }, list, read), ['missing_element']],
    ['no Resource', document({ ...list, Resource: undefined }, list, read), ['missing_element']],
    ['a number as Action', document({ ...list, Action: [1] }, list, read), ['element_invalid']],
    ['a Sid twice', document({ Sid: 'A', ...list }, { Sid: 'A', ...read }), ['duplicate_sid']],
    ['a Sid with a blank', document({ Sid: 'My list', ...list }, read), ['sid_invalid']],
    [
      'NotAction',
      document(list, read, { ...read, Action: undefined, NotAction: 's3:Put*' }),
      ['negated_element'],
    ],
    [
      'NotResource',
      document(list, read, { ...read, Resource: undefined, NotResource: 'arn:aws:s3:::x' }),
      ['negated_element'],
    ],
    [
      'an unknown operator',
      document({ ...list, Condition: { StringsLike: { 's3:prefix': 'data/*' } } }, read),
      ['condition_invalid', '(whole_bucket)'],
    ],
  ])('%s', (_, policy, expected) => {
    expect(
      codes(policy)
        .filter((code) => code !== '(whole_bucket)')
        .sort(),
    ).toEqual(expected.filter((code) => code !== '(whole_bucket)').sort())
  })

  it('says what a misspelt word was to be', () => {
    expect(found(document({ ...list, Effect: 'allow' }, list, read))[0]?.instead).toBe(
      '"Effect": "Allow"',
    )
    expect(found(document({ ...list, Resources: [] }, read))[0]?.instead).toBe('"Resource"')
  })
})

describe('JSON with faults', () => {
  const broken = (text: string) =>
    found(text).map(({ code, line, column, message }) => `${line}:${column} ${code} ${message}`)

  it('names every trailing comma with its line', () => {
    const text =
      '{\n  "Version": "2012-10-17",\n  "Statement": [\n    { "Effect": "Deny", "Action": ["s3:*",], "Resource": "*", },\n  ],\n}'
    expect(broken(text).filter((each) => each.includes('invalid_json'))).toEqual([
      '4:42 invalid_json a comma before the closing ]',
      '4:61 invalid_json a comma before the closing }',
      '4:64 invalid_json a comma before the closing ]',
      '5:4 invalid_json a comma before the closing }',
    ])
  })

  it.each([
    ['a missing comma', '{ "Version": "2012-10-17" "Statement": [] }', /a comma is missing/],
    [
      'a placeholder without quotes',
      '{ "Statement": [{ "Resource": <bucket> }] }',
      /<bucket> where a text/,
    ],
    [
      'quotes of a word processor',
      '{ “Version”: “2012-10-17”, "Statement": [] }',
      /quotation mark “/,
    ],
    ['a brace too many', '{ "Statement": [] } }', /^} after the end/],
    ['a comment', '{ "Statement": [ // who\n ] }', /a comment/],
    ['an end too early', '{ "Statement": [ { "Effect": "Allow"', /neither a comma|ends here/],
    ['a name twice', '{ "Statement": [], "Statement": [] }', /stands twice/],
    ['a line break in a text', '{ "Statement": [{ "Sid": "a\nb" }] }', /a text does not end/],
  ])('%s', (_, text, message) => {
    const [first] = found(text).filter(({ code }) => code === 'invalid_json')
    expect(first?.message).toMatch(message)
  })

  it('does not hang on what is nested without end', () => {
    const text = `{ "Statement": ${'['.repeat(200_000)}`
    expect(found(text).map(({ code }) => code)).toEqual(['invalid_json'])
  })
})

describe('who is granted something', () => {
  const bucket = (principal: unknown, more: object = {}) =>
    document({ ...list, Principal: principal, ...more }, { ...read, ...who })
  it.each<[string, unknown, string[]]>([
    ['everyone', bucket('*'), ['wildcard_principal']],
    ['everyone of AWS', bucket({ AWS: '*' }), ['wildcard_principal']],
    ['a pattern', bucket({ AWS: 'arn:aws:iam::123456789012:role/*' }), ['wildcard_principal']],
    ['an account', bucket({ AWS: '123456789012' }), ['(account_principal)']],
    ['a root', bucket({ AWS: 'arn:aws:iam::123456789012:root' }), ['(account_principal)']],
    ['a name only', bucket({ AWS: 'loader' }), ['principal_invalid']],
    ['an ARN of nobody', bucket({ AWS: 'arn:aws:iam::123456789012:role/' }), ['empty_name']],
    ['an ARN of no account', bucket({ AWS: 'arn:aws:iam:::role/x' }), ['empty_name']],
    ['a placeholder', bucket({ AWS: 'arn:aws:iam::<account>:root' }), ['placeholder']],
    ['a text', bucket('arn:aws:iam::123456789012:role/x'), ['principal_invalid']],
    ['an unknown type', bucket({ Aws: 'arn:aws:iam::123456789012:role/x' }), ['principal_invalid']],
    ['nobody in one statement', document(list, { ...read, ...who }), ['principal_missing']],
  ])('%s', (_, policy, expected) => {
    expect(codes(policy)).toEqual(expected)
  })

  it('everyone of an organization is kept in by a condition', () => {
    const Condition = { ...list.Condition, StringEquals: { 'aws:PrincipalOrgID': 'o-1' } }
    expect(codes(bucket('*', { Condition }))).toEqual(['(wildcard_principal)'])
  })

  it('depends on where the policy is attached', () => {
    expect(codes(document(list, read), { form: 'bucket' })).toEqual([
      'principal_missing',
      'principal_missing',
    ])
    const named = document({ ...list, ...who }, { ...read, ...who })
    expect(codes(named, { form: 'user' })).toEqual([
      'principal_not_allowed',
      'principal_not_allowed',
    ])
  })
})

describe('actions', () => {
  const also = (...actions: string[]) =>
    document(list, { ...read, Action: ['s3:GetObject', ...actions] })
  it.each<[string, string[]]>([
    ['s3:*', ['wildcard_action']],
    ['*', ['wildcard_action']],
    ['s3:Get*', ['(unneeded_action)']],
    ['s3:PutObject', ['(unneeded_action)']],
    ['s3:GetObjectVersion', ['(unneeded_action)']],
    ['sts:AssumeRole', ['(unneeded_action)']],
    ['s3:HeadObject', ['unknown_action']],
    ['s3:ListObjectsV2', ['unknown_action']],
    ['s3:GetObjects', ['unknown_action']],
    ['GetObject', ['unknown_action']],
    ['s3:getobject', []],
    ['kms:Decrypt', []],
  ])('%s', (action, expected) => {
    expect(codes(also(action))).toEqual(expected)
  })

  it('of writing are needed for sending, and missed there', () => {
    const all = also('s3:PutObject', 's3:AbortMultipartUpload', 's3:DeleteObject')
    expect(codes(all, { job: 'send' })).toEqual([])
    expect(codes(all)).toEqual(Array(3).fill('(unneeded_action)'))
    expect(codes(also('s3:PutObject'), { job: 'send' })).toEqual(Array(2).fill('missing_action'))
  })

  it('of use for sending are no defect there, with or without them', () => {
    const writing = ['s3:PutObject', 's3:AbortMultipartUpload', 's3:DeleteObject']
    const uploads = { ...list, Action: 's3:ListBucketMultipartUploads', Condition: undefined }
    const both = document(...also(...writing).Statement, uploads)
    expect(codes(both, { job: 'send' })).toEqual([])
    expect(codes(document(list, read, uploads))).toEqual(['(unneeded_action)'])
    const narrowed = document(...also(...writing).Statement, {
      ...uploads,
      Condition: list.Condition,
    })
    expect(found(narrowed, { job: 'send' })).toMatchObject([
      {
        code: 'condition_never_met',
        severity: 'warning',
        instead: 'a statement of its own without that condition',
      },
    ])
  })
})

describe('resources', () => {
  it.each<[string, object, string[]]>([
    [
      'an empty bucket',
      document({ ...list, Resource: 'arn:aws:s3:::' }, read),
      ['empty_name', 'missing_action'],
    ],
    [
      'keys of no bucket',
      document(list, { ...read, Resource: 'arn:aws:s3:::/*' }),
      ['empty_name', 'missing_action'],
    ],
    [
      'a path',
      document(list, { ...read, Resource: 's3://acme/data/*' }),
      ['arn_invalid', 'missing_action'],
    ],
    [
      'colons too few',
      document({ ...list, Resource: 'arn:aws:s3::acme' }, read),
      ['arn_invalid', 'missing_action'],
    ],
    ['everything', document({ ...list, Resource: '*' }, read), ['wildcard_resource']],
    [
      'a bucket with capitals',
      document({ ...list, Resource: 'arn:aws:s3:::Acme' }, read),
      ['bucket_name_invalid', 'missing_action', 'missing_action'],
    ],
    ['a bucket that is a list only', document(list), ['missing_action']],
    ['objects of a bucket that cannot be listed', document(read), ['missing_action']],
    [
      'listing of keys',
      document({ ...list, Resource: 'arn:aws:s3:::acme/data/*' }, read),
      ['wrong_resource'],
    ],
    [
      'reading of a bucket',
      document(list, { ...read, Resource: 'arn:aws:s3:::acme' }),
      ['wrong_resource'],
    ],
    [
      'objects of another bucket than the listed',
      document(list, { ...read, Resource: 'arn:aws:s3:::other/data/*' }),
      ['missing_action', 'missing_action'],
    ],
    [
      'one object',
      document(list, { ...read, Resource: 'arn:aws:s3:::acme/data/' }),
      ['objects_missed'],
    ],
    [
      'every object',
      document(list, { ...read, Resource: 'arn:aws:s3:::acme/*' }),
      ['(whole_bucket)'],
    ],
    [
      'keys that begin alike',
      document(list, { ...read, Resource: 'arn:aws:s3:::acme/data*' }),
      ['(prefix_too_wide)'],
    ],
    ['a Deny of what is needed', document(list, read, { ...read, Effect: 'Deny' }), ['denied']],
  ])('%s', (_, policy, expected) => {
    expect(codes(policy).sort()).toEqual(expected.sort())
  })

  it('says what to write for an action on the wrong kind', () => {
    const wrong = document(
      { ...list, Resource: 'arn:aws:s3:::acme/data/*' },
      { ...read, Resource: 'arn:aws:s3:::acme' },
    )
    expect(found(wrong).map(({ instead }) => instead)).toEqual([
      '"arn:aws:s3:::acme"',
      '"arn:aws:s3:::acme/*"',
    ])
  })

  it('are compared with the feed', () => {
    const at = (Resource: string) => codes(document(list, { ...read, Resource }), { feed: FEED })
    expect(at('arn:aws:s3:::acme/data/*')).toEqual([])
    expect(at('arn:aws:s3:::acme/data/dt=*')).toEqual([])
    expect(at('arn:aws:s3:::acme/other/*')).toEqual(['objects_missed'])
    expect(at('arn:aws:s3:::acme/data/*/*.csv')).toEqual(['objects_missed'])
    expect(at('arn:aws:s3:::acme/d*')).toEqual(['(prefix_too_wide)'])
    expect(at('arn:aws:s3:::umbrella/data/*').sort()).toEqual(['missing_action', 'other_bucket'])
  })
})

describe('conditions of the listing', () => {
  const under = (Condition: object, options: Options = {}) =>
    codes(document({ ...list, Condition }, read), options)
  const prefix = (operator: string, ...values: string[]) => ({
    [operator]: { 's3:prefix': values },
  })
  it.each<[string, object, string[]]>([
    ['a pattern', prefix('StringLike', 'data/*'), []],
    ['the prefix and a pattern', prefix('StringLike', 'data/', 'data/*'), []],
    ['the prefix alone', prefix('StringEquals', 'data/'), ['listing_missed']],
    ['the prefix as a pattern of nothing', prefix('StringLike', 'data/'), ['listing_missed']],
    ['the prefix without its slash', prefix('StringEquals', 'data'), ['listing_missed']],
    ['a star for StringEquals', prefix('StringEquals', 'data/*'), ['listing_missed']],
    ['directories only', prefix('StringLike', 'data/?*'), ['listing_missed']],
    ['another prefix', prefix('StringLike', 'other/*'), ['listing_missed']],
    [
      'the delimiter',
      { ...prefix('StringLike', 'data/*'), StringEquals: { 's3:delimiter': '/' } },
      ['listing_missed'],
    ],
    [
      'a page size',
      { ...prefix('StringLike', 'data/*'), NumericLessThanEquals: { 's3:max-keys': '10' } },
      ['listing_missed'],
    ],
    [
      'a page size if any',
      { ...prefix('StringLike', 'data/*'), NumericLessThanEqualsIfExists: { 's3:max-keys': '10' } },
      [],
    ],
    [
      'an address',
      { ...prefix('StringLike', 'data/*'), IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } },
      [],
    ],
    ['names that begin alike', prefix('StringLike', 'data*'), ['(prefix_too_wide)']],
    ['the name beside the pattern', prefix('StringLike', 'data/*', 'data'), ['(prefix_too_wide)']],
    ['nothing', {}, ['(whole_bucket)']],
  ])('%s', (_, condition, expected) => {
    expect(under(condition)).toEqual(expected)
    expect(under(condition, { feed: FEED })).toEqual(expected)
  })

  it('for another feed of the bucket', () => {
    const feed = { ...FEED, base: '' }
    expect(under(prefix('StringLike', 'data/*'), { feed })).toContain('listing_missed')
    expect(
      codes(
        document({ ...list, Condition: undefined }, { ...read, Resource: 'arn:aws:s3:::acme/*' }),
        { feed },
      ),
    ).toEqual([])
  })

  it('never hold for what is no listing', () => {
    const both = {
      ...list,
      Action: ['s3:ListBucket', 's3:GetObject'],
      Resource: ['arn:aws:s3:::acme', 'arn:aws:s3:::acme/data/*'],
    }
    expect(codes(document(both))).toEqual(['condition_never_met'])
  })
})

describe('trust', () => {
  it.each<[string, object, string[]]>([
    ['without an external id', { ...trust, Condition: undefined }, ['external_id_missing']],
    [
      'of a service',
      { ...trust, Principal: { Service: 'ec2.amazonaws.com' }, Condition: undefined },
      [],
    ],
    [
      'of any external id',
      { ...trust, Condition: { StringLike: { 'sts:ExternalId': '*' } } },
      ['external_id_open'],
    ],
    [
      'of an external id if there is one',
      { ...trust, Condition: { StringEqualsIfExists: { 'sts:ExternalId': '8f2c' } } },
      ['external_id_open'],
    ],
    [
      'with actions on data',
      { ...trust, Action: ['sts:AssumeRole', 's3:GetObject'] },
      ['wrong_service'],
    ],
    ['with a Resource', { ...trust, Resource: '*' }, ['resource_not_allowed']],
    ['of everyone', { ...trust, Principal: '*' }, ['wildcard_principal']],
    ['of sts:*', { ...trust, Action: ['sts:AssumeRole', 'sts:*'] }, ['wildcard_action']],
  ])('%s', (_, statement, expected) => {
    expect(codes(document(statement))).toEqual(expected)
  })
})

describe('permissions of Google Cloud Storage', () => {
  it('are found in a text, and compared with the job', () => {
    expect(codes('- storage.objects.get\n- storage.objects.list\n')).toEqual([])
    expect(codes('storage.objects.get, storage.objects.delete')).toEqual([
      'missing_action',
      '(unneeded_action)',
    ])
    const all =
      'storage.objects.get storage.objects.list storage.objects.create storage.objects.delete'
    expect(codes(all, { job: 'send' })).toEqual([])
  })
})
