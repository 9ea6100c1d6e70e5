import type { App, ContractTools } from './app-port.ts'
import type { Terminal } from './terminal.ts'

/** What a command is given: where to write, what was asked for on every command, and the app when it needs it. */
export interface Context {
  readonly terminal: Terminal
  /** Path of `--config`, as typed. */
  readonly config_file: string
  /** Standard output holds one JSON document (or JSON lines) and nothing else. */
  readonly json: boolean
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /**
   * Standard input, from now on; ends with an error when the signal is aborted. A piece's memory is used again once
   * the next one is asked for.
   */
  input(): AsyncIterable<Uint8Array>
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal
  /** Reads the configuration and opens what it names; the caller disposes of it. */
  openApp(): Promise<App>
  /** Contracts by feed, preset or file; opens no ledger and no store. */
  openContracts(): Promise<ContractTools>
}

/** 0: done; 1: something failed or was refused; 2: wrong usage or configuration, mostly thrown as an `ExchangeError`. */
export type ExitCode = 0 | 1 | 2
