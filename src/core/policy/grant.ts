import type { S3Arn } from './arn.ts'
import { matchesPattern } from './glob.ts'
import type { Statement, Text } from './statement.ts'

/** Where a feed lies, for the checks that need to know. */
export interface ReceivedFeed {
  readonly name: string
  readonly bucket: string
  /** What its keys begin with; ends in `/` or is empty. */
  readonly base: string
  /** A key as its layout writes one, relative to the base. */
  readonly example: string
}

/** A resource of a statement that S3 knows: a bucket, or keys in one. */
export interface S3Resource {
  readonly text: Text
  readonly arn: S3Arn
}

/** What a statement grants, as far as it can be read. */
export interface Grant {
  readonly statement: Statement
  readonly actions: readonly Text[]
  readonly resources: readonly S3Resource[]
}

/** What is looked for in one bucket. */
export type Wanted = Omit<ReceivedFeed, 'name'>

/** Whether a resource names a bucket, whatever its keys. */
export const isIn = ({ arn }: S3Resource, bucket: string): boolean =>
  arn.bucket === bucket || matchesPattern(arn.bucket, bucket)
