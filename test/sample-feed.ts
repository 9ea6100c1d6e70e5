import type { Contract } from '../src/core/contract/contract.ts'
import type { Feed } from '../src/core/feed.ts'
import { parseLayout } from '../src/core/layout/layout.ts'
import { Completion, Format } from '../src/core/settings.ts'

/** A contract without columns: for what does not look at rows. */
export const sample_contract: Contract = {
  id: 'sample',
  name: 'sample',
  version: '1.0.0',
  columns: [],
  key: [],
  flat: false,
  ignore_case: false,
  new_columns: 'rescue',
  deduplicate: { scope: 'partition' },
  quality: [],
  service_levels: {},
  measures: [],
  not_executed: [],
  notes: [],
}

export type SampleFeed = Partial<Omit<Feed, 'layout' | 'completion'>> & {
  readonly layout?: string
  readonly zone?: string
  readonly completion?: Parameters<typeof Completion.parse>[0]
}

/** A feed for tests that say only what matters to them. */
export function sampleFeed(own: SampleFeed = {}): Feed {
  const { layout = 'dt={yyyy}-{MM}-{dd}/{file}', zone = 'UTC', completion, ...rest } = own
  return {
    name: 'events',
    store: 'inbox',
    prefix: '',
    contract: sample_contract,
    format: Format.parse({ type: 'auto' }),
    publish: 'replace',
    deduplicate: { scope: 'partition' },
    new_columns: 'rescue',
    ignore: [],
    look_back_ms: 7 * 86_400_000,
    recheck: 24,
    budget: {},
    retain_generations: 3,
    contract_hash: 'contract-1',
    settings_hash: 'settings-1',
    ...rest,
    layout: parseLayout(layout, { zone }),
    completion: Completion.parse(completion ?? { type: 'immediate' }),
  }
}
