import type { AccessFinding } from '../core/access.ts'
import { ExchangeError } from '../core/errors.ts'
import {
  type Access,
  type AccessOptions,
  chosen,
  failure,
  listedText,
  PAGE,
  PROBE_TEXT,
  type Probe,
  probeKey,
} from './access.ts'
import { connectProbes } from './access-connect.ts'
import { type GcsSettings, openGcs } from './gcs.ts'
import type { StoreEnvironment } from './open-store.ts'
import { isKeyPrefix, type ObjectInfo } from './store.ts'

/** The runner ends a step at its deadline. */
const DEADLINES = { idle_ms: 60_000, call_ms: 60_000, attempts: 3 }

/** The narrowest predefined role with each permission. */
const ROLES: Readonly<Record<string, string>> = {
  'storage.objects.list': 'roles/storage.objectViewer',
  'storage.objects.get': 'roles/storage.objectViewer',
  'storage.objects.create': 'roles/storage.objectCreator',
  'storage.objects.delete': 'roles/storage.objectUser',
}

/**
 * The steps of a GCS bucket. Throws `insecure_endpoint`, `secret_missing`, and `credentials_invalid` for a key that
 * is none.
 */
export async function gcsAccess(
  settings: GcsSettings,
  env: StoreEnvironment,
  options: AccessOptions,
): Promise<Access> {
  const { bucket, endpoint } = settings
  const { prefix } = options
  const url = new URL(endpoint ?? 'https://storage.googleapis.com')
  const store = await openGcs(settings, env, DEADLINES)
  const place = (key: string) => `gs://${bucket}/${key}`
  const key = probeKey(prefix)
  let answer: { objects: ObjectInfo[]; more: boolean } | { error: unknown } | undefined
  let object: ObjectInfo | undefined
  let locked: AccessFinding | undefined
  let written = false

  /** One request shows whether account, bucket and listing are right: these steps read its answer. */
  async function ask(signal: AbortSignal) {
    if (answer !== undefined) return answer
    const objects: ObjectInfo[] = []
    try {
      for await (const entry of store.list(prefix, { signal })) {
        if (objects.length === PAGE) {
          answer = { objects, more: true }
          return answer
        }
        if (!isKeyPrefix(entry)) objects.push(entry)
      }
      answer = { objects, more: false }
    } catch (error) {
      signal.throwIfAborted()
      answer = { error }
    }
    return answer
  }

  const refused = (error: unknown, permission: string): AccessFinding => {
    const said = saidBy(error)
    if (/requester pays/i.test(said)) return payer(bucket)
    if (!(error instanceof ExchangeError) || error.code !== 'access_denied') return failure(error)
    return {
      result: 'failed',
      detail: `${permission} is denied`,
      permission,
      resource: `gs://${bucket}`,
      change: grantRole(bucket, permission, said),
    }
  }

  const authentication: Probe = {
    step: 'authentication',
    asked: `objects.list ${place(prefix)}, with a token`,
    after: ['connect', 'tls'],
    late: {
      detail:
        settings.auth.type === 'default' && endpoint !== undefined
          ? `no answer from ${url.host}`
          : `no token, or no answer from ${url.host} to it,`,
      change: 'Check `endpoint`, and that nothing holds back what Google’s token service answers.',
    },
    async run(signal) {
      const outcome = await ask(signal)
      const who =
        settings.auth.type === 'service_account'
          ? 'the service account’s key'
          : endpoint === undefined
            ? 'application default credentials'
            : 'asked without credentials, as emulators want it'
      if (!('error' in outcome)) return { result: 'ok', detail: who }
      const code = outcome.error instanceof ExchangeError ? outcome.error.code : ''
      const answered = ['access_denied', 'bucket_not_found', 'store_refused'].includes(code)
      return answered ? { result: 'ok', detail: who } : failure(outcome.error)
    },
  }
  const bucket_step: Probe = {
    step: 'bucket',
    asked: place(''),
    after: ['authentication'],
    async run(signal) {
      const outcome = await ask(signal)
      const absent =
        'error' in outcome &&
        outcome.error instanceof ExchangeError &&
        outcome.error.code === 'bucket_not_found'
      if (!absent) return { result: 'ok', detail: bucket }
      return {
        result: 'failed',
        detail: `there is no bucket ${bucket}`,
        change: `Correct \`bucket\` of the store, or create the bucket ${bucket}.`,
      }
    },
  }
  const list: Probe = {
    step: 'list',
    asked: `objects.list ${place(prefix)}`,
    after: ['authentication', 'bucket'],
    async run(signal) {
      const outcome = await ask(signal)
      if ('error' in outcome) return refused(outcome.error, 'storage.objects.list')
      const { objects, more } = outcome
      object = chosen(objects, options.prefers)
      return { result: 'ok', detail: listedText(objects.length, more, place(prefix)) }
    },
  }
  const reading = (step: 'get' | 'get_version', after: Probe['after']): Probe => ({
    step,
    asked: `objects.get ${place(prefix)}`,
    after: ['authentication', 'bucket', 'list', ...(after ?? [])],
    async run(signal) {
      if (object === undefined) return { result: 'skipped', detail: 'there is no object to read' }
      const generation = step === 'get_version' ? object.version : undefined
      const asked = `objects.get ${place(object.key)}${generation === undefined ? '' : `#${generation}`}`
      if (locked !== undefined) {
        return { result: 'skipped', asked, detail: 'cannot be told while decryption fails' }
      }
      try {
        const body = await store.read(object.key, {
          signal,
          range: { start: 0, end: 0 },
          ...(generation === undefined ? {} : { if_match: generation }),
        })
        await body.cancel()
        return { result: 'ok', asked, detail: generation ?? object.key }
      } catch (error) {
        signal.throwIfAborted()
        locked = lockedBy(error, bucket)
        if (locked === undefined) return { ...refused(error, 'storage.objects.get'), asked }
        return { result: 'ok', asked, detail: `${object.key} answers, but encrypted` }
      }
    },
  })
  const decrypt: Probe = {
    step: 'decrypt',
    asked: `objects.get ${place(prefix)}`,
    after: ['authentication', 'bucket', 'list', 'get'],
    async run() {
      if (object === undefined) return { result: 'skipped', detail: 'there is no object to read' }
      return locked ?? { result: 'ok', detail: 'the service decrypts; readers need no permission' }
    },
  }
  const put: Probe = {
    step: 'put',
    asked: `objects.insert ${place(key)}`,
    after: ['authentication', 'bucket'],
    async run(signal) {
      try {
        written = true
        await store.write(key, new TextEncoder().encode(PROBE_TEXT), { signal, if_absent: true })
        return { result: 'ok', detail: key }
      } catch (error) {
        signal.throwIfAborted()
        written = error instanceof ExchangeError && error.code === 'store_unavailable'
        return refused(error, 'storage.objects.create')
      }
    },
  }
  const remove: Probe = {
    step: 'delete',
    asked: `objects.delete ${place(key)}`,
    after: ['authentication', 'bucket'],
    late: {
      detail: 'no answer to the deletion of the probe object',
      change: `Look whether ${place(key)} stays, and delete it by hand.`,
    },
    async run(signal) {
      if (!written) return { result: 'skipped', detail: 'nothing was written' }
      try {
        await store.delete([key], { signal })
        written = false
        return { result: 'ok', detail: 'the probe object is gone again' }
      } catch (error) {
        signal.throwIfAborted()
        const { change = '', ...finding } = refused(error, 'storage.objects.delete')
        const detail = `${finding.detail}: the probe object stays`
        return { ...finding, detail, change: `Delete ${place(key)} by hand. ${change}` }
      }
    },
  }
  return {
    url: place(prefix),
    probes: [
      ...connectProbes(url, '`endpoint`'),
      authentication,
      bucket_step,
      list,
      reading('get', []),
      reading('get_version', ['get']),
      decrypt,
      ...(options.write ? [put, remove] : []),
    ],
    listed: () => (answer === undefined || 'error' in answer ? undefined : answer),
    async tidy(signal) {
      if (!written) return undefined
      try {
        await store.delete([key], { signal })
        return undefined
      } catch {
        // The step `delete` has said why, or nobody waits for it any more.
        return place(key)
      }
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
    },
  }
}

const saidBy = (error: unknown): string => {
  const cause = error instanceof ExchangeError ? (error.cause ?? error) : error
  return cause instanceof Error ? cause.message : String(cause)
}

/** The service names who asked: `loader@project.iam.gserviceaccount.com does not have …`. */
function grantRole(bucket: string, permission: string, said: string): string {
  const email = /([\w.+-]+@[\w.-]+) does not have/.exec(said)?.[1]
  const member =
    email === undefined
      ? 'the account'
      : email.endsWith('.gserviceaccount.com')
        ? `serviceAccount:${email}`
        : `user:${email}`
  return `Grant ${ROLES[permission] ?? permission} on gs://${bucket} to ${member}: it holds ${permission}.`
}

const payer = (bucket: string): AccessFinding => ({
  result: 'failed',
  detail: `${bucket} is a requester-pays bucket`,
  change: `Switch Requester Pays off on gs://${bucket}; or agree to be billed with \`requester_pays: true\` and \`project\` on the store.`,
})

/** What keeps the bytes closed where the object itself is let through. */
function lockedBy(error: unknown, bucket: string): AccessFinding | undefined {
  const said = saidBy(error)
  if (/customer-supplied encryption key/i.test(said)) {
    return {
      result: 'failed',
      detail: 'a key that the writer supplied encrypts it, which every reader would have to send',
      change: `Write the objects of gs://${bucket} with Google’s own or a Cloud KMS key instead.`,
    }
  }
  if (!/cloudkms|cloud kms|kms key/i.test(said)) return undefined
  return {
    result: 'failed',
    detail: 'the bucket’s Cloud KMS key cannot be used',
    permission: 'cloudkms.cryptoKeyVersions.useToDecrypt',
    resource: `gs://${bucket}`,
    change:
      'Grant roles/cloudkms.cryptoKeyEncrypterDecrypter on the key to the Cloud Storage service agent of the bucket’s project, not to the reader.',
  }
}
