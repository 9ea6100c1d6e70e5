import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { AccessFinding } from '../core/access.ts'
import { PROBE_TEXT, type Probe } from './access.ts'
import { codeOf, GROUND, type S3Asking } from './access-s3-asking.ts'
import { isKeyRefusal, keyRefused } from './access-s3-key.ts'

/** The steps of writing, all on one key, and what removes it when they were interrupted. */
export interface WriteProbes {
  readonly probes: readonly Probe[]
  tidy(signal: AbortSignal): Promise<string | undefined>
}

/** `put`, `multipart`, `abort`, `uploads` and `delete` of one probe object. */
export function writeProbes(asking: S3Asking): WriteProbes {
  const { probe_key: Key, settings } = asking
  const place = asking.place(Key)
  const object = { ...asking.common, Key }
  const key_id = settings.sse_kms_key_id
  const encrypted =
    key_id === undefined ? {} : { ServerSideEncryption: 'aws:kms' as const, SSEKMSKeyId: key_id }
  const call = (action: string) => ({ action, key: Key })
  /** Whether the object lies there, as far as is known. */
  let written = false
  let versioned = false
  let upload_id: string | undefined

  const refused = (error: unknown, action: string): AccessFinding =>
    isKeyRefusal(error)
      ? keyRefused(asking, error, { action: 'kms:GenerateDataKey', key: key_id })
      : asking.refused(error, action, 'keys')

  async function begin(signal: AbortSignal): Promise<string> {
    const { UploadId } = await asking.send(call('s3:PutObject'), () =>
      asking.client.send(new CreateMultipartUploadCommand({ ...object, ...encrypted }), {
        abortSignal: signal,
      }),
    )
    if (UploadId === undefined) throw new Error('an upload has no id')
    upload_id = UploadId
    return UploadId
  }

  /** One part and the end of the upload: it becomes the probe object, which `delete` removes. */
  async function finish(UploadId: string, signal: AbortSignal): Promise<void> {
    const io = { abortSignal: signal }
    await asking.send(call('s3:PutObject'), async () => {
      const { ETag } = await asking.client.send(
        new UploadPartCommand({ ...object, UploadId, PartNumber: 1, Body: PROBE_TEXT }),
        io,
      )
      written = true
      await asking.client.send(
        new CompleteMultipartUploadCommand({
          ...object,
          UploadId,
          MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
        }),
        io,
      )
    })
    upload_id = undefined
  }

  const put: Probe = {
    step: 'put',
    asked: `PutObject ${place}`,
    after: GROUND,
    async run(signal) {
      try {
        written = true
        const { VersionId } = await asking.send(call('s3:PutObject'), () =>
          asking.client.send(new PutObjectCommand({ ...object, ...encrypted, Body: PROBE_TEXT }), {
            abortSignal: signal,
          }),
        )
        versioned = VersionId !== undefined && VersionId !== 'null'
        return { result: 'ok', detail: Key }
      } catch (error) {
        signal.throwIfAborted()
        // Without an answer it may have arrived.
        written = codeOf(error) === 'store_unavailable'
        return refused(error, 's3:PutObject')
      }
    },
  }
  const multipart: Probe = {
    step: 'multipart',
    asked: `CreateMultipartUpload, UploadPart, CompleteMultipartUpload ${place}`,
    after: [...GROUND, 'put'],
    async run(signal) {
      try {
        await finish(await begin(signal), signal)
        return { result: 'ok', detail: 'one part' }
      } catch (error) {
        signal.throwIfAborted()
        return refused(error, 's3:PutObject')
      }
    },
  }
  const abort: Probe = {
    step: 'abort',
    asked: `AbortMultipartUpload ${place}`,
    after: [...GROUND, 'put', 'multipart'],
    // Only needed to tidy up after a write that failed.
    needed: false,
    async run(signal) {
      const UploadId = await begin(signal)
      try {
        await asking.send(call('s3:AbortMultipartUpload'), () =>
          asking.client.send(new AbortMultipartUploadCommand({ ...object, UploadId }), {
            abortSignal: signal,
          }),
        )
        upload_id = undefined
        return { result: 'ok', detail: 'an upload without parts' }
      } catch (error) {
        signal.throwIfAborted()
        // Who may not give up an upload may complete it, so that none is left open.
        await finish(UploadId, signal)
        return refused(error, 's3:AbortMultipartUpload')
      }
    },
  }
  const uploads: Probe = {
    step: 'uploads',
    asked: `ListMultipartUploads ${place}`,
    after: [...GROUND, 'put', 'multipart'],
    // Only needed to tidy up after a process that was killed.
    needed: false,
    async run(signal) {
      const action = 's3:ListBucketMultipartUploads'
      try {
        await asking.send({ action }, () =>
          asking.client.send(new ListMultipartUploadsCommand({ ...asking.common, Prefix: Key }), {
            abortSignal: signal,
          }),
        )
        return { result: 'ok', detail: 'what a killed process leaves can be found' }
      } catch (error) {
        signal.throwIfAborted()
        return asking.refused(error, action, 'bucket')
      }
    },
  }
  const remove: Probe = {
    step: 'delete',
    asked: `DeleteObject ${place}`,
    after: GROUND,
    late: {
      detail: 'no answer to the deletion of the probe object',
      change: `Look whether ${place} stays, and delete it by hand.`,
    },
    async run(signal) {
      if (!written) return { result: 'skipped', detail: 'nothing was written' }
      try {
        await removeProbe(signal)
        return {
          result: 'ok',
          detail: versioned
            ? 'the probe object is gone; the bucket keeps its versions behind a delete marker'
            : 'the probe object is gone again',
        }
      } catch (error) {
        signal.throwIfAborted()
        const { change = '', ...finding } = refused(error, 's3:DeleteObject')
        return {
          ...finding,
          detail: `${finding.detail}: the probe object stays`,
          change: `Delete ${place} by hand. ${change}`,
        }
      }
    },
  }

  async function removeProbe(signal: AbortSignal): Promise<void> {
    await asking.send(call('s3:DeleteObject'), () =>
      asking.client.send(new DeleteObjectCommand(object), { abortSignal: signal }),
    )
    written = false
  }

  return {
    probes: [put, multipart, abort, uploads, remove],
    async tidy(signal) {
      try {
        if (upload_id !== undefined) {
          const abandoned = { ...object, UploadId: upload_id }
          upload_id = undefined
          await asking.client.send(new AbortMultipartUploadCommand(abandoned), {
            abortSignal: signal,
          })
        }
        if (written) await removeProbe(signal)
        return undefined
      } catch {
        // The step `delete` has said why, or nobody waits for it any more.
        return place
      }
    },
  }
}
