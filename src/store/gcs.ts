import { type Bucket, type FileMetadata, Storage } from '@google-cloud/storage'
import { JWT } from 'google-auth-library'
import type { z } from 'zod'
import type { GcsStore } from '../core/config.ts'
import { ExchangeError } from '../core/errors.ts'
import { checkEndpoint } from './credentials.ts'
import { type GcsCall, gcsError } from './gcs-errors.ts'
import { type GcsHttp, openGcsHttp, timedOut, withRetries } from './gcs-http.ts'
import { readGcs } from './gcs-read.ts'
import { CHUNK_UNIT, WRITE_ID, writeGcs } from './gcs-write.ts'
import { inKeyOrder, listByPages, type PageOptions } from './grouping.ts'
import { checkKey } from './keys.ts'
import type { StoreEnvironment } from './open-store.ts'
import {
  type IoOptions,
  type ListEntry,
  NO_UPLOADS,
  type ObjectInfo,
  type ObjectStore,
  type StoreFeatures,
} from './store.ts'

export type GcsSettings = z.output<typeof GcsStore>

const FEATURES: StoreFeatures = {
  conditional_write: true,
  conditional_read: true,
  atomic_objects: true,
  versions: false,
  abort: true,
  // A resumable upload that is cut off cannot be listed, and expires after a week.
  // https://cloud.google.com/storage/docs/resumable-uploads#session-uris
  keeps_uploads: false,
  min_part_bytes: CHUNK_UNIT,
  metadata: true,
  keys: 'free',
}

const PAGE = 1_000
const DELETES_IN_FLIGHT = 16
const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write'

/** How long to wait, in milliseconds, and how often to try. */
export interface GcsDeadlines {
  /** For one answer, and between two pieces of a body. */
  readonly idle_ms: number
  /** For any other request than one with a large body, its repetitions included. */
  readonly call_ms: number
  readonly attempts: number
}

const GCS_DEADLINES: GcsDeadlines = { idle_ms: 60_000, call_ms: 180_000, attempts: 6 }

type Call = Omit<GcsCall, 'bucket'>

export interface BoundedOptions extends IoOptions {
  /** For one attempt in milliseconds, where it is not `idle_ms`: a body that is sent takes its time. */
  readonly attempt_ms?: number
}

/** One bucket with its client; what the parts of this store share. */
export interface GcsBucket {
  readonly handle: Bucket
  readonly http: GcsHttp
  /** URL of an object in the JSON API, billed as the settings say. */
  objectUrl(key: string): string
  /** Headers that say who asks; none for an emulator. */
  authorize(url: string): Promise<Record<string, string>>
  readonly deadlines: GcsDeadlines
  coded(error: unknown, call: Call): unknown
  /** The live object's metadata in an array of one, empty where there is none. */
  metadata(key: string, io?: IoOptions): Promise<[FileMetadata] | []>
  infoOf(key: string, metadata: FileMetadata): ObjectInfo
  /**
   * A request by the vendor's client, which takes no signal and knows no deadline: either ends the wait, if not
   * the request. It is tried again where that can help. Without credentials the client would ask as nobody, so
   * they are asked for first.
   */
  bounded<T>(request: () => Promise<T>, io: BoundedOptions): Promise<T>
}

/**
 * Opens a bucket on Google Cloud Storage. A version is the object's generation; on a bucket that keeps old
 * versions, `if_match` still reads the generation asked for after the object was replaced. A custom endpoint
 * without a service account is asked without credentials, as emulators want it. An abort that comes while the
 * last request of a write is on its way may find the object written whole.
 * Throws `insecure_endpoint`, `secret_missing`, `credentials_invalid`; does not call the bucket.
 */
export async function openGcs(
  settings: GcsSettings,
  env: StoreEnvironment,
  deadlines: GcsDeadlines = GCS_DEADLINES,
): Promise<ObjectStore> {
  const bucket = bucketOf(settings, env, deadlines)
  const url = `gs://${settings.bucket}/`
  return {
    features: FEATURES,
    url,
    async head(key, io = {}) {
      io.signal?.throwIfAborted()
      checkKey(key)
      const [metadata] = await bucket.metadata(key, io)
      return metadata === undefined ? undefined : bucket.infoOf(key, metadata)
    },
    async read(key, io = {}) {
      io.signal?.throwIfAborted()
      checkKey(key)
      return readGcs(bucket, key, io)
    },
    async write(key, body, io = {}) {
      io.signal?.throwIfAborted()
      checkKey(key)
      return writeGcs(bucket, key, body, io)
    },
    list(prefix, io = {}) {
      const listing = { pages: pages.bind(undefined, bucket), place: url }
      return listByPages(listing, prefix, io)
    },
    delete: (keys, io = {}) => remove(bucket, keys, io),
    ...NO_UPLOADS,
    async [Symbol.asyncDispose]() {
      bucket.http.close()
    },
  }
}

function bucketOf(
  settings: GcsSettings,
  env: StoreEnvironment,
  deadlines: GcsDeadlines,
): GcsBucket {
  const { endpoint, project, auth } = settings
  const { idle_ms, call_ms, attempts } = deadlines
  if (endpoint !== undefined) checkEndpoint(endpoint, '`endpoint`', settings.allow_insecure)
  const storage = new Storage({
    // The client keeps the switch for its repetitions where all requests share it, turns it off for one kind of
    // them, and does not try again where no connection can be made: it tries once, and `bounded` does the rest.
    retryOptions: { autoRetry: false, maxRetries: 0 },
    ...(endpoint === undefined ? {} : { apiEndpoint: endpoint.replace(/\/+$/, '') }),
    ...(project === undefined ? {} : { projectId: project }),
    ...(auth.type === 'service_account'
      ? {
          authClient: serviceAccount(env.resolveSecret(auth.key)),
          useAuthWithCustomEndpoint: true,
        }
      : {}),
  })
  const user_project = settings.requester_pays ? project : undefined
  const handle = storage.bucket(
    settings.bucket,
    user_project === undefined ? {} : { userProject: user_project },
  )
  const without_credentials = endpoint !== undefined && auth.type === 'default'
  const objectUrl = (key: string) => {
    const path = `/storage/v1/b/${encodeURIComponent(settings.bucket)}/o/${encodeURIComponent(key)}`
    const query =
      user_project === undefined ? '' : `?userProject=${encodeURIComponent(user_project)}`
    return storage.apiEndpoint + path + query
  }
  const authorize = async (url: string) =>
    without_credentials ? {} : Object.fromEntries(await storage.authClient.getRequestHeaders(url))
  const coded = (error: unknown, call: Call) =>
    gcsError(error, { ...call, bucket: settings.bucket })

  async function bounded<T>(request: () => Promise<T>, io: BoundedOptions): Promise<T> {
    const { signal, attempt_ms = idle_ms } = io
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(timedOut(call_ms)), call_ms)
    const stop = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal])
    try {
      // Writes are recognised by their id and deletes take absence for success, so all may be tried again.
      return await withRetries(attempts, stop, () =>
        untilAborted(
          authorize(storage.apiEndpoint).then(request),
          AbortSignal.any([stop, AbortSignal.timeout(attempt_ms)]),
        ),
      )
    } finally {
      clearTimeout(timer)
    }
  }

  async function metadata(key: string, io: IoOptions = {}): Promise<[FileMetadata] | []> {
    try {
      const [found] = await bounded(() => handle.file(key).getMetadata(), io)
      return [found]
    } catch (error) {
      io.signal?.throwIfAborted()
      const fault = coded(error, { permission: 'storage.objects.get', key })
      if (fault instanceof ExchangeError && fault.code === 'object_not_found') return []
      throw fault
    }
  }

  return {
    handle,
    http: openGcsHttp(idle_ms),
    objectUrl,
    authorize,
    deadlines,
    coded,
    metadata,
    infoOf,
    bounded,
  }
}

/** Ends the wait for work that cannot be ended itself. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
    work.catch(() => {})
  }
}

/** Parses a key file's text; its content is never part of a message. */
function serviceAccount(text: string): JWT {
  try {
    const { client_email, private_key } = JSON.parse(text) as Record<string, unknown>
    if (typeof client_email === 'string' && typeof private_key === 'string') {
      return new JWT({ email: client_email, key: private_key, scopes: [SCOPE] })
    }
  } catch {
    // Not JSON; the parser's own message would quote the text, which is a secret.
  }
  throw new ExchangeError(
    'credentials_invalid',
    'The value of `auth.key` is not a service account key.',
    {
      hint: 'Give the JSON key file of a service account, with client_email and private_key.',
    },
  )
}

function infoOf(key: string, metadata: FileMetadata): ObjectInfo {
  const { [WRITE_ID]: _, ...own } = metadata.metadata ?? {}
  const entries = Object.entries(own).map(([name, value]) => [name, String(value ?? '')])
  return {
    key,
    size: Number(metadata.size ?? 0),
    version: String(metadata.generation ?? ''),
    modified_at: new Date(metadata.timeCreated ?? metadata.updated ?? 0),
    ...(metadata.contentType === undefined ? {} : { content_type: metadata.contentType }),
    ...(entries.length === 0 ? {} : { metadata: Object.fromEntries(entries) }),
  }
}

interface Page {
  readonly items?: readonly FileMetadata[]
  readonly prefixes?: readonly string[]
  readonly nextPageToken?: string
}

async function* pages(
  bucket: GcsBucket,
  prefix: string,
  io: PageOptions,
): AsyncGenerator<ListEntry> {
  const { start_after, delimiter } = io
  let token: string | undefined
  do {
    io.signal?.throwIfAborted()
    let page: Page
    try {
      const query = {
        autoPaginate: false,
        prefix,
        maxResults: io.max_keys ?? PAGE,
        ...(delimiter === undefined ? {} : { delimiter }),
        // `startOffset` includes its own key: one more character makes it start after.
        ...(start_after === undefined ? {} : { startOffset: `${start_after}\u0001` }),
        ...(token === undefined ? {} : { pageToken: token }),
      }
      page = ((await bucket.bounded(() => bucket.handle.getFiles(query), io))[2] ?? {}) as Page
    } catch (error) {
      io.signal?.throwIfAborted()
      throw bucket.coded(error, { permission: 'storage.objects.list' })
    }
    const objects = (page.items ?? []).map((item) => bucket.infoOf(item.name ?? '', item))
    const groups = (page.prefixes ?? []).map((group) => ({ prefix: group }))
    for (const entry of inKeyOrder(objects, groups)) {
      io.signal?.throwIfAborted()
      yield entry
    }
    token = page.nextPageToken
  } while (token !== undefined && token !== '')
}

async function remove(bucket: GcsBucket, keys: readonly string[], io: IoOptions): Promise<void> {
  for (const key of keys) checkKey(key)
  let next = 0
  const lane = async () => {
    while (next < keys.length) {
      io.signal?.throwIfAborted()
      const key = keys[next] as string
      next += 1
      try {
        await bucket.bounded(() => bucket.handle.file(key).delete(), io)
      } catch (error) {
        io.signal?.throwIfAborted()
        const fault = bucket.coded(error, { permission: 'storage.objects.delete', key })
        if (!(fault instanceof ExchangeError && fault.code === 'object_not_found')) throw fault
      }
    }
  }
  await Promise.all(Array.from({ length: DELETES_IN_FLIGHT }, lane))
}
