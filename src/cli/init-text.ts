import type { PresetName } from '../core/config.ts'

/** What `init` says about each preset: the feed's name, what arrives, and an example key. */
const FEEDS: Readonly<
  Record<PresetName, { readonly name: string; readonly what: string; readonly example: string }>
> = {
  'hackle-events': {
    name: 'events',
    what: 'Daily Parquet events, complete when _SUCCESS lies in the day, due at 13:00 in Seoul the day after.',
    example: 'dt=2023-01-01/000000000000.parquet and dt=2023-01-01/_SUCCESS',
  },
  'metamarkets-rollup': {
    name: 'auctions',
    what: 'Hourly rollups as gzip JSON lines, each file loaded as it appears.',
    example: 'y=2015/m=10/d=17/H=09/part-0.gz',
  },
  'toplyne-events': {
    name: 'product_events',
    what: 'Events by day in CSV, JSON lines or Parquet.',
    example: 'timestamp=2023-01-09/events.csv',
  },
  'toplyne-users': {
    name: 'users',
    what: 'User profiles: the greatest UPDATED_AT of each USER_ID is served.',
    example: 'updated_at=2023-01-09/users.csv',
  },
  'toplyne-accounts': {
    name: 'accounts',
    what: 'Account profiles: the greatest UPDATED_AT of each ACCOUNT_ID is served.',
    example: 'updated_at=2023-01-09/accounts.csv',
  },
}

const STORES = {
  local: {
    name: 'inbox',
    lines: ['type: local', 'path: ./inbox                 # relative to this file'],
    todo: [],
  },
  s3: {
    name: 'partner',
    lines: [
      'type: s3',
      'bucket: your-bucket',
      'region: us-east-1',
      '# endpoint: http://127.0.0.1:9000      # an S3-compatible server, with',
      '# force_path_style: true',
      '# Secrets are references to the environment or to files; or write `auth: { type: default_chain }`.',
      'auth:',
      '  type: access_key              # access_key | assume_role | default_chain',
      '  access_key_id: { env: AWS_ACCESS_KEY_ID }',
      '  secret_access_key: { env: AWS_SECRET_ACCESS_KEY }',
    ],
    todo: [
      'put your bucket’s name and region into the store',
      'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or choose another `auth`',
    ],
  },
  gcs: {
    name: 'partner',
    lines: [
      'type: gcs',
      'bucket: your-bucket',
      '# A service account that may list and read; or write `auth: { type: default }`.',
      'auth:',
      '  type: service_account         # service_account | default',
      '  key: { file: ./service-account.json }',
    ],
    todo: [
      'put your bucket’s name into the store',
      'save the service account’s key as service-account.json, or choose another `auth`',
    ],
  },
} as const

export interface InitialFeed {
  readonly name: string
  /** Prefix inside the store; ends with a slash. */
  readonly prefix: string
  readonly example: string
}

/** The text of a first configuration, the feeds in it, and what the user has to fill in. */
export function configurationText(choice: {
  readonly presets: readonly PresetName[]
  readonly store: keyof typeof STORES
}): {
  readonly text: string
  readonly feeds: readonly InitialFeed[]
  readonly todo: readonly string[]
} {
  const store = STORES[choice.store]
  const feeds = choice.presets.map((preset) => ({
    preset,
    ...FEEDS[preset],
    prefix: `${FEEDS[preset].name}/`,
  }))
  const lines = [
    '# Bucketline configuration. Every setting is described in docs/reference/config.md.',
    '',
    'data_dir: .bucketline            # ledger, datasets and staging',
    'memory_limit: 1GB                # more is spilled to disk',
    '# ledger: { url: { env: DATABASE_URL } }   # a PostgreSQL ledger, shared by several loaders',
    '',
    'stores:',
    `  ${store.name}:`,
    ...store.lines.map((line) => `    ${line}`),
    '',
    'feeds:',
    ...feeds.flatMap((feed) => [
      `  # ${feed.what}`,
      `  ${feed.name}:`,
      `    store: ${store.name}`,
      `    prefix: ${feed.prefix}`,
      `    preset: ${feed.preset}${' '.repeat(Math.max(1, 22 - feed.preset.length))}# contract, layout, format and completion`,
      '    # What a feed sets itself overrides its preset:',
      '    # contract: contracts/mine.odcs.yaml',
      '    # layout: dt={yyyy}-{MM}-{dd}/{file}',
      '    # completion: { type: marker, name: _SUCCESS }',
      '    # start: 2023-01-01         # first partition wanted',
      '    # max_rejected_percent: 1   # more rejected rows refuse the partition',
    ]),
  ]
  return {
    text: `${lines.join('\n')}\n`,
    feeds: feeds.map(({ name, prefix, example }) => ({ name, prefix, example })),
    todo: store.todo,
  }
}
