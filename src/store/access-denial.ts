/**
 * What an AWS access-denied message tells. Since 2021 AWS says who was denied what, and by which kind of
 * policy, to callers of the bucket's own account or organization; others get "Access Denied" only.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
 */
export interface Denial {
  /** ARN of who asked. */
  readonly principal?: string
  /** `s3:GetObject`, `kms:Decrypt`. */
  readonly action?: string
  readonly resource?: string
  /** A statement denies it; without this nothing allows it. */
  readonly explicit: boolean
  /** `identity-based policy`, `bucket policy`, `VPC endpoint policy` … */
  readonly policy?: string
}

const WHO = /User: (\S+) is not authorized to perform: ([\w-]+:[\w*]+)/i
const RESOURCE = /\bon (?:the )?resource:? "?(arn:[^\s"]+)"?/i
const POLICY =
  /\b(?:no|with an explicit deny in an?) ((?:identity-based|resource-based|session|VPC endpoint|service control|resource control) policy|permissions boundary)\b/i

/** Reads a message; undefined where it is not of that form. */
export function readDenial(message: string): Denial | undefined {
  const who = WHO.exec(message)
  if (who === null) return undefined
  const [, principal = '', action = ''] = who
  const resource = RESOURCE.exec(message)?.[1]
  const policy = POLICY.exec(message)?.[1]
  return {
    principal,
    action,
    explicit: /explicit deny/i.test(message),
    ...(resource === undefined ? {} : { resource }),
    ...(policy === undefined ? {} : { policy }),
  }
}

/** Whether a refusal is about the key that encrypts an object, not about the object. */
export function isKeyDenial(name: string, message: string): boolean {
  return (
    /^kms\b/i.test(name) ||
    /\bkms:(Decrypt|GenerateDataKey)/.test(message) ||
    /ciphertext refers to a customer master key/i.test(message)
  )
}

/** What to change so that an action is allowed, in one or two sentences. */
export function grant(
  denial: Denial | undefined,
  wanted: { readonly action: string; readonly resource: string; readonly who: string },
): string {
  const { action, resource } = wanted
  const who = denial?.principal ?? wanted.who
  const policy = denial?.policy ?? ''
  if (denial?.explicit) {
    const where = policy === '' ? 'A policy' : `A ${policyName(policy)}`
    return `${where} denies it: take ${action} on ${resource} for ${who} out of its Deny statement.`
  }
  if (/VPC|service control|resource control|session|boundary/i.test(policy)) {
    return `Allow ${action} on ${resource} in the ${policyName(policy)} as well; it limits what other policies allow.`
  }
  if (/identity/i.test(policy)) return `Allow ${action} on ${resource} in the IAM policy of ${who}.`
  if (/resource/i.test(policy)) {
    const where = action.startsWith('kms:') ? 'key policy' : 'bucket policy'
    return `Allow ${action} on ${resource} for ${who} in the ${where}.`
  }
  if (action.startsWith('kms:')) {
    return `Allow ${action} on ${resource} for ${who}, in the key policy and, from another account, in its IAM policy too.`
  }
  return `Allow ${action} on ${resource} for ${who}, in the bucket policy or the IAM policy; from another account it takes both.`
}

function policyName(policy: string): string {
  if (/identity/i.test(policy)) return 'IAM policy'
  if (/resource-based/i.test(policy)) return 'bucket or key policy'
  return policy
}

/**
 * What makes a name no DNS name, by S3's rules for buckets; undefined where it is one.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
 */
export function bucketNameFault(name: string): string | undefined {
  if (name.length < 3 || name.length > 63) return 'takes 3 to 63 characters'
  if (/[A-Z]/.test(name)) return 'takes no upper-case letters'
  if (name.includes('_')) return 'takes hyphens, not underscores'
  const odd = /[^a-z0-9.-]/.exec(name)
  if (odd !== null) return `takes letters, digits, hyphens and dots, not "${odd[0]}"`
  if (!/^[a-z0-9].*[a-z0-9]$/.test(name)) return 'begins and ends with a letter or digit'
  if (/\.\.|\.-|-\./.test(name)) return 'takes a letter or digit on both sides of a dot'
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) return 'is not written like an IP address'
  return undefined
}
