import { ExchangeError } from '../core/errors.ts'
import {
  type Access,
  type AccessOptions,
  chosen,
  failure,
  listedText,
  type Probe,
} from './access.ts'
import { connectProbes } from './access-connect.ts'
import { askingOf, codeOf, GROUND } from './access-s3-asking.ts'
import {
  credentialFault,
  identity,
  isUnspoken,
  noCredentials,
  unspoken,
} from './access-s3-credentials.ts'
import { belowDenied, type Listing, listDenied, listPage, paying } from './access-s3-list.ts'
import { endpointOf, nameFinding } from './access-s3-place.ts'
import { readProbes } from './access-s3-read.ts'
import { writeProbes } from './access-s3-write.ts'
import type { StoreEnvironment } from './open-store.ts'
import { type S3Settings, s3Client } from './s3-client.ts'
import { s3Fault } from './s3-errors.ts'

/** The runner ends a step at its deadline; these only keep a client from trying for ever. */
const DEADLINES = { connect_ms: 60_000, idle_ms: 60_000, request_ms: 60_000, attempts: 3 }

/** The steps of an S3 bucket. Throws `insecure_endpoint` and `secret_missing`. */
export async function s3Access(
  settings: S3Settings,
  env: StoreEnvironment,
  options: AccessOptions,
): Promise<Access> {
  const asking = askingOf(settings, s3Client(settings, env, DEADLINES), options)
  const url = await endpointOf(settings, env, DEADLINES)
  let answer: { listing: Listing } | { error: unknown } | undefined
  let corrected: string | undefined

  /** One signed request shows whether keys, region, bucket and listing are right: these steps read its answer. */
  async function ask(signal: AbortSignal): Promise<{ listing: Listing } | { error: unknown }> {
    answer ??= await listPage(asking, signal)
    const right = 'error' in answer ? rightRegion(answer.error) : undefined
    if (right === undefined || right === asking.settings.region) return answer
    // Said as a failure of `region`; the other steps go on in the right one.
    corrected = right
    asking.client.destroy()
    asking.settings = { ...settings, region: right }
    asking.client = s3Client(asking.settings, env, DEADLINES)
    answer = await listPage(asking, signal)
    return answer
  }
  const listing = () => (answer !== undefined && 'listing' in answer ? answer.listing : undefined)

  const name: Probe = {
    step: 'bucket_name',
    asked: settings.bucket,
    async run() {
      return nameFinding(settings, url)
    },
  }
  let known = false
  const unanswered = {
    detail: `no answer from ${url.host} to a signed request`,
    change:
      'Check that `endpoint` is an S3 server, and that nothing on the way holds its answers back.',
  }
  const authentication: Probe = {
    step: 'authentication',
    asked: `ListObjectsV2 ${asking.place(options.prefix)}, signed`,
    after: ['connect', 'tls'],
    get late() {
      return known ? unanswered : noCredentials(settings)
    },
    async run(signal) {
      const who = await identity(asking)
      if (typeof who !== 'string') return who
      asking.who = who
      known = true
      const outcome = await ask(signal)
      if (!('error' in outcome)) return { result: 'ok', detail: who }
      const { error } = outcome
      if (!(error instanceof ExchangeError) || isUnspoken(error)) return unspoken(error, url)
      if (error.code === 'wrong_region') {
        return { result: 'skipped', detail: 'keys are not looked at in the wrong region' }
      }
      const answered = ['access_denied', 'bucket_not_found', 'store_refused'].includes(error.code)
      return answered
        ? { result: 'ok', detail: who }
        : { ...failure(error), ...credentialFault(error) }
    },
  }
  const region: Probe = {
    step: 'region',
    asked: settings.region,
    after: ['authentication'],
    blocks: () => corrected === undefined,
    async run(signal) {
      const outcome = await ask(signal)
      if (corrected !== undefined) {
        return {
          result: 'failed',
          detail: `the bucket is in ${corrected}, not in ${settings.region}; the next steps ask there`,
          change: `Set \`region: ${corrected}\` on the store.`,
        }
      }
      if ('error' in outcome && codeOf(outcome.error) === 'wrong_region')
        return failure(outcome.error)
      const said = listing()?.region
      return { result: 'ok', detail: said ?? `${settings.region} is accepted` }
    },
  }
  const bucket: Probe = {
    step: 'bucket',
    asked: asking.place(),
    after: ['authentication', 'region'],
    async run(signal) {
      const outcome = await ask(signal)
      if (!('error' in outcome)) return { result: 'ok', detail: settings.bucket }
      const code = codeOf(outcome.error)
      if (code === 'bucket_not_found') {
        return {
          result: 'failed',
          detail: `there is no bucket ${settings.bucket} at ${url.host}`,
          change: `Correct \`bucket\` or \`endpoint\` of the store, or create the bucket ${settings.bucket}.`,
        }
      }
      if (code === 'access_denied' && settings.endpoint !== undefined) {
        return {
          result: 'skipped',
          detail: 'some servers hide it from those who may not list',
        }
      }
      return code === 'access_denied'
        ? { result: 'ok', detail: settings.bucket }
        : failure(outcome.error)
    },
  }
  const list_step: Probe = {
    step: 'list',
    asked: `ListObjectsV2 ${asking.place(options.prefix)}`,
    after: GROUND,
    async run(signal) {
      const outcome = await ask(signal)
      if ('error' in outcome) return listDenied(asking, outcome.error, signal)
      const { objects, more, charged } = outcome.listing
      asking.listed = true
      asking.object = chosen(objects, options.prefers)
      return (
        (await belowDenied(asking, signal)) ?? {
          result: 'ok',
          detail: listedText(objects.length, more, asking.place(options.prefix)),
          ...(charged ? { change: paying(settings.bucket) } : {}),
        }
      )
    },
  }
  const writing = options.write ? writeProbes(asking) : undefined
  return {
    url: asking.place(options.prefix),
    probes: [
      name,
      ...connectProbes(url, settings.endpoint === undefined ? '`region`' : '`endpoint`'),
      authentication,
      region,
      bucket,
      list_step,
      ...readProbes(asking),
      ...(writing?.probes ?? []),
    ],
    listed: listing,
    tidy: async (signal) => writing?.tidy(signal),
    async [Symbol.asyncDispose]() {
      asking.client.destroy()
    },
  }
}

/** The region that a refusal names, where it is one for the wrong region. */
function rightRegion(error: unknown): string | undefined {
  if (!(error instanceof ExchangeError) || error.code !== 'wrong_region') return undefined
  return s3Fault(error.cause)?.region
}
