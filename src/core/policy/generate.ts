import { ExchangeError } from '../errors.ts'
import {
  KMS_ACTIONS,
  NEEDED_ACTIONS,
  type PolicyJob,
  type ResourceKind,
  USEFUL_ACTIONS,
} from './actions.ts'
import { bindCommands } from './gcloud.ts'
import { escapePattern } from './glob.ts'
import type { ReceivedFeed } from './grant.ts'
import type { PolicyForm } from './lint.ts'

/** What a policy is written for: a feed with the place it lies in, and no secret. */
export interface PolicySubject extends ReceivedFeed {
  readonly store: string
  readonly type: 's3' | 'gcs'
  /** How the store authenticates; decides the form that is written without being asked. */
  readonly auth: 'access_key' | 'assume_role' | 'default_chain' | 'service_account' | 'default'
  readonly region?: string
  readonly kms_key?: string
  /** The store’s settings hold an external id, which is not shown. */
  readonly has_external_id?: boolean
}

export interface PolicyRequest {
  readonly job: PolicyJob
  readonly form?: PolicyForm
  /** Who is granted access: an ARN, or a member such as `serviceAccount:…` of Google Cloud. */
  readonly principal?: string
  readonly external_id?: string
  /** ARN; the store’s own without it. */
  readonly kms_key?: string
}

export interface PolicyStatement {
  readonly Sid: string
  readonly Effect: 'Allow'
  readonly Principal?: { readonly AWS: string }
  readonly Action: readonly string[]
  readonly Resource?: string
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

export interface PolicyDocument {
  readonly Version: '2012-10-17'
  readonly Statement: readonly PolicyStatement[]
}

/** One thing to paste: a document, or commands to run. */
export interface GeneratedPolicy {
  readonly form: PolicyForm
  /** What it is and where it goes, as sentences. */
  readonly title: string
  readonly document?: PolicyDocument
  /** Lines for a shell. */
  readonly commands?: readonly string[]
}

/** The form for a store: its keys are a user’s, or a role is assumed, or it is told who reads the bucket. */
export function defaultForm(
  { type, auth }: Pick<PolicySubject, 'type' | 'auth'>,
  principal: string | undefined,
): PolicyForm {
  if (type === 'gcs') return 'gcs'
  if (auth === 'assume_role') return 'role'
  return auth === 'default_chain' && principal !== undefined ? 'bucket' : 'user'
}

/**
 * Writes the least that a job needs, for one feed. Throws `usage` where the form does not fit the store,
 * or needs a principal, an external id or the ARN of a key that was not given.
 */
export function generatePolicies(
  subject: PolicySubject,
  request: PolicyRequest,
): readonly GeneratedPolicy[] {
  const { job, principal } = request
  const form = request.form ?? defaultForm(subject, principal)
  if ((form === 'gcs') !== (subject.type === 'gcs')) {
    const message = `A policy of form ${form} is of no use for ${subject.store}, a store of type ${subject.type}.`
    const hint = subject.type === 'gcs' ? 'Use --form gcs.' : 'Use --form user, bucket or role.'
    throw new ExchangeError('usage', message, { hint })
  }
  const key_arn = subject.type === 's3' ? keyArn(subject, request) : undefined
  const permissions = (who?: string): PolicyDocument => ({
    Version: '2012-10-17',
    // A bucket cannot grant the use of a key.
    Statement: [
      ...s3Statements(subject, job, who),
      ...(key_arn === undefined || who !== undefined
        ? []
        : [keyStatement(subject, { job, resource: key_arn })]),
    ],
  })
  const does = `${job === 'receive' ? 'reads' : 'reads and writes'} ${placeOf(subject)}`
  const useful = USEFUL_ACTIONS[job].map(
    (each) => ` ${each.name}, a statement of its own, may be left out: it serves ${each.for}.`,
  )
  switch (form) {
    case 'user':
      return [
        {
          form,
          title: `IAM policy for the user or role whose keys are used: ${does}.${useful.join('')}`,
          document: permissions(),
        },
      ]
    case 'role': {
      const who = needPrincipal(form, principal)
      const trust = trustDocument(who, needExternalId(subject, request))
      return [
        {
          form,
          title: `Trust policy of the role: ${who} may assume it, and needs sts:AssumeRole on it in an IAM policy of its own.`,
          document: trust,
        },
        {
          form,
          title: `IAM policy attached to the role: ${does}.${useful.join('')}`,
          document: permissions(),
        },
      ]
    }
    case 'bucket': {
      const who = needPrincipal(form, principal)
      return [
        {
          form,
          title: `Bucket policy of ${subject.bucket}: ${who} ${does}. If that is of another account, its own IAM policy has to allow the same (--form user).${useful.join('')}`,
          document: permissions(who),
        },
        ...(key_arn === undefined
          ? []
          : [
              {
                form,
                title: `Statement to add to the key policy of ${key_arn}; what is there has to stay.`,
                document: {
                  Version: '2012-10-17' as const,
                  Statement: [keyStatement(subject, { job, resource: '*', who })],
                },
              },
            ]),
      ]
    }
    case 'gcs':
      return [
        {
          form,
          title: `Commands for an administrator of gs://${subject.bucket}: ${needPrincipal(form, principal)} ${does}.`,
          commands: bindCommands(subject, job, needPrincipal(form, principal)),
        },
      ]
  }
}

const placeOf = ({ type, bucket, base }: PolicySubject): string =>
  `${type === 's3' ? 's3' : 'gs'}://${bucket}/${base}`

/**
 * Listing is made of the base and of directories in it, each with its slash, with a delimiter and
 * without: so the condition takes whatever begins with the base. The price: AWS tells of an object that is
 * gone (404) only to those who may list without a prefix, and says "denied" (403) to others.
 */
function s3Statements(
  { bucket, base, region = '' }: PolicySubject,
  job: PolicyJob,
  who: string | undefined,
): readonly PolicyStatement[] {
  const arn = `arn:${partitionOf(region)}:s3:::${bucket}`
  const pattern = `${escapePattern(base)}*`
  const named = (on: ResourceKind) =>
    NEEDED_ACTIONS[job].filter((each) => each.on === on).map(({ name }) => name)
  return [
    {
      Sid: 'BucketlineList',
      Effect: 'Allow',
      ...granteeOf(who),
      Action: named('bucket'),
      Resource: arn,
      ...(base === '' ? {} : { Condition: { StringLike: { 's3:prefix': pattern } } }),
    },
    {
      Sid: job === 'receive' ? 'BucketlineRead' : 'BucketlineWrite',
      Effect: 'Allow',
      ...granteeOf(who),
      Action: named('object'),
      Resource: `${arn}/${pattern}`,
    },
    // Its requests have no `s3:prefix`, whatever they ask for, so no condition can narrow it.
    ...USEFUL_ACTIONS[job].map(({ name }) => ({
      Sid: 'BucketlineUploads',
      Effect: 'Allow' as const,
      ...granteeOf(who),
      Action: [name],
      Resource: arn,
    })),
  ]
}

const granteeOf = (who: string | undefined) =>
  who === undefined ? {} : { Principal: { AWS: who } }

/** The key is of use through S3 only. */
function keyStatement(
  subject: PolicySubject,
  use: { readonly job: PolicyJob; readonly resource: string; readonly who?: string },
): PolicyStatement {
  const { job, resource, who } = use
  const { region = 'us-east-1' } = subject
  const domain = partitionOf(region) === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com'
  return {
    Sid: 'BucketlineKey',
    Effect: 'Allow',
    ...granteeOf(who),
    Action: KMS_ACTIONS[job],
    Resource: resource,
    Condition: { StringEquals: { 'kms:ViaService': `s3.${region}.${domain}` } },
  }
}

/** Asked of the caller who assumes the role, against one that is made to assume another customer’s. */
function trustDocument(principal: string, external_id: string): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'BucketlineAssume',
        Effect: 'Allow',
        Principal: { AWS: principal },
        Action: ['sts:AssumeRole'],
        Condition: { StringEquals: { 'sts:ExternalId': external_id } },
      },
    ],
  }
}

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn'
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}

function needPrincipal(form: PolicyForm, principal: string | undefined): string {
  if (principal !== undefined) return principal
  const [who, example] =
    form === 'gcs'
      ? ['is granted the role', 'serviceAccount:NAME@PROJECT.iam.gserviceaccount.com']
      : [form === 'role' ? 'assumes the role' : 'uses the bucket', 'arn:aws:iam::ACCOUNT:role/NAME']
  throw new ExchangeError('usage', `A policy of form ${form} has to say who ${who}.`, {
    hint: `Name it with --principal ${example}.`,
  })
}

function needExternalId(subject: PolicySubject, { external_id }: PolicyRequest): string {
  if (external_id !== undefined) return external_id
  throw new ExchangeError('usage', 'A trust policy has to ask for an external id.', {
    hint: subject.has_external_id
      ? `Give the one of the store ${subject.store} with --external-id; settings that may be secret are not printed.`
      : `Agree upon one, such as a UUID, and give it with --external-id; it also goes into auth.external_id of the store ${subject.store}.`,
  })
}

function keyArn(subject: PolicySubject, request: PolicyRequest): string | undefined {
  const key = request.kms_key ?? subject.kms_key
  if (key === undefined || key.startsWith('arn:')) return key
  throw new ExchangeError('usage', `${key} is not the ARN of a key of KMS.`, {
    hint: 'A policy names a key by its ARN and not by an alias: give it with --kms-key arn:aws:kms:….',
  })
}

/** A policy as it is pasted: JSON on lines, or a script; ends in a newline. */
export function policyText({ document, commands }: GeneratedPolicy): string {
  return `${document === undefined ? commands?.join('\n') : JSON.stringify(document, undefined, 2)}\n`
}
