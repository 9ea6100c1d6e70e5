/**
 * What `check` asks of a store, as data: one step after the other, each with what came of it. The words
 * are those of the JSON document.
 */

export type AccessStep =
  | 'bucket_name'
  | 'connect'
  | 'tls'
  | 'authentication'
  | 'region'
  | 'bucket'
  | 'folder'
  | 'list'
  | 'layout'
  | 'get'
  | 'get_version'
  | 'decrypt'
  | 'put'
  | 'multipart'
  | 'abort'
  | 'uploads'
  | 'delete'

/** What a step found, in plain sentences without a stop at the end of `detail`. */
export interface AccessFinding {
  readonly result: 'ok' | 'failed' | 'skipped'
  /** What was seen, what went wrong, or why there was nothing to ask. */
  readonly detail: string
  /** What to change, in one or two sentences; on `ok` what would be better otherwise. */
  readonly change?: string
  /** The missing permission by its exact name: `s3:ListBucket`, `storage.objects.get`. */
  readonly permission?: string
  /** What the permission is missing on: an ARN or a URL. */
  readonly resource?: string
  /** Call and resource, where they are known only afterwards. */
  readonly asked?: string
}

export interface AccessCheck extends AccessFinding {
  readonly step: AccessStep
  /** False where loads and checks work without it: its failure does not fail the whole. */
  readonly needed: boolean
  readonly seconds: number
}
