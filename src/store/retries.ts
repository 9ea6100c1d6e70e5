/** Waits before a request is tried again, in milliseconds. */
const FIRST_MS = 100
/** After an answer that asks to slow down. */
const FIRST_THROTTLED_MS = 500
const LONGEST_MS = 20_000

export interface Backoff {
  /** The store said that it is asked too much. */
  readonly throttled?: boolean
  /** What the store itself wants to be waited. */
  readonly asked_ms?: number
}

/**
 * Milliseconds to wait after failure number `failures` (from 1) of one request: doubled each time, and a part
 * of it by chance, so that those that failed together do not come back together.
 */
export function backoffMs(failures: number, { throttled = false, asked_ms = 0 }: Backoff = {}) {
  const longest = Math.min(
    (throttled ? FIRST_THROTTLED_MS : FIRST_MS) * 2 ** (failures - 1),
    LONGEST_MS,
  )
  const wait = longest * (0.5 + Math.random() / 2)
  return Math.max(wait, Math.min(asked_ms, LONGEST_MS))
}
