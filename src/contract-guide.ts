import { tmpdir } from 'node:os'
import { basename } from 'node:path'
import { stringify } from 'yaml'
import { FeedSettings, type StoreSettings } from './core/config.ts'
import type { Contract } from './core/contract/contract.ts'
import { contractProse } from './core/contract/prose.ts'
import { sampleRows } from './core/contract/sample.ts'
import { ExchangeError } from './core/errors.ts'
import type { Feed } from './core/feed.ts'
import {
  defaultForm,
  generatePolicies,
  type PolicyRequest,
  policyText,
} from './core/policy/generate.ts'
import type { PresetDelivery } from './core/presets.ts'
import { resolveFeed } from './core/resolve-feed.ts'
import { Format } from './core/settings.ts'
import { type DuckdbOptions, openDuckdb } from './duckdb/duckdb.ts'
import { writeSample } from './exchange/contract/write-sample.ts'
import { contractGuide } from './exchange/guide/guide.ts'
import type { GuideInput, GuidePlace, GuidePolicy } from './exchange/guide/guide-input.ts'
import { partitionToDeliver } from './exchange/guide/layout-section.ts'
import { policySubject } from './policy-subject.ts'
import { openMemory } from './store/memory.ts'

/** Puts together what `contract guide` shows: the feed, a sample made on the spot, and a configuration to check with. */

export interface GuideSource {
  /** As the user named it: a preset, a file or a feed. */
  readonly name: string
  readonly contract: Contract
  readonly text: string
  readonly delivery: PresetDelivery
  /** Of a feed: what is received, and where it lies. */
  readonly received?: { readonly feed: Feed; readonly store: StoreSettings }
  readonly access: GuideAccess
}

/** What policies for the partner have to know and the configuration does not say. */
export type GuideAccess = Omit<PolicyRequest, 'job'>

export interface WrittenGuide {
  readonly html: string
  /** What the page leaves open, and how to fill it in. */
  readonly notes: readonly string[]
}

/** Enough to show how rows differ, small enough to stand in a page. */
const SAMPLE_ROWS = 20

export async function writeGuide(
  source: GuideSource,
  options: { readonly duckdb: DuckdbOptions; readonly now: Date },
): Promise<WrittenGuide> {
  const { contract, text, delivery, received } = source
  const feed = received?.feed ?? feedOfContract(source)
  const { policies, notes } = policiesOf(received, source.access)
  const file = `${plainName(contract.id)}.odcs.yaml`
  const html = contractGuide({
    feed,
    name: received === undefined ? contract.id : feed.name,
    document: { file, text },
    prose: contractProse(text),
    place: placeOf(received?.store),
    policies,
    now: options.now,
    suffix: suffixOf(delivery.sample),
    sample: await sampleOf(feed, delivery.sample, options),
    check_config: checkConfig(feed, file),
  })
  return { html, notes }
}

/**
 * The policies of a feed in a bucket. Without a form and without who reads, what the keys at hand
 * need is all that can be said. Throws as `generatePolicies` does.
 */
function policiesOf(
  received: GuideSource['received'],
  access: GuideAccess,
): { readonly policies: readonly GuidePolicy[]; readonly notes: readonly string[] } {
  const type = received?.store.type
  if (received === undefined || (type !== 's3' && type !== 'gcs'))
    return { policies: [], notes: [] }
  const subject = policySubject(received.feed, received.store)
  const wanted = access.form ?? defaultForm(subject, access.principal)
  const unknown = access.form === undefined && (wanted === 'role' || wanted === 'gcs')
  if (unknown && type === 'gcs' && access.principal === undefined)
    return {
      policies: [],
      notes: ['The page names the permissions but no commands: say who reads with --principal.'],
    }
  const open =
    unknown &&
    wanted === 'role' &&
    (access.principal === undefined || access.external_id === undefined)
  const made = generatePolicies(subject, {
    ...access,
    job: 'receive',
    form: open ? 'user' : wanted,
  })
  return {
    policies: made.map((each) => ({ title: each.title, text: policyText(each) })),
    notes: open
      ? ['The page has no trust policy of the role: it needs --principal and --external-id.']
      : [],
  }
}

/** A contract that no feed receives yet, as one that takes everything from the contract. */
function feedOfContract({ contract, text, delivery, name }: GuideSource): Feed {
  const called = plainName(basename(name).replace(/(\.odcs)?\.ya?ml$/, '')).replaceAll('.', '-')
  return resolveFeed(
    /^[A-Za-z_]/.test(called) ? called : `feed-${called}`,
    FeedSettings.parse({ store: 'none' }),
    { contract, contract_text: text, preset: delivery, store_prefix: '', hash: () => '' },
  )
}

/** A name that is safe for files and feeds, whatever the contract's id holds. */
const plainName = (text: string): string =>
  text.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[.-]+|[.-]+$/g, '') || 'contract'

function placeOf(store: StoreSettings | undefined): GuidePlace {
  switch (store?.type) {
    case 's3': {
      const { bucket, region, endpoint } = store
      return { type: 's3', bucket, region, ...(endpoint === undefined ? {} : { endpoint }) }
    }
    case 'gcs':
      return { type: 'gcs', bucket: store.bucket }
    case 'local':
      return { type: 'folder', path: store.path }
    default:
      return { type: 'unknown' }
  }
}

const suffixOf = ({ format, compression }: PresetDelivery['sample']): string =>
  `.${format}${format === 'parquet' ? '' : { none: '', gzip: '.gz', zstd: '.zst' }[compression]}`

async function sampleOf(
  feed: Feed,
  { format, compression }: PresetDelivery['sample'],
  options: { readonly duckdb: DuckdbOptions; readonly now: Date },
): Promise<GuideInput['sample']> {
  const partition = partitionToDeliver(feed, options.now)
  const store = openMemory()
  await using duckdb = await openDuckdb(options.duckdb)
  try {
    const { objects } = await writeSample(
      feed.contract,
      {
        store,
        prefix: '',
        layout: feed.layout,
        format,
        compression,
        // What closes the delivery is empty, or names the data: nothing to hand over.
        completion: { type: 'immediate' },
      },
      { rows: SAMPLE_ROWS, partition, duckdb, dir: tmpdir() },
    )
    const files = []
    for (const { key } of objects)
      files.push({ key, bytes: await new Response(await store.read(key)).bytes() })
    const rows = [...sampleRows(feed.contract, { rows: SAMPLE_ROWS, partition })]
    return { objects: files, rows, format }
  } catch (error) {
    if (!(error instanceof ExchangeError) || error.code !== 'sample_impossible') throw error
    return { impossible: error.message }
  }
}

/** The feed over a local folder: whoever delivers runs the same checks on it. */
function checkConfig(feed: Feed, contract: string): string {
  const { layout, completion, format, budget, ignore, deduplicate, publish } = feed
  const percent = (name: string, value: number | undefined) =>
    value === undefined ? {} : { [name]: value }
  const settings = {
    store: 'outbox',
    contract,
    layout: layout.template,
    ...(layout.zone === 'UTC' ? {} : { partition_zone: layout.zone }),
    format: ownSettings(format),
    // Nobody waits for a folder to be quiet when files are checked in it.
    ...(completion.type === 'quiet_period' ? {} : { completion }),
    publish,
    deduplicate,
    columns: feed.new_columns,
    ...(ignore.length === 0 ? {} : { ignore: [...ignore] }),
    ...percent('max_rejected_rows', budget.rows),
    ...percent('max_rejected_percent', budget.percent),
    ...percent('max_rejected_rows_per_object', budget.rows_per_object),
    ...percent('max_rejected_percent_per_object', budget.percent_per_object),
  }
  return stringify({
    stores: { outbox: { type: 'local', path: './outbox' } },
    feeds: { [feed.name]: settings },
  })
}

/** What differs from the defaults of the format. */
function ownSettings(format: Feed['format']): Record<string, unknown> {
  const standard: Record<string, unknown> = { ...Format.parse({ type: format.type }) }
  const own = Object.entries(format).filter(
    ([name, value]) => name === 'type' || JSON.stringify(value) !== JSON.stringify(standard[name]),
  )
  return Object.fromEntries(own)
}
