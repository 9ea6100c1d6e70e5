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
  config_exists: {
    summary: 'A configuration file would be overwritten.',
    hint: 'Use --force to overwrite it, or --config FILE for another name.',
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
  codec_unsupported: {
    summary: 'A destination is to write with a codec that Bucketline does not have.',
    hint: 'Choose another codec; the message and docs/reference/config.md name them.',
    retryable: false,
    exit: 2,
  },
  path_not_unique: {
    summary: 'The names of a destination’s objects cannot be told apart.',
    hint: 'Put {part_number} or {timestamp} into the file name pattern.',
    retryable: false,
    exit: 2,
  },
  catalog_invalid: {
    summary: 'A configured catalog cannot be used.',
    hint: 'Correct the catalog that is handed to the command with --catalog.',
    retryable: false,
    exit: 2,
  },
  contract_not_found: {
    summary: 'There is no contract of that name: no file, no preset and no feed.',
    hint: 'Name a contract file, a preset, or a feed of the configuration.',
    retryable: false,
    exit: 2,
  },
  contract_invalid: {
    summary: 'A contract is not a valid ODCS document, or asks for something contradictory.',
    hint: 'Run `bucketline contract lint FILE`.',
    retryable: false,
    exit: 2,
  },
  sample_impossible: {
    summary: 'No valid rows can be made up for a contract.',
    hint: 'Give the column `examples` in the contract, ask for fewer rows, or write the file by hand.',
    retryable: false,
    exit: 2,
  },
  import_failed: {
    summary: 'A contract cannot be drafted from the sample files.',
    hint: 'Give readable Parquet, JSON lines or CSV files with at least one column.',
    retryable: false,
    exit: 2,
  },
  layout_invalid: {
    summary: 'A layout template cannot be parsed or names a partition ambiguously.',
    hint: 'See the layout section of docs/reference/config.md.',
    retryable: false,
    exit: 2,
  },
  partition_invalid: {
    summary: 'A partition was named that cannot exist.',
    hint: 'Write 2023-01-01, 2015-10-17T09, 2015-10-17T09:15, 2015-10 or 2015.',
    retryable: false,
    exit: 2,
  },
  zone_invalid: {
    summary: 'A time zone was named that is not known.',
    hint: 'Use a name of the IANA time zone database, such as UTC or Asia/Seoul.',
    retryable: false,
    exit: 2,
  },
  feed_not_found: {
    summary: 'The configuration has no feed of that name.',
    hint: 'The names are the keys under `feeds:` in bucketline.yaml.',
    retryable: false,
    exit: 2,
  },
  target_not_found: {
    summary: 'The configuration has neither a store nor a feed of that name.',
    hint: 'The names are the keys under `stores:` and `feeds:` in bucketline.yaml.',
    retryable: false,
    exit: 2,
  },
  policy_not_found: {
    summary: 'The file that is to hold a policy cannot be read.',
    hint: 'Name a file with --lint, or - for standard input.',
    retryable: false,
    exit: 2,
  },
  object_not_found: {
    summary: 'The store has no object under a key.',
    hint: 'List the store to see what it holds; the object may have been removed since it was listed.',
    retryable: false,
    exit: 1,
  },
  object_changed: {
    summary: 'An object was replaced while it was being read, or since it was listed.',
    hint: 'Run again: the next run takes the new version.',
    retryable: true,
    exit: 1,
  },
  object_exists: {
    summary: 'A write that must not replace anything found an object under its key.',
    hint: 'Choose another key, or remove the object.',
    retryable: false,
    exit: 1,
  },
  key_invalid: {
    summary: 'The store cannot hold an object under that key.',
    hint: 'Choose another key; a folder takes only keys that are plain relative paths.',
    retryable: false,
    exit: 1,
  },
  access_denied: {
    summary: 'The store refused an action.',
    hint: 'Grant the action that the message names to these credentials.',
    retryable: false,
    exit: 1,
  },
  store_not_found: {
    summary: 'The folder of a local store does not exist.',
    hint: 'Create the folder, or correct `path` of the store.',
    retryable: false,
    exit: 1,
  },
  bucket_not_found: {
    summary: 'The bucket of a store does not exist.',
    hint: 'Correct `bucket` of the store, or its `endpoint`.',
    retryable: false,
    exit: 1,
  },
  wrong_region: {
    summary: 'A bucket lies in another region than the configuration says.',
    hint: 'Correct `region` of the store.',
    retryable: false,
    exit: 1,
  },
  credentials_invalid: {
    summary: 'The store does not accept these credentials.',
    hint: 'Check `auth` of the store: keys mistyped, withdrawn or expired, or this machine’s clock off.',
    retryable: false,
    exit: 1,
  },
  listing_disordered: {
    summary: 'A store listed its objects out of key order, or one of them twice.',
    hint: 'Use a store that lists in key order; an S3 directory bucket does not. What was loaded before is still served.',
    retryable: false,
    exit: 1,
  },
  store_refused: {
    summary: 'A store refused a request for a reason that has no code of its own.',
    hint: 'The message holds the store’s own code and words; its documentation explains them.',
    retryable: false,
    exit: 1,
  },
  store_unavailable: {
    summary: 'A store did not answer, or answered that it cannot serve now.',
    hint: 'Run again later; check the network and `endpoint` of the store.',
    retryable: true,
    exit: 1,
  },
  partition_exists: {
    summary: 'A partition that is to be delivered holds objects already.',
    hint: 'Deliver with --replace to put this delivery in their place.',
    retryable: false,
    exit: 1,
  },
  partition_changed: {
    summary: 'Another wrote to a partition while it was being delivered; it was not closed.',
    hint: 'See that only one delivers a partition at a time, then run again with --replace.',
    retryable: false,
    exit: 1,
  },
  partition_unknown: {
    summary: 'Nothing says which partition rows to deliver are of.',
    hint: 'Name the partition with --partition, or let the contract require its time column.',
    retryable: false,
    exit: 2,
  },
  not_writable: {
    summary: 'The format of a delivery has no way to write a value.',
    hint: 'Choose another --format, or change the records.',
    retryable: false,
    exit: 1,
  },
  data_dir_locked: {
    summary: 'Another process holds the data directory.',
    hint: 'Wait for it, stop it, or use a PostgreSQL ledger to share the work.',
    retryable: true,
    exit: 1,
  },
  data_dir_unwritable: {
    summary: 'The data directory cannot be written to, or its disk is full.',
    hint: 'Free space, or make the folder writable for this user, or set `data_dir` to another one.',
    retryable: false,
    exit: 1,
  },
  ledger_damaged: {
    summary:
      'The embedded ledger is there but cannot be opened: files of it are missing or broken.',
    hint: 'Put the folder back from a backup. Only if there is none, remove `ledger` in the data directory: everything is then loaded again.',
    retryable: false,
    exit: 1,
  },
  dataset_damaged: {
    summary: 'A dataset file that the ledger names is missing or cannot be read.',
    hint: 'Write it again with `bucketline load FEED --partition P --force`; the partition is in the file’s path.',
    retryable: false,
    exit: 1,
  },
  ledger_unavailable: {
    summary: 'The ledger could not be reached, or the connection to it broke.',
    hint: 'Check that its server runs and can be reached from here, then run the command again.',
    retryable: true,
    exit: 1,
  },
  ledger_refused: {
    summary: 'The ledger’s server refused the connection or the permission the ledger needs.',
    hint: 'Check the user, password and database of `ledger.url`; the user must be able to create a schema.',
    retryable: false,
    exit: 1,
  },
  ledger_newer: {
    summary: 'The ledger was written by a newer version of Bucketline.',
    hint: 'Use that version or a later one; a ledger never goes back.',
    retryable: false,
    exit: 1,
  },
  lease_lost: {
    summary: 'Another loader took over the partition while this load was running.',
    hint: 'Nothing was published by this load. Run the command again to see what is left to do.',
    retryable: true,
    exit: 1,
  },
  partition_loading: {
    summary: 'The partition is being loaded at this moment.',
    hint: 'Wait until the load has ended, then run the command again.',
    retryable: true,
    exit: 1,
  },
  generation_unavailable: {
    summary: 'The generation asked for was never published, or its files have been swept.',
    hint: '`bucketline status` shows which generation is served; `retain_generations` how many are kept.',
    retryable: false,
    exit: 1,
  },
  query_invalid: {
    summary: 'A query is not one SELECT that DuckDB can run over the datasets.',
    hint: 'Datasets are tables named as their feeds; `bucketline status` lists the feeds.',
    retryable: false,
    exit: 2,
  },
  disk_full: {
    summary: 'There is no room left on the disk that holds the data directory.',
    hint: 'Free some space; what was served so far is still served.',
    retryable: true,
    exit: 1,
  },
  interrupted: {
    summary: 'A load was ended by a signal or a kill before it published anything.',
    hint: 'Run it again: nothing was lost and nothing was published twice.',
    retryable: true,
    exit: 1,
  },
  out_of_memory: {
    summary: 'A step needs more memory than `memory_limit` grants, even with spilling to disk.',
    hint: 'Raise memory_limit, or lower threads.',
    retryable: false,
    exit: 1,
  },
  schema_unsupported: {
    summary: 'A stream’s JSON schema cannot be expressed in the output format.',
    hint: 'Correct the field’s type at the source, or write CSV or JSON lines, which take any schema.',
    retryable: false,
    exit: 1,
  },
  record_invalid: {
    summary: 'A record that came in cannot be read as one of its stream.',
    hint: 'Look at what the source writes: a record is a RECORD message whose data is a JSON object.',
    retryable: false,
    exit: 1,
  },
  stream_unknown: {
    summary: 'A source sent a record or a state of a stream that the catalog does not have.',
    hint: 'Add the stream to the catalog, or take it out at the source.',
    retryable: false,
    exit: 1,
  },
  streams_incomplete: {
    summary: 'The input of a sync or a delivery ended before some of its streams did.',
    hint: 'Run the sync again: what states cover is in the bucket, and the source goes on after it.',
    retryable: true,
    exit: 1,
  },
  sync_not_found: {
    summary: 'The configuration has no sync of that name.',
    hint: 'The names are the keys under `syncs:` in bucketline.yaml.',
    retryable: false,
    exit: 2,
  },
  destination_not_found: {
    summary: 'The configuration has no destination of that name.',
    hint: 'The names are the keys under `destinations:` in bucketline.yaml.',
    retryable: false,
    exit: 2,
  },
  source_failed: {
    summary: 'The source of a sync or a delivery could not be run, or said that it failed.',
    hint: 'Look at what the source wrote; then run the command again: a sync goes on from its last state, a delivery reads all of it.',
    retryable: true,
    exit: 1,
  },
  stream_not_mergeable: {
    summary: 'A stream is to be merged by key with objects that were written without one.',
    hint: 'Sync the stream once as Full Refresh - Overwrite, or into another path.',
    retryable: false,
    exit: 1,
  },
  attempt_taken_over: {
    summary: 'A sync was taken for dead and ended by another process.',
    hint: 'Run it again, and not two of the same at a time.',
    retryable: true,
    exit: 1,
  },
  bad_value: {
    summary: 'A value fits no type of its field, and `on_bad_value` is `fail`.',
    hint: 'Correct the value or the schema at the source, or set `on_bad_value: null` to go on without such values.',
    retryable: false,
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
