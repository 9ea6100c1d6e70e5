import { z } from 'zod'
import { DestinationSettings } from './destination/destination-settings.ts'
import { Completion, Deduplicate, Duration, Format } from './settings.ts'
import { SyncSettings } from './sync.ts'

/** The configuration file `bucketline.yaml`: one schema feeds types, validation, help and the reference page. */

export const Secret = z
  .union([
    z.string().min(1),
    z.strictObject({ env: z.string().min(1).describe('Name of an environment variable.') }),
    z.strictObject({
      file: z.string().min(1).describe('Path of a file whose trimmed text is the value.'),
    }),
  ])
  .meta({ secret: true })
export type Secret = z.output<typeof Secret>

export const S3Auth = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('access_key'),
      access_key_id: Secret.describe('Access key id.'),
      secret_access_key: Secret.describe('Secret access key.'),
      session_token: Secret.optional().describe('Token of temporary credentials.'),
    }),
    z.strictObject({
      type: z.literal('assume_role'),
      role_arn: z.string().min(1).describe('ARN of the role to assume.'),
      external_id: Secret.optional().describe('External id the role’s trust policy asks for.'),
      session_name: z.string().default('bucketline').describe('Name the partner sees in its logs.'),
      sts_endpoint: z
        .url()
        .optional()
        .describe('STS endpoint, where it is not AWS’s regional one.'),
      source: z
        .strictObject({
          access_key_id: Secret,
          secret_access_key: Secret,
          session_token: Secret.optional(),
        })
        .optional()
        .describe('Keys that assume the role; the default chain without them.'),
    }),
    z.strictObject({
      type: z
        .literal('default_chain')
        .describe('Environment, shared files, container or instance role.'),
    }),
  ])
  .describe('How to authenticate.')

export const GcsAuth = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('service_account'),
      key: Secret.describe('The service account’s JSON key: inline, `{ env }` or `{ file }`.'),
    }),
    z.strictObject({ type: z.literal('default').describe('Application default credentials.') }),
  ])
  .describe('How to authenticate.')

const insecure = z
  .boolean()
  .default(false)
  .describe('Permit plain http to a host that is not this machine.')

export const S3Store = z.strictObject({
  type: z.literal('s3'),
  bucket: z.string().min(1).describe('Bucket name.'),
  prefix: z.string().default('').describe('Key prefix put before each feed’s own.'),
  region: z.string().default('us-east-1').describe('Region of the bucket.'),
  endpoint: z.url().optional().describe('URL of an S3-compatible server.'),
  force_path_style: z
    .boolean()
    .default(false)
    .describe('Address the bucket in the path, not in the host name.'),
  requester_pays: z.boolean().default(false).describe('Agree to pay for requests.'),
  sse_kms_key_id: z.string().optional().describe('KMS key for objects written.'),
  allow_insecure: insecure,
  auth: S3Auth.prefault({ type: 'default_chain' }),
})

export const GcsStore = z.strictObject({
  type: z.literal('gcs'),
  bucket: z.string().min(1).describe('Bucket name.'),
  prefix: z.string().default('').describe('Key prefix put before each feed’s own.'),
  project: z
    .string()
    .optional()
    .describe('Project billed for requests, where it is not the bucket’s.'),
  endpoint: z.url().optional().describe('URL of a GCS-compatible server.'),
  requester_pays: z.boolean().default(false).describe('Bill `project` for requests.'),
  allow_insecure: insecure,
  auth: GcsAuth.prefault({ type: 'default' }),
})

export const LocalStore = z.strictObject({
  type: z.literal('local'),
  path: z
    .string()
    .min(1)
    .describe('Folder; relative paths are relative to the configuration file.'),
  prefix: z.string().default('').describe('Key prefix put before each feed’s own.'),
})

export const MemoryStore = z.strictObject({
  type: z.literal('memory').describe('Lives and dies with the process; for tests.'),
  prefix: z.string().default(''),
})

export const Store = z
  .discriminatedUnion('type', [S3Store, GcsStore, LocalStore, MemoryStore])
  .describe('One bucket or folder, and how to authenticate.')
export type StoreSettings = z.output<typeof Store>

export const PRESETS = [
  'hackle-events',
  'metamarkets-rollup',
  'toplyne-events',
  'toplyne-users',
  'toplyne-accounts',
] as const
export type PresetName = (typeof PRESETS)[number]

/** Every setting is optional here; `core/feed.ts` completes them from the preset and says what is missing. */
export const FeedSettings = z.strictObject({
  store: z.string().describe('Name of a store.'),
  prefix: z.string().default('').describe('Key prefix of the feed inside the store.'),
  preset: z
    .enum(PRESETS)
    .optional()
    .describe('Contract, layout, format and completion of a known kind of delivery.'),
  contract: z.string().optional().describe('Path of an ODCS contract (`*.odcs.yaml`).'),
  layout: z
    .string()
    .optional()
    .describe('Template of keys under the prefix, such as `dt={yyyy}-{MM}-{dd}/{file}.parquet`.'),
  format: Format.optional(),
  completion: Completion.optional(),
  publish: z
    .enum(['replace', 'append', 'upsert'])
    .optional()
    .describe('`replace` a partition whole, `append` new objects, `upsert` rows by key.'),
  deduplicate: Deduplicate.optional(),
  columns: z
    .enum(['evolve', 'rescue', 'reject'])
    .optional()
    .describe(
      'Fields that are not declared: become columns, are kept as JSON in `_rescued`, or refuse the row.',
    ),
  start: z
    .string()
    .optional()
    .describe('First partition wanted, such as `2023-01-01`; earlier ones are passed over.'),
  ignore: z.array(z.string()).default([]).describe('Globs of keys under the prefix to pass over.'),
  partition_zone: z
    .string()
    .optional()
    .describe('IANA zone in which partitions are named and cut; default UTC.'),
  look_back: Duration.prefault('7d').describe(
    'A partition is looked at again for this long after it was last published.',
  ),
  recheck: z
    .int()
    .min(0)
    .default(24)
    .describe('Closed partitions looked at again in each run, in turn.'),
  max_rejected_rows: z.int().min(0).optional().describe('More rejected rows refuse the partition.'),
  max_rejected_percent: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe('A greater share of rejected rows refuses the partition; default 1.'),
  max_rejected_rows_per_object: z
    .int()
    .min(0)
    .optional()
    .describe('As `max_rejected_rows`, for each object.'),
  max_rejected_percent_per_object: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe('As `max_rejected_percent`, for each object.'),
  retain_generations: z
    .int()
    .min(1)
    .default(3)
    .describe(
      'Generations of a partition kept for rollback, the served one included; also how many deliveries to one keep the rows they set aside.',
    ),
})
export type FeedSettings = z.output<typeof FeedSettings>

export const Config = z.strictObject({
  data_dir: z
    .string()
    .default('.bucketline')
    .describe('Folder of the embedded ledger, datasets and staging.'),
  memory_limit: z
    .string()
    .regex(/^\d+(\.\d+)?\s*(KB|MB|GB|TB|KiB|MiB|GiB|TiB)$/i, 'a size such as 512MB or 1GB')
    // DuckDB takes tens of megabytes a thread before it reads the first row.
    .refine(
      (size) =>
        !/^0*(\d{1,5}(\.\d+)?\s*Ki?B|(\d{1,2}|1[01]\d|12[0-7])(\.\d+)?\s*Mi?B)$/i.test(size),
      'at least 128MB',
    )
    .default('1GB')
    .describe('Memory for reading and checking data; more is spilled to disk.'),
  threads: z
    .int()
    .min(1)
    .optional()
    .describe('Threads for reading and checking data; default all cores.'),
  ledger: z
    .strictObject({
      url: Secret.describe('postgres:// URL.'),
      lease: Duration.prefault('60s').describe(
        'A loader that is silent for this long has lost its load to the others.',
      ),
    })
    .optional()
    .describe('A PostgreSQL ledger, shared by several loaders; without it PGlite in `data_dir`.'),
  engine: z
    .strictObject({
      type: z.literal('duckdb').describe('DuckDB over the dataset’s Parquet files.'),
    })
    .prefault({ type: 'duckdb' })
    .describe('What serves and queries datasets.'),
  stores: z
    .record(z.string().regex(/^[A-Za-z0-9_-]+$/, 'letters, digits, - and _'), Store)
    .describe('Buckets and folders by name.'),
  feeds: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, 'letters, digits, - and _, no digit first'),
      FeedSettings,
    )
    .default({})
    .describe('What is received, by name; the name is also the dataset’s.'),
  destinations: z
    .record(z.string().regex(/^[A-Za-z0-9_-]+$/, 'letters, digits, - and _'), DestinationSettings)
    .default({})
    .describe('What is sent to, by name: a store, and how objects are named and encoded there.'),
  syncs: z
    .record(z.string().regex(/^[A-Za-z0-9_-]+$/, 'letters, digits, - and _'), SyncSettings)
    .default({})
    .describe('What is sent, by name.'),
})
export type Config = z.output<typeof Config>
