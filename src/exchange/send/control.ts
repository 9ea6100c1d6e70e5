import { createHash } from 'node:crypto'
import type { Stream } from '../../core/destination/stream.ts'

/**
 * Where a destination keeps what it has to remember: under `_bucketline/` in the bucket path, never in a
 * stream's directory, so that who reads a stream's objects sees nothing else there.
 */
export interface ControlKeys {
  /** What every control key starts with. */
  readonly prefix: string
  readonly attempts: string
  attempt(attempt_id: string): string
  /** What is kept of all streams. */
  readonly streams: string
  /** Manifests of one stream, one object for each attempt that committed something. */
  stream(stream: Pick<Stream, 'name' | 'namespace'>): string
  /** Rows of a stream that is merged by key: the base and what came since. */
  rows(stream: Pick<Stream, 'name' | 'namespace'>): string
}

/** Variables may stand in the bucket path, too: the control folder lies above the first of them. */
export function controlKeys(bucket_path: string): ControlKeys {
  const variable = bucket_path.search(/[$]?\{/)
  const constant = variable < 0 ? bucket_path : bucket_path.slice(0, variable)
  const folder = variable < 0 ? constant : constant.slice(0, constant.lastIndexOf('/') + 1)
  const above = folder.split('/').filter(Boolean).join('/')
  const prefix = `${above === '' ? '' : `${above}/`}_bucketline/`
  const streams = `${prefix}streams/`
  const streamKey = (stream: Pick<Stream, 'name' | 'namespace'>) =>
    `${streams}${streamFolder(stream)}/`
  return {
    prefix,
    attempts: `${prefix}attempts/`,
    attempt: (attempt_id) => `${prefix}attempts/${attempt_id}/`,
    streams,
    stream: (stream) => `${streamKey(stream)}manifests/`,
    rows: (stream) => `${streamKey(stream)}rows/`,
  }
}

/** Readable, and different for different streams: names that sanitise to the same text must not meet. */
function streamFolder({ name, namespace }: Pick<Stream, 'name' | 'namespace'>): string {
  const readable = name.replace(/[^A-Za-z0-9_-]+/g, '_').slice(0, 60)
  const digest = createHash('sha256').update(JSON.stringify([namespace ?? null, name]))
  return `${readable}-${digest.digest('hex').slice(0, 12)}`
}
