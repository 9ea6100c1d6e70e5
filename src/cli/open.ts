import type { App, ContractTools } from './app-port.ts'

/** The one place where the commands meet the app. Loaded when called: `--help` starts without it. */

export interface OpenOptions {
  readonly config_file: string
  readonly signal: AbortSignal
}

/** Reads the configuration; what it names is opened when first used. */
export async function openApp(options: OpenOptions): Promise<App> {
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
  const { openContracts: open } = await import('../app.ts')
  return open({ ...options, cwd: process.cwd(), env: process.env, command: 'bucketline contract' })
}
