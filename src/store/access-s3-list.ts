import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import type { AccessFinding } from '../core/access.ts'
import { codeOf, type S3Asking } from './access-s3-asking.ts'
import { unquoted } from './s3-write.ts'
import type { ObjectInfo } from './store.ts'

/** The first page under the prefix, and what its answer told beside it. */
export interface Listing {
  readonly objects: readonly ObjectInfo[]
  readonly more: boolean
  readonly region: string | undefined
  readonly charged: boolean
}

/** The first page under the prefix. */
export async function listPage(
  asking: S3Asking,
  signal: AbortSignal,
): Promise<{ listing: Listing } | { error: unknown }> {
  let headers: Readonly<Record<string, string>> = {}
  const command = new ListObjectsV2Command({
    ...asking.common,
    Prefix: asking.options.prefix,
    EncodingType: 'url',
  })
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      headers = (result.response as { headers?: typeof headers }).headers ?? {}
      return result
    },
    { step: 'deserialize', priority: 'low', name: 'keepHeaders' },
  )
  try {
    const page = await asking.send({ action: 's3:ListBucket' }, () =>
      asking.client.send(command, { abortSignal: signal }),
    )
    if (page.KeyCount === undefined && page.Name === undefined) {
      throw new Error('its answer to a listing holds none')
    }
    const decode = (key: string) =>
      page.EncodingType === 'url' ? decodeURIComponent(key.replaceAll('+', ' ')) : key
    const objects = (page.Contents ?? []).map((object) => ({
      key: decode(object.Key ?? ''),
      size: object.Size ?? 0,
      version: unquoted(object.ETag ?? ''),
      modified_at: object.LastModified ?? new Date(0),
    }))
    return {
      listing: {
        objects,
        more: page.IsTruncated === true,
        region: headers['x-amz-bucket-region'],
        charged: page.RequestCharged === 'requester',
      },
    }
  } catch (error) {
    signal.throwIfAborted()
    return { error }
  }
}

/**
 * A listing that was denied. S3 answers the same 403 where the bucket bills its readers, so it is asked
 * once more with the reader's consent, for one key: only that tells the two apart.
 */
export async function listDenied(
  asking: S3Asking,
  error: unknown,
  signal: AbortSignal,
): Promise<AccessFinding> {
  const { bucket } = asking.settings
  const prefix = asking.options.prefix
  if (codeOf(error) === 'access_denied' && asking.common.RequestPayer === undefined) {
    try {
      const consenting = new ListObjectsV2Command({
        ...asking.common,
        RequestPayer: 'requester',
        Prefix: prefix,
        MaxKeys: 1,
      })
      await asking.client.send(consenting, { abortSignal: signal })
      return {
        result: 'failed',
        detail: `${bucket} is a requester-pays bucket`,
        change: `Switch Requester Pays off on ${bucket}; or agree to be billed for every request with \`requester_pays: true\` on the store.`,
      }
    } catch {
      // Denied in either case: what the first answer said holds.
      signal.throwIfAborted()
    }
  }
  const finding = asking.refused(error, 's3:ListBucket', 'bucket')
  if (finding.permission === undefined || prefix === '') return finding
  const { change = '' } = finding
  return {
    ...finding,
    detail: `s3:ListBucket is denied under ${prefix}`,
    change: `${change} If the statement has a condition on s3:prefix, it must let "${prefix}*" through.`,
  }
}

/** A condition `StringEquals` on s3:prefix lets the prefix be listed and nothing below it, where loads look. */
export async function belowDenied(
  asking: S3Asking,
  signal: AbortSignal,
): Promise<AccessFinding | undefined> {
  const { prefix } = asking.options
  const slash = asking.object?.key.lastIndexOf('/') ?? -1
  if (asking.object === undefined || slash < prefix.length) return undefined
  const below = asking.object.key.slice(0, slash + 1)
  try {
    await asking.send({ action: 's3:ListBucket' }, () =>
      asking.client.send(
        new ListObjectsV2Command({ ...asking.common, Prefix: below, Delimiter: '/', MaxKeys: 1 }),
        { abortSignal: signal },
      ),
    )
    return undefined
  } catch (error) {
    signal.throwIfAborted()
    const finding = asking.refused(error, 's3:ListBucket', 'bucket')
    if (finding.permission === undefined) return finding
    return {
      ...finding,
      asked: `ListObjectsV2 ${asking.place(below)}`,
      detail: `s3:ListBucket is allowed for "${prefix}" itself but denied for "${below}"`,
      change: `Let the condition on s3:prefix be \`StringLike\` with "${prefix}*", not \`StringEquals\`.`,
    }
  }
}

/** What a reader of a requester-pays bucket should know. */
export const paying = (bucket: string) =>
  `${bucket} is a requester-pays bucket: each of these requests and all bytes are billed to you. Ask its owner to switch Requester Pays off.`
