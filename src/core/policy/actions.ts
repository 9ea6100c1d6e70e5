import { nearest } from '../nearest.ts'
import { matchesPattern } from './glob.ts'

/** What the policy is for: reading what a partner delivers, or writing into a bucket. */
export type PolicyJob = 'receive' | 'send'

export type ResourceKind = 'bucket' | 'object'

export interface NeededAction {
  readonly name: string
  readonly on: ResourceKind
  /** What of ours fails without it. */
  readonly for: string
}

const LIST: NeededAction = { name: 's3:ListBucket', on: 'bucket', for: 'to see what is there' }
const READ: NeededAction = { name: 's3:GetObject', on: 'object', for: 'to read objects' }

/**
 * The actions of each job, and no other: the store reads objects as they are (an `If-Match` on the ETag
 * keeps to a version, so `s3:GetObjectVersion` is not asked for) and is told the region of the bucket.
 * A writer reads as well: it tells by an object's metadata whether a write whose answer was lost is its own.
 */
export const NEEDED_ACTIONS: Readonly<Record<PolicyJob, readonly NeededAction[]>> = {
  receive: [LIST, READ],
  send: [
    LIST,
    READ,
    { name: 's3:PutObject', on: 'object', for: 'to write objects' },
    {
      name: 's3:AbortMultipartUpload',
      on: 'object',
      for: 'to leave no parts behind when a write fails',
    },
    { name: 's3:DeleteObject', on: 'object', for: 'to remove what a sync replaces' },
  ],
}

/** What a job can do without, at a price; a policy that lacks one of these has no defect. */
export const USEFUL_ACTIONS: Readonly<Record<PolicyJob, readonly NeededAction[]>> = {
  receive: [],
  send: [
    {
      name: 's3:ListBucketMultipartUploads',
      on: 'bucket',
      for: 'to abort the unfinished uploads of a process that was killed, which otherwise stay and cost money',
    },
  ],
}

/** With objects encrypted by a key of KMS; they are of use only on a key. */
export const KMS_ACTIONS: Readonly<Record<PolicyJob, readonly string[]>> = {
  receive: ['kms:Decrypt'],
  // A multipart upload is decrypted by its parts to be joined.
  send: ['kms:Decrypt', 'kms:GenerateDataKey'],
}

/** Permissions of Google Cloud Storage for each job. */
export const GCS_PERMISSIONS: Readonly<Record<PolicyJob, readonly string[]>> = {
  receive: ['storage.objects.get', 'storage.objects.list'],
  send: [
    'storage.objects.get',
    'storage.objects.list',
    'storage.objects.create',
    'storage.objects.delete',
  ],
}

/** Names of requests, which people take for names of actions. */
const REQUESTS: Readonly<Record<string, string>> = {
  's3:listobjects': 's3:ListBucket',
  's3:listobjectsv2': 's3:ListBucket',
  's3:headbucket': 's3:ListBucket',
  's3:headobject': 's3:GetObject',
  's3:readobject': 's3:GetObject',
  's3:createmultipartupload': 's3:PutObject',
  's3:uploadpart': 's3:PutObject',
  's3:completemultipartupload': 's3:PutObject',
  's3:deleteobjects': 's3:DeleteObject',
  's3:listparts': 's3:ListMultipartUploadParts',
  's3:listmultipartuploads': 's3:ListBucketMultipartUploads',
}

const COMMON = [
  's3:ListBucket',
  's3:GetObject',
  's3:PutObject',
  's3:DeleteObject',
  's3:AbortMultipartUpload',
  's3:GetObjectVersion',
  's3:ListBucketVersions',
  's3:GetBucketLocation',
  's3:PutObjectAcl',
  's3:ListBucketMultipartUploads',
  's3:ListMultipartUploadParts',
  's3:DeleteObjectVersion',
  's3:GetObjectTagging',
  's3:PutObjectTagging',
  's3:GetObjectAcl',
  's3:GetBucketAcl',
  's3:GetBucketPolicy',
  's3:PutBucketPolicy',
  's3:CreateBucket',
  's3:DeleteBucket',
  's3:ListAllMyBuckets',
]

/** Whether a pattern of `Action` grants an action; names are compared without case, as AWS does. */
export const grantsAction = (pattern: string, action: string): boolean =>
  matchesPattern(pattern, action, true)

/** What was meant by a name that is no action; undefined where the name may be one. */
export function meantAction(name: string): string | undefined {
  const lower = name.toLowerCase()
  const known = (candidate: string) => COMMON.some((each) => each.toLowerCase() === candidate)
  if (!lower.includes(':')) {
    return meantAction(`s3:${name}`) ?? COMMON.find((each) => each.toLowerCase() === `s3:${lower}`)
  }
  const request = REQUESTS[lower]
  if (request !== undefined) return request
  if (known(lower) || !lower.startsWith('s3:')) return undefined
  const close = nearest(name, COMMON)
  // `s3:GetObjectAcls` is near to several; only one letter off is surely a slip.
  return close !== undefined && Math.abs(close.length - name.length) <= 1 ? close : undefined
}

/** What an action of S3 works on; undefined for patterns and for actions on neither. */
export function kindOfAction(action: string): ResourceKind | undefined {
  if (/[*?]/.test(action)) return undefined
  const name = action.slice(action.indexOf(':') + 1)
  if (/^(ListAllMyBuckets|CreateBucket)$/i.test(name)) return undefined
  if (/bucket|configuration|notification/i.test(name)) return 'bucket'
  return /object|multipart/i.test(name) ? 'object' : undefined
}
