import type { AccessCheck, AccessFinding, AccessStep } from '../core/access.ts'
import { ExchangeError } from '../core/errors.ts'
import type { ObjectInfo } from './store.ts'

/** One question to a store. */
export interface Probe {
  readonly step: AccessStep
  /** Call and resource, such as `GetObject s3://bucket/key`. */
  readonly asked: string
  /** Without the success of these its answer would say nothing; default none. */
  readonly after?: readonly AccessStep[]
  /** Asked after it failed: whether the steps after it have lost their ground; default true. */
  readonly blocks?: () => boolean
  /** See `AccessCheck`; default true. */
  readonly needed?: boolean
  /** What is said where the deadline passes: what did not come, and what to change. */
  readonly late?: { readonly detail: string; readonly change: string }
  /** Errors it throws become a failure. Ends soon after the signal is aborted. */
  run(signal: AbortSignal): Promise<AccessFinding>
}

/** What a store has to say about how it is reached: each kind of store tells its steps as data. */
export interface Access extends AsyncDisposable {
  /** What is checked, as a person would name it: `s3://bucket/prefix`. */
  readonly url: string
  /** In the order in which they are asked. */
  readonly probes: readonly Probe[]
  /** After `list`: the first page of objects under the prefix, and whether there are more. */
  listed(): { readonly objects: readonly ObjectInfo[]; readonly more: boolean } | undefined
  /**
   * Deletes the probe object if it still lies there, as after an interruption; the key where it could not,
   * undefined where nothing is left.
   */
  tidy(signal: AbortSignal): Promise<string | undefined>
}

export interface AccessOptions {
  /** What every key looked at starts with: a store's prefix, or a feed's. */
  readonly prefix: string
  /** Also writes, and deletes again, one object under the prefix. */
  readonly write: boolean
  /** True for an object that is better read than others; the first one is read where there is none. */
  readonly prefers?: (object: ObjectInfo) => boolean
}

/** Objects looked at: what one request gives. */
export const PAGE = 1_000

/** Time to delete a probe object after an interruption, in milliseconds. */
const TIDY_MS = 5_000

/**
 * Asks one step after the other and gives each finding as it comes. A step whose ground another one's
 * failure took away is skipped and says so. No step outlasts the deadline. When the signal is aborted it
 * throws its reason, the probe object deleted.
 */
export async function* probeAccess(
  access: Access,
  io: {
    readonly deadline_ms: number
    readonly signal: AbortSignal
    /** Called before each step. */
    readonly onStep?: (step: AccessStep) => void
  },
): AsyncGenerator<AccessCheck> {
  /** Steps that gave no ground for others, each with the one whose failure began it. */
  const failed = new Map<AccessStep, AccessStep>()
  try {
    for (const probe of access.probes) {
      io.signal.throwIfAborted()
      io.onStep?.(probe.step)
      const since = performance.now()
      const ground = (probe.after ?? []).map((step) => failed.get(step)).find(Boolean)
      const finding = ground === undefined ? await bounded(probe, io) : notAsked(ground)
      if (ground !== undefined) failed.set(probe.step, ground)
      else if (finding.result === 'failed' && (probe.blocks?.() ?? true)) {
        failed.set(probe.step, probe.step)
      }
      yield {
        step: probe.step,
        needed: probe.needed ?? true,
        asked: probe.asked,
        ...finding,
        seconds: Math.round(performance.now() - since) / 1_000,
      }
    }
  } finally {
    const left = await access.tidy(AbortSignal.timeout(TIDY_MS))
    if (left !== undefined && io.signal.aborted)
      process.emitWarning(`The probe object ${left} could not be deleted.`, { code: 'probe_left' })
  }
}

const notAsked = (ground: AccessStep): AccessFinding => ({
  result: 'skipped',
  detail: `not asked, as ${ground.replaceAll('_', ' ')} failed`,
})

async function bounded(
  probe: Probe,
  io: { readonly deadline_ms: number; readonly signal: AbortSignal },
): Promise<AccessFinding> {
  const deadline = AbortSignal.timeout(io.deadline_ms)
  const signal = AbortSignal.any([io.signal, deadline])
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const end = () => reject(signal.reason)
  signal.addEventListener('abort', end, { once: true })
  const work = probe.run(signal)
  try {
    return await Promise.race([work, ended])
  } catch (error) {
    io.signal.throwIfAborted()
    return deadline.aborted ? late(probe, io.deadline_ms) : failure(error)
  } finally {
    signal.removeEventListener('abort', end)
    // Whatever it still throws is of no interest once the wait is over.
    work.catch(() => {})
  }
}

function late(probe: Probe, deadline_ms: number): AccessFinding {
  const { detail, change } = probe.late ?? {
    detail: 'no answer',
    change: 'Check that the server works and that nothing on the way holds its answers back.',
  }
  return { result: 'failed', detail: `${detail} within ${deadline_ms / 1_000} s`, change }
}

/** An error as a finding: its message says what happened, its hint what to change. */
export function failure(error: unknown): AccessFinding {
  if (error instanceof ExchangeError) {
    return { result: 'failed', detail: uncapitalized(sentence(error.message)), change: error.hint }
  }
  const { message, code } = error as Error & { code?: unknown }
  const said = message === '' ? String(code ?? 'unknown error') : message
  return { result: 'failed', detail: sentence(said) }
}

/** As a detail begins; names such as `ETIMEDOUT` and `A1` stay. */
const uncapitalized = (text: string): string =>
  /^[A-Z][a-z]* /.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text

/** On one line and without its stop, as details are. */
export const sentence = (text: string): string =>
  text.replace(/\s+/g, ' ').trim().replace(/\.$/, '')

/** Whether a step of those needed failed. */
export const accessFailed = (checks: readonly AccessCheck[]): boolean =>
  checks.some(({ result, needed }) => result === 'failed' && needed)

/** What a probe object says to who finds it. */
export const PROBE_TEXT =
  'Written by `bucketline check --write` to see whether it may write here. It can be deleted.\n'

/** A key that no feed takes: hidden names are ignored in every layout. */
export const probeKey = (prefix: string): string =>
  `${prefix}.bucketline-check-${crypto.randomUUID().slice(0, 8)}`

/** The object to read: the first of those preferred, or with content, or at all. */
export function chosen(
  objects: readonly ObjectInfo[],
  prefers: ((object: ObjectInfo) => boolean) | undefined,
): ObjectInfo | undefined {
  const readable = objects.filter(({ key }) => !key.endsWith('/'))
  return (
    (prefers && readable.find((each) => each.size > 0 && prefers(each))) ??
    readable.find(({ size }) => size > 0) ??
    readable[0]
  )
}

/** How much a listing gave, for people. */
export function listedText(objects: number, more: boolean, place: string): string {
  if (objects === 0) return `nothing lies under ${place} yet`
  const count = objects.toLocaleString('en-US')
  return more
    ? `the first ${count} objects under ${place}`
    : `${count} ${objects === 1 ? 'object' : 'objects'} under ${place}`
}
