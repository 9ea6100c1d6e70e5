import type { PresetName } from './config.ts'
import { Completion, type CompletionSettings, Format, type FormatSettings } from './settings.ts'

/** How a preset's partner delivers: what the contract document has no words for. */
export interface PresetDelivery {
  /** Template of keys under the feed's prefix. */
  readonly layout: string
  readonly format: FormatSettings
  readonly completion: CompletionSettings
  /** How `contract sample` writes a delivery where the format is `auto`. */
  readonly sample: {
    readonly format: 'parquet' | 'jsonl' | 'csv'
    readonly compression: 'none' | 'gzip' | 'zstd'
  }
}

const hackle: PresetDelivery = {
  layout: 'dt={yyyy}-{MM}-{dd}/{file}.parquet',
  format: Format.parse({ type: 'parquet' }),
  completion: Completion.parse({ type: 'marker', name: '_SUCCESS' }),
  sample: { format: 'parquet', compression: 'none' },
}

const metamarkets: PresetDelivery = {
  layout: 'y={yyyy}/m={MM}/d={dd}/H={HH}/{file}.gz',
  format: Format.parse({ type: 'jsonl' }),
  completion: Completion.parse({ type: 'immediate' }),
  sample: { format: 'jsonl', compression: 'gzip' },
}

const toplyne = (column: 'timestamp' | 'updated_at'): PresetDelivery => ({
  layout: `${column}={yyyy}-{MM}-{dd}/{file}`,
  format: Format.parse({ type: 'auto' }),
  completion: Completion.parse({ type: 'immediate' }),
  sample: { format: 'csv', compression: 'none' },
})

/** Layout, format and completion of every preset; the rest is in `presets/<name>.odcs.yaml`. */
export const PRESET_DELIVERY: Readonly<Record<PresetName, PresetDelivery>> = {
  'hackle-events': hackle,
  'metamarkets-rollup': metamarkets,
  'toplyne-events': toplyne('timestamp'),
  'toplyne-users': toplyne('updated_at'),
  'toplyne-accounts': toplyne('updated_at'),
}
