import { describe, expect, it } from 'vitest'
import { ExchangeError } from '../errors.ts'
import { USEFUL_ACTIONS } from './actions.ts'
import {
  defaultForm,
  type GeneratedPolicy,
  generatePolicies,
  type PolicyRequest,
  type PolicySubject,
  policyText,
} from './generate.ts'
import { lintPolicies, type PolicyForm } from './lint.ts'

const SUBJECT: PolicySubject = {
  name: 'events',
  store: 'partner',
  type: 's3',
  auth: 'access_key',
  bucket: 'acme-share',
  base: 'data/events/',
  example: 'dt=2023-01-01/part-0.parquet',
  region: 'eu-west-1',
}
const KEY = 'arn:aws:kms:eu-west-1:123456789012:key/0b1c'
const WHO = 'arn:aws:iam::123456789012:role/loader'
const GIVEN = { principal: WHO, external_id: '8f2c' }

const generated = (change: Partial<PolicySubject> = {}, request: Partial<PolicyRequest> = {}) =>
  generatePolicies({ ...SUBJECT, ...change }, { job: 'receive', ...request })
const statementsOf = ({ document }: GeneratedPolicy) => document?.Statement ?? []
const refusal = (work: () => unknown) => {
  try {
    work()
  } catch (error) {
    if (error instanceof ExchangeError)
      return { code: error.code, text: `${error.message} ${error.hint}` }
    throw error
  }
  return undefined
}

describe('policies for S3', () => {
  it('grant a user listing below the prefix and reading there, and nothing else', () => {
    const [policy, ...others] = generated()
    expect(others).toEqual([])
    expect(policy?.document).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'BucketlineList',
          Effect: 'Allow',
          Action: ['s3:ListBucket'],
          Resource: 'arn:aws:s3:::acme-share',
          Condition: { StringLike: { 's3:prefix': 'data/events/*' } },
        },
        {
          Sid: 'BucketlineRead',
          Effect: 'Allow',
          Action: ['s3:GetObject'],
          Resource: 'arn:aws:s3:::acme-share/data/events/*',
        },
      ],
    })
  })

  it('have no condition where the feed is the whole bucket', () => {
    const [list, read] = generated({ base: '' }).flatMap(statementsOf)
    expect(list?.Condition).toBeUndefined()
    expect(read?.Resource).toBe('arn:aws:s3:::acme-share/*')
  })

  it('take signs of a prefix for themselves', () => {
    const [list, read] = generated({ base: 'a*b/$?/' }).flatMap(statementsOf)
    const pattern = ['a', '{*}b/', '{$}', '{?}/*'].join('$')
    expect(list?.Condition).toEqual({ StringLike: { 's3:prefix': pattern } })
    expect(read?.Resource).toBe(`arn:aws:s3:::acme-share/${pattern}`)
  })

  it('name the partition of the region', () => {
    const arn = (region: string) => generated({ region }).flatMap(statementsOf)[0]?.Resource
    expect(['cn-north-1', 'us-gov-west-1', 'us-east-1'].map(arn)).toEqual([
      'arn:aws-cn:s3:::acme-share',
      'arn:aws-us-gov:s3:::acme-share',
      'arn:aws:s3:::acme-share',
    ])
  })

  it('let the key of the objects be used through S3; on a bucket by a statement of the key', () => {
    const key = generated({ kms_key: KEY }).flatMap(statementsOf).at(-1)
    expect(key).toMatchObject({
      Action: ['kms:Decrypt'],
      Resource: KEY,
      Condition: { StringEquals: { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' } },
    })
    const [bucket, on_key] = generated({ kms_key: KEY }, { form: 'bucket', ...GIVEN, job: 'send' })
    expect(bucket?.document?.Statement.flatMap(({ Action }) => Action)).not.toContain('kms:Decrypt')
    expect(on_key?.document?.Statement).toMatchObject([
      { Principal: { AWS: WHO }, Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: '*' },
    ])
    expect(refusal(() => generated({ kms_key: 'alias/data' }))?.text).toContain('--kms-key')
  })

  it('of a role ask for the external id', () => {
    const [trust, permissions] = generated({ auth: 'assume_role' }, GIVEN)
    expect(trust?.document?.Statement).toEqual([
      {
        Sid: 'BucketlineAssume',
        Effect: 'Allow',
        Principal: { AWS: WHO },
        Action: ['sts:AssumeRole'],
        Condition: { StringEquals: { 'sts:ExternalId': '8f2c' } },
      },
    ])
    expect(permissions?.document).toEqual(generated()[0]?.document)
  })

  it('are written in the form that the store needs', () => {
    expect(defaultForm({ type: 's3', auth: 'access_key' }, WHO)).toBe('user')
    expect(defaultForm({ type: 's3', auth: 'assume_role' }, undefined)).toBe('role')
    expect(defaultForm({ type: 's3', auth: 'default_chain' }, undefined)).toBe('user')
    expect(defaultForm({ type: 's3', auth: 'default_chain' }, WHO)).toBe('bucket')
    expect(defaultForm({ type: 'gcs', auth: 'default' }, undefined)).toBe('gcs')
  })

  it.each<[string, Partial<PolicySubject>, Partial<PolicyRequest>, RegExp]>([
    ['a bucket without a principal', {}, { form: 'bucket' }, /who uses the bucket.*--principal/],
    ['a role without a principal', {}, { form: 'role' }, /who assumes the role.*--principal/],
    ['a role without an external id', {}, { form: 'role', principal: WHO }, /UUID.*--external-id/],
    [
      'a role whose external id is configured',
      { has_external_id: true },
      { form: 'role', principal: WHO },
      /the one of the store partner with --external-id/,
    ],
    ['Google’s form', {}, { form: 'gcs', principal: WHO }, /--form user, bucket or role/],
    ['a form of AWS for Google', { type: 'gcs' }, { form: 'user' }, /--form gcs/],
    ['Google without a member', { type: 'gcs' }, {}, /serviceAccount:/],
  ])('are refused for %s', (_, subject, request, message) => {
    expect(refusal(() => generated(subject, request))).toEqual({
      code: 'usage',
      text: expect.stringMatching(message),
    })
  })
})

describe('what is generated', () => {
  const forms: PolicyForm[] = ['user', 'bucket', 'role']
  const jobs = ['receive', 'send'] as const
  const bases = ['', 'data/events/', 'a*b/$?/']
  const cases = forms.flatMap((form) =>
    jobs.flatMap((job) => bases.map((base) => [form, job, base] as const)),
  )
  it.each(cases)('%s to %s below "%s" has no defect that the linter finds', (form, job, base) => {
    for (const each of generated({ base, kms_key: KEY }, { form, job, ...GIVEN })) {
      expect(lintPolicies(policyText(each), { job, form, feed: { ...SUBJECT, base } })).toEqual([])
    }
  })

  it('would have one without any of its actions', () => {
    for (const job of jobs) {
      const [policy] = generated({}, { job })
      const text = policyText(policy as GeneratedPolicy)
      for (const action of statementsOf(policy as GeneratedPolicy).flatMap(
        ({ Action }) => Action,
      )) {
        if (USEFUL_ACTIONS[job].some(({ name }) => name === action)) continue
        const less = text.replace(`"${action}"`, '"s3:GetObjectTagging"')
        expect(
          lintPolicies(less, { job, feed: SUBJECT }).map(({ code }) => code),
          action,
        ).toContain('missing_action')
      }
    }
  })

  it('says which statement may be left out, and has no defect without it', () => {
    for (const form of forms) {
      const policy = generated({}, { form, job: 'send', ...GIVEN }).at(-1) as GeneratedPolicy
      const { document, title } = policy
      const left = statementsOf(policy).filter(({ Sid }) => Sid !== 'BucketlineUploads')
      expect(statementsOf(policy)).toHaveLength(left.length + 1)
      expect(title).toContain(' s3:ListBucketMultipartUploads, a statement of its own, may be left')
      const text = JSON.stringify({ ...document, Statement: left })
      expect(lintPolicies(text, { job: 'send', form, feed: SUBJECT })).toEqual([])
    }
  })
})

describe('commands for Google Cloud', () => {
  const commands = (change: Partial<PolicySubject>, request: Partial<PolicyRequest> = {}) =>
    generated({ type: 'gcs', auth: 'default', ...change }, request).flatMap(
      (each) => each.commands ?? [],
    )
  const principal = 'loader@acme.iam.gserviceaccount.com'

  it('grant a role of exactly the needed permissions, below the prefix, listing included', () => {
    const lines = commands({}, { principal })
    expect(lines.join('\n')).toContain('--permissions=storage.objects.get,storage.objects.list')
    expect(lines.at(-1)).toBe(
      'gcloud storage buckets add-iam-policy-binding gs://acme-share --member=serviceAccount:loader@acme.iam.gserviceaccount.com --role="projects/$PROJECT/roles/bucketlineReceive" --condition-from-file=bucketline-condition.json',
    )
    const condition = JSON.parse(lines.find((line) => line.startsWith('{')) ?? '')
    expect(condition.expression).toBe(
      'resource.name.startsWith("projects/_/buckets/acme-share/objects/data/events/") || api.getAttribute("storage.googleapis.com/objectListPrefix", "").startsWith("data/events/")',
    )
    expect(lintPolicies(lines.join('\n'), { job: 'receive' })).toEqual([])
  })

  it('say that there is no condition for a whole bucket, and may write for sending', () => {
    const lines = commands({ base: '' }, { principal: `group:${principal}`, job: 'send' })
    expect(lines.at(-1)).toContain('--condition=None')
    expect(lines.at(-1)).toContain(`--member=group:${principal}`)
    expect(lines.join('\n')).toContain('storage.objects.create,storage.objects.delete')
  })

  it('hold words that no shell takes for more', () => {
    const line = commands({}, { principal: "user:a$(b)'c" }).at(-1)
    expect(line).toContain(`'--member=user:a$(b)'\\''c'`)
  })
})
