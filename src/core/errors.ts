/**
 * Every error a user can cause. One table: `docs/reference/errors.md`, the exit code and the
 * retry decision are derived from it.
 */
export interface ErrorEntry {
  /** What happened, in general; one sentence for the reference page. */
  readonly summary: string
  /** What to do next, when the place that throws has nothing more precise to say. */
  readonly hint: string
  /** True where the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean
  /** 1: something failed or was refused; 2: wrong usage or configuration. */
  readonly exit: 1 | 2
}

export const ERRORS = {
  usage: {
    summary: 'The command line could not be understood.',
    hint: 'Run the command with --help.',
    retryable: false,
    exit: 2,
  },
  config_invalid: {
    summary: 'The configuration file does not fit its schema.',
    hint: 'See docs/reference/config.md for every setting.',
    retryable: false,
    exit: 2,
  },
  config_not_found: {
    summary: 'There is no configuration file where one was looked for.',
    hint: 'Run `bucketline init` to write one, or name it with --config FILE.',
    retryable: false,
    exit: 2,
  },
  secret_missing: {
    summary: 'A secret reference points to nothing.',
    hint: 'Set the environment variable or create the file that the configuration names.',
    retryable: false,
    exit: 2,
  },
  insecure_endpoint: {
    summary: 'A plain http endpoint was given for a host that is not this machine.',
    hint: 'Use https, or set `allow_insecure: true` on the store if the network is trusted.',
    retryable: false,
    exit: 2,
  },
  contract_invalid: {
    summary: 'A contract is not a valid ODCS document, or asks for something contradictory.',
    hint: 'Run `bucketline contract lint FILE`.',
    retryable: false,
    exit: 2,
  },
  layout_invalid: {
    summary: 'A layout template cannot be parsed or names a partition ambiguously.',
    hint: 'See the layout section of docs/reference/config.md.',
    retryable: false,
    exit: 2,
  },
  feed_not_found: {
    summary: 'The configuration has no feed of that name.',
    hint: 'The names are the keys under `feeds:` in bucketline.yaml.',
    retryable: false,
    exit: 2,
  },
  data_dir_locked: {
    summary: 'Another process holds the data directory.',
    hint: 'Wait for it, stop it, or use a PostgreSQL ledger to share the work.',
    retryable: true,
    exit: 1,
  },
  internal: {
    summary: 'A defect in Bucketline itself.',
    hint: 'Please report it with the message and the command that led to it.',
    retryable: false,
    exit: 1,
  },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof ERRORS

export interface ExchangeErrorOptions {
  readonly hint?: string
  readonly cause?: unknown
  /** Overrides the table where one code covers both passing and lasting faults. */
  readonly retryable?: boolean
  /** Facts for programs: shown with --json, never secrets. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** The one error class for what a user or the outside world can cause; broken invariants stay bare `Error`. */
export class ExchangeError extends Error {
  readonly code: ErrorCode
  readonly hint: string
  readonly retryable: boolean
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: ExchangeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ExchangeError'
    this.code = code
    this.hint = options.hint ?? ERRORS[code].hint
    this.retryable = options.retryable ?? ERRORS[code].retryable
    this.details = options.details ?? {}
  }
}
