import type { AccessCheck, AccessStep } from '../src/core/access.ts'
import { Store } from '../src/core/config.ts'
import { type AccessOptions, probeAccess } from '../src/store/access.ts'
import { openAccess } from '../src/store/open-access.ts'

export interface Asked {
  readonly checks: readonly AccessCheck[]
  of(step: AccessStep): AccessCheck
  /** `connect:ok list:failed …` */
  readonly results: string
}

/** Runs all steps on a store given by its settings, as a configuration file would. */
export async function askAll(
  settings: Record<string, unknown>,
  options: Partial<AccessOptions> & {
    readonly deadline_ms?: number
    readonly signal?: AbortSignal
    readonly onStep?: (step: AccessStep) => void
  } = {},
): Promise<Asked> {
  const { deadline_ms = 5_000, signal = new AbortController().signal, onStep, ...rest } = options
  await using access = await openAccess(
    Store.parse(settings),
    { base_dir: '/', resolveSecret: (secret) => String(secret) },
    { prefix: '', write: false, ...rest },
  )
  const io = { deadline_ms, signal, ...(onStep === undefined ? {} : { onStep }) }
  const checks = await Array.fromAsync(probeAccess(access, io))
  return {
    checks,
    of(step) {
      const found = checks.find((each) => each.step === step)
      if (found === undefined) throw new Error(`there is no step ${step}`)
      return found
    },
    results: checks.map(({ step, result }) => `${step}:${result}`).join(' '),
  }
}
