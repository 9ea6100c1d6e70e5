import type { Readable } from 'node:stream'
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { ExchangeError } from '../core/errors.ts'
import { streamOf } from './body.ts'
import { resumingStream } from './resuming.ts'
import type { S3Bucket } from './s3.ts'
import { s3ErrorName, s3ErrorStatus } from './s3-errors.ts'
import { unquoted } from './s3-write.ts'
import type { ReadOptions } from './store.ts'

interface Span {
  readonly start: number
  /** Inclusive. */
  readonly end: number | undefined
}

/** Reads an object; see the port. The first answer's version is kept to when the connection breaks off. */
export async function readS3(
  bucket: S3Bucket,
  key: string,
  io: ReadOptions,
): Promise<ReadableStream<Uint8Array>> {
  const { signal, if_match } = io
  const span: Span = { start: io.range?.start ?? 0, end: io.range?.end }
  const call = { action: 's3:GetObject', key, precondition: 'object_changed' as const }
  const place = `s3://${bucket.settings.bucket}/${key}`
  const changed = () =>
    new ExchangeError('object_changed', `The object ${place} was replaced.`, { details: { key } })

  async function get(wanted: Span, version: string | undefined): Promise<GetObjectCommandOutput> {
    const command = new GetObjectCommand({
      ...bucket.common,
      Key: key,
      ...(version === undefined ? {} : { IfMatch: `"${version}"` }),
      ...(wanted.start === 0 && wanted.end === undefined
        ? {}
        : { Range: `bytes=${wanted.start}-${wanted.end ?? ''}` }),
    })
    const output = await bucket.client.send(
      command,
      signal === undefined ? {} : { abortSignal: signal },
    )
    // Some servers ignore If-Match.
    if (version !== undefined && output.ETag !== undefined && unquoted(output.ETag) !== version) {
      bodyOf(output).destroy()
      throw changed()
    }
    return output
  }

  let first: GetObjectCommandOutput
  try {
    first = await get(span, if_match)
  } catch (error) {
    signal?.throwIfAborted()
    if (s3ErrorName(error) !== 'InvalidRange' && s3ErrorStatus(error) !== 416) {
      throw bucket.coded(error, call)
    }
    const info = await bucket.head(key, io)
    if (if_match !== undefined && info?.version !== if_match) throw changed()
    return streamOf((async function* () {})())
  }

  const version = first.ETag === undefined ? undefined : unquoted(first.ETag)
  return resumingStream({
    key,
    place,
    body: bodyOf(first),
    start: span.start,
    end: span.start + (first.ContentLength ?? Number.POSITIVE_INFINITY),
    idle_ms: bucket.deadlines.idle_ms,
    signal,
    reopen:
      version === undefined
        ? undefined
        : (start, end) => bucket.call(() => get({ start, end }, version), call).then(bodyOf),
  })
}

/** In Node the client gives the answer's own stream. */
function bodyOf({ Body }: GetObjectCommandOutput): Readable {
  return Body as Readable
}
