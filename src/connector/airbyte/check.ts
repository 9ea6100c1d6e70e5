import { checkDestination } from '../../check-access.ts'
import type { AccessCheck } from '../../core/access.ts'
import { readAirbyteConfig } from '../../core/destination/airbyte-config.ts'
import { checkedPath } from '../../core/destination/uniqueness.ts'
import { ExchangeError } from '../../core/errors.ts'

/** How long a step may take, in milliseconds. */
const DEADLINE_MS = 20_000

/**
 * `check`: whether a sync could write with this configuration. Undefined where it could, what to change
 * where not; never throws for what a user can cause.
 */
export async function check(options: {
  readonly config: unknown
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly signal: AbortSignal
}): Promise<string | undefined> {
  try {
    const { store, destination } = readAirbyteConfig(options.config, options.env)
    checkedPath(destination)
    const checks = await checkDestination(store, destination, {
      env: options.env,
      base_dir: options.cwd,
      deadline_ms: DEADLINE_MS,
      signal: options.signal,
    })
    // A reader can do without it; a sync that failed would leave its unfinished uploads behind.
    const failed = checks.filter(
      ({ result, needed, step }) => result === 'failed' && (needed || step === 'abort'),
    )
    return failed.length === 0 ? undefined : failed.map(said).join(' ')
  } catch (error) {
    if (error instanceof ExchangeError) return `${error.message} ${error.hint ?? ''}`.trim()
    throw error
  }
}

const said = ({ step, asked, detail, change }: AccessCheck): string =>
  `${step.replaceAll('_', ' ')} (${asked}): ${detail ?? 'failed'}.${change === undefined ? '' : ` ${change}`}`
