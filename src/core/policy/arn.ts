import { hasSigns } from './glob.ts'

/** The bucket and keys that a `Resource` names; both may be patterns. */
export interface S3Arn {
  readonly bucket: string
  /** Undefined for the bucket itself. */
  readonly key: string | undefined
}

/** Reads `arn:aws:s3:::bucket/key`; undefined for what is no ARN of S3. */
export function parseS3Arn(resource: string): S3Arn | undefined {
  const found = /^arn:aws(?:-cn|-us-gov|-iso[a-z-]*)?:s3:::([^/]*)(?:\/(.*))?$/s.exec(resource)
  if (found === null) return undefined
  return { bucket: found[1] ?? '', key: found[2] }
}

// Policy variables are none: `${aws:username}`, `${*}`.
const placeholder =
  /<[^<>]*>|(?<!\$)\{\{?[^{}]*\}?\}|\b(?:YOUR|MY)[-_ ][A-Z0-9_-]+|\b[A-Z_]*(?:BUCKET|PREFIX|ACCOUNT_ID)[A-Z_]*\b|\byour-[a-z0-9-]+|\.\.\.|…/g

/** What in a text was to be filled in, as a list for people; undefined where nothing is. */
export function placeholdersIn(text: string): string | undefined {
  const found = [...new Set(text.match(placeholder) ?? [])]
  return found.length === 0 ? undefined : found.join(' and ')
}

/** A text with what was to be filled in replaced; the `/` that goes with an empty value goes too. */
export function fillPlaceholders(text: string, value: string): string {
  const filled = text.replace(placeholder, () => value)
  return value === '' && filled !== text ? filled.replace(/^\//, '') : filled
}

/** What is wrong with a bucket's name: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
export function bucketNameFault(name: string): string | undefined {
  if (hasSigns(name)) return undefined
  if (name.length < 3 || name.length > 63) return 'has not 3 to 63 characters'
  if (!/^[a-z0-9.-]+$/.test(name)) return 'has signs that are no lower-case letters, digits, - or .'
  if (!/^[a-z0-9].*[a-z0-9]$/.test(name)) return 'begins or ends with neither a letter nor a digit'
  return name.includes('..') ? 'has two dots beside each other' : undefined
}
