import { describe, expect, it } from 'vitest'
import { bucketNameFault, grant, isKeyDenial, readDenial } from './access-denial.ts'

const user = 'arn:aws:iam::123456789012:user/loader'
const wanted = { action: 's3:GetObject', resource: 'arn:aws:s3:::b/data/*', who: 'role r' }

describe('readDenial', () => {
  it('reads who, what, on what and by which policy', () => {
    const message = `User: ${user} is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::b" because no identity-based policy allows the s3:ListBucket action`
    expect(readDenial(message)).toEqual({
      principal: user,
      action: 's3:ListBucket',
      resource: 'arn:aws:s3:::b',
      explicit: false,
      policy: 'identity-based policy',
    })
  })
  it.each([
    ['with an explicit deny in a resource-based policy', true, 'resource-based policy'],
    ['with an explicit deny in an identity-based policy', true, 'identity-based policy'],
    ['with an explicit deny in a VPC endpoint policy', true, 'VPC endpoint policy'],
    [
      'because no resource-based policy allows the s3:GetObject action',
      false,
      'resource-based policy',
    ],
    ['because no session policy allows the s3:GetObject action', false, 'session policy'],
    [
      'because no permissions boundary allows the s3:GetObject action',
      false,
      'permissions boundary',
    ],
  ])('%s', (reason, explicit, policy) => {
    const message = `User: ${user} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::b/k" ${reason}`
    expect(readDenial(message)).toMatchObject({ explicit, policy, resource: 'arn:aws:s3:::b/k' })
  })
  it('reads what S3 says of a key that another account owns, which names no resource', () => {
    const message = `User: ${user} is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access`
    expect(readDenial(message)).toEqual({ principal: user, action: 'kms:Decrypt', explicit: false })
  })
  it('makes nothing of the short form', () => {
    expect(readDenial('Access Denied')).toBeUndefined()
  })
})

describe('grant', () => {
  it.each([
    [undefined, 'for role r, in the bucket policy or the IAM policy'],
    [
      { explicit: true, principal: user, policy: 'resource-based policy' },
      'out of its Deny statement',
    ],
    [
      { explicit: false, principal: user, policy: 'identity-based policy' },
      `in the IAM policy of ${user}.`,
    ],
    [
      { explicit: false, principal: user, policy: 'resource-based policy' },
      `for ${user} in the bucket policy.`,
    ],
    [{ explicit: false, policy: 'VPC endpoint policy' }, 'in the VPC endpoint policy as well'],
  ])('%j', (denial, words) => {
    const sentence = grant(denial, wanted)
    expect(sentence).toContain(words)
    expect(sentence).toContain('s3:GetObject on arn:aws:s3:::b/data/*')
  })
  it('sends a key to its key policy', () => {
    const key = { action: 'kms:Decrypt', resource: 'arn:aws:kms:x', who: 'role r' }
    expect(grant(undefined, key)).toContain('in the key policy')
    expect(grant({ explicit: false, policy: 'resource-based policy' }, key)).toContain(
      'in the key policy.',
    )
  })
})

it.each([
  ['KMS.DisabledException', '', true],
  ['kms:KeyNotFound', '', true],
  ['AccessDenied', 'User: u is not authorized to perform: kms:Decrypt on resource: x', true],
  ['AccessDenied', 'The ciphertext refers to a customer master key that does not exist', true],
  ['AccessDenied', 'Access Denied', false],
  [
    'AccessDenied',
    'User: u is not authorized to perform: s3:GetObject on resource: kmsfiles',
    false,
  ],
])('isKeyDenial %s %s', (name, message, expected) => {
  expect(isKeyDenial(name, message)).toBe(expected)
})

it.each([
  ['metamx-acme-share', undefined],
  ['a.b-c.1', undefined],
  ['Metamx-share', 'upper-case'],
  ['metamx_share', 'hyphens'],
  ['ab', '3 to 63'],
  ['a'.repeat(64), '3 to 63'],
  ['-abc', 'begins'],
  ['a..b', 'dot'],
  ['a.-b', 'dot'],
  ['192.168.5.4', 'IP address'],
  ['büro', '"ü"'],
])('bucketNameFault %s', (name, words) => {
  if (words === undefined) expect(bucketNameFault(name)).toBeUndefined()
  else expect(bucketNameFault(name)).toContain(words)
})
