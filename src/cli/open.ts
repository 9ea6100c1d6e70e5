import type { App, ContractTools } from './app-port.ts'

/** The one place where the commands meet the app. Loaded when called: `--help` starts without it. */

export interface OpenOptions {
  readonly config_file: string
  readonly signal: AbortSignal
}

export interface OpenAppOptions extends OpenOptions {
  /** Called when the ledger begins to be opened, with what settles when it is. */
  readonly onOpening?: (opened: Promise<unknown>) => void
}

/** Reads the configuration; what it names is opened when first used. */
export async function openApp(options: OpenAppOptions): Promise<App> {
  const { openApp: open } = await import('../app.ts')
  return open({
    ...options,
    cwd: process.cwd(),
    env: process.env,
    command: `bucketline ${process.argv.slice(2).join(' ')}`,
  })
}

/** Contracts by feed, preset or file. */
export async function openContracts(options: OpenOptions): Promise<ContractTools> {
  const { openContracts: open } = await import('../open-contracts.ts')
  return open({ ...options, cwd: process.cwd(), env: process.env, command: 'bucketline contract' })
}
