import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
} from '@aws-sdk/client-s3'
import type { AccessFinding } from '../core/access.ts'
import { failure, type Probe } from './access.ts'
import { readDenial } from './access-denial.ts'
import { codeOf, GROUND, type S3Asking, saidBy } from './access-s3-asking.ts'
import { isKeyRefusal, keyRefused, storeCode } from './access-s3-key.ts'

/** What the answer to a read, or to a HEAD, says of the object. */
interface Facts {
  readonly encryption: string | undefined
  readonly kms_key: string | undefined
  readonly version_id: string | undefined
}

/** The steps `get`, `get_version` and `decrypt`: the first byte of one object that the listing gave. */
export function readProbes(asking: S3Asking): readonly Probe[] {
  let facts: Facts | undefined
  /** Why the bytes could not be decrypted, where that is what stopped the read. */
  let locked: AccessFinding | undefined

  const nothing: AccessFinding = { result: 'skipped', detail: 'there is no object to read' }
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html: 404 only for who may list.
  const unlisted: AccessFinding = {
    result: 'skipped',
    detail:
      'no key is known without a listing; S3 answers 403 to an absent one too, so none is guessed',
  }
  const get: Probe = {
    step: 'get',
    asked: `GetObject ${asking.place(asking.options.prefix)}`,
    after: GROUND,
    async run(signal) {
      const { object } = asking
      if (object === undefined) return asking.listed ? nothing : unlisted
      const asked = `GetObject ${asking.place(object.key)}`
      try {
        facts = factsOf(await firstByte(asking, signal))
        return { result: 'ok', asked, detail: object.key }
      } catch (error) {
        signal.throwIfAborted()
        if (isSseC(error)) {
          locked = sseC(asking)
          return { result: 'ok', asked, detail: `${object.key} answers, but encrypted` }
        }
        if (isKeyRefusal(error)) {
          facts = await headFacts(asking, signal)
          locked = keyRefused(asking, error, { action: 'kms:Decrypt', key: facts?.kms_key })
          return {
            result: 'ok',
            asked,
            detail: `${object.key} is let through, but its KMS key is not`,
          }
        }
        if (storeCode(error) === 'InvalidObjectState') return { ...archived(object.key), asked }
        if (codeOf(error) !== 'access_denied') return { ...failure(error), asked }
        return { ...(await denied(error, signal)), asked }
      }
    },
  }

  /** A plain 403: HEAD needs s3:GetObject as well, but no key. */
  async function denied(error: unknown, signal: AbortSignal): Promise<AccessFinding> {
    facts = await headFacts(asking, signal)
    if (facts?.encryption?.startsWith('aws:kms')) {
      locked = keyRefused(asking, error, { action: 'kms:Decrypt', key: facts.kms_key })
      return {
        result: 'ok',
        detail: 'HEAD is allowed, which takes s3:GetObject; the bytes are denied',
      }
    }
    const key = asking.object?.key
    const finding = {
      ...asking.refused(error, 's3:GetObject', 'keys'),
      detail:
        facts === undefined
          ? `s3:GetObject is denied on ${key}`
          : `s3:GetObject is denied on ${key}, though not to HEAD, which takes it too`,
    }
    const silent = readDenial(saidBy(error)) === undefined
    // Only AWS has owners of objects and hides the reason from other accounts.
    if (!silent || asking.settings.endpoint !== undefined) return finding
    const { change = '' } = finding
    return {
      ...finding,
      change: `${change} An object that a third account wrote stays closed until Object Ownership of the bucket is "Bucket owner enforced". Whether its KMS key is open shows only then.`,
    }
  }

  const get_version: Probe = {
    step: 'get_version',
    asked: `GetObject ${asking.place(asking.options.prefix)} with a versionId`,
    after: [...GROUND, 'list', 'get'],
    // Loads read by ETag; a policy without this action is one that works.
    needed: false,
    async run(signal) {
      const { object } = asking
      if (object === undefined) return nothing
      const version_id = facts?.version_id
      if (version_id === undefined || version_id === 'null') {
        return { result: 'skipped', detail: 'the bucket keeps no versions' }
      }
      const asked = `GetObject ${asking.place(object.key)} versionId=${version_id}`
      try {
        await firstByte(asking, signal, version_id)
        return { result: 'ok', asked, detail: `version ${version_id}` }
      } catch (error) {
        signal.throwIfAborted()
        if (isKeyRefusal(error) || locked !== undefined) {
          return { result: 'skipped', asked, detail: 'cannot be told while decryption fails' }
        }
        return { ...asking.refused(error, 's3:GetObjectVersion', 'keys'), asked }
      }
    },
  }

  const decrypt: Probe = {
    step: 'decrypt',
    asked: `GetObject ${asking.place(asking.options.prefix)}`,
    after: [...GROUND, 'list', 'get'],
    async run() {
      if (asking.object === undefined) return nothing
      const asked = `GetObject ${asking.place(asking.object.key)}`
      if (locked !== undefined) return { asked, ...locked }
      const { encryption, kms_key } = facts ?? {}
      if (encryption === undefined) {
        return { result: 'skipped', asked, detail: 'the answer names no encryption' }
      }
      if (encryption === 'AES256') {
        return { result: 'ok', asked, detail: 'SSE-S3, which takes no permission' }
      }
      return { result: 'ok', asked, detail: `SSE-KMS with ${kms_key ?? 'a KMS key'}` }
    },
  }
  return [get, get_version, decrypt]
}

async function firstByte(
  asking: S3Asking,
  signal: AbortSignal,
  version_id?: string,
): Promise<GetObjectCommandOutput> {
  const { object } = asking
  if (object === undefined) throw new Error('no object was chosen')
  const command = new GetObjectCommand({
    ...asking.common,
    Key: object.key,
    // An empty object has no first byte.
    ...(object.size === 0 ? {} : { Range: 'bytes=0-0' }),
    ...(version_id === undefined ? {} : { VersionId: version_id }),
  })
  const action = version_id === undefined ? 's3:GetObject' : 's3:GetObjectVersion'
  const output = await asking.send({ action, key: object.key }, () =>
    asking.client.send(command, { abortSignal: signal }),
  )
  ;(output.Body as { destroy?: () => void } | undefined)?.destroy?.()
  return output
}

async function headFacts(asking: S3Asking, signal: AbortSignal): Promise<Facts | undefined> {
  try {
    const command = new HeadObjectCommand({ ...asking.common, Key: asking.object?.key })
    return factsOf(await asking.client.send(command, { abortSignal: signal }))
  } catch {
    // Denied as the read was, or gone: there is nothing more to learn from it.
    signal.throwIfAborted()
    return undefined
  }
}

const factsOf = (
  output: Pick<GetObjectCommandOutput, 'ServerSideEncryption' | 'SSEKMSKeyId' | 'VersionId'>,
): Facts => ({
  encryption: output.ServerSideEncryption,
  kms_key: output.SSEKMSKeyId,
  version_id: output.VersionId,
})

/** S3 says this, with status 400, of an object that a customer's own key encrypts. */
const isSseC = (error: unknown): boolean =>
  /server.side encryption.*correct parameters|SSECustomer|SSE-C/is.test(saidBy(error))

const sseC = ({ settings }: S3Asking): AccessFinding => ({
  result: 'failed',
  detail: 'SSE-C: a key of the writer’s own encrypts it, which every reader would have to send',
  change: `Write the objects of ${settings.bucket} with SSE-S3 or SSE-KMS; SSE-C cannot be read.`,
})

const archived = (key: string): AccessFinding => ({
  result: 'failed',
  detail: `${key} is archived`,
  change:
    'Restore the objects, or deliver into a storage class that can be read at once, such as STANDARD.',
})
