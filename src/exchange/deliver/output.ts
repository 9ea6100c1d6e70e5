import { ExchangeError } from '../../core/errors.ts'
import type { Feed } from '../../core/feed.ts'
import type { PresetDelivery } from '../../core/presets.ts'

/** How delivered files are written. */
export interface DeliveryOutput {
  readonly format: 'parquet' | 'jsonl' | 'csv'
  /** Around text formats; Parquet compresses inside. */
  readonly compression: 'none' | 'gzip' | 'zstd'
  /** Size a file is to come near, in bytes as stored. */
  readonly file_bytes: number
  /** Rows after which a file ends whatever its size; only where a contract advises rows and no bytes. */
  readonly file_rows?: number
}

/** Without advice: large enough that a listing is short, small enough to be read again without regret. */
const FILE_BYTES = 128_000_000

/**
 * Settles how files are written: what was asked for, then the feed's format, the layout's suffix, the
 * preset's habit. Throws `usage` for what the receiver would refuse and `config_invalid` for what cannot be written.
 */
export function settleOutput(
  feed: Feed,
  wanted: {
    readonly format?: DeliveryOutput['format']
    readonly file_bytes?: number
    readonly habit?: PresetDelivery['sample']
  },
): DeliveryOutput {
  const template = feed.layout.template.toLowerCase()
  const suffix = /\.(parquet|csv|jsonl|ndjson|json)(\.\w+)?$/.exec(template)?.[1]
  const named =
    suffix === undefined || suffix === 'parquet' || suffix === 'csv' ? suffix : ('jsonl' as const)
  const set = feed.format.type === 'auto' ? undefined : feed.format.type
  const format = wanted.format ?? set ?? named ?? wanted.habit?.format ?? 'jsonl'
  const promised = set ?? named
  if (promised !== undefined && promised !== format)
    throw new ExchangeError('usage', `--format ${format} is not what is expected: ${promised}.`, {
      hint: 'Leave --format out, or give another --layout.',
    })
  if ('encoding' in feed.format && !/^utf-?8$/i.test(feed.format.encoding) && format !== 'parquet')
    throw new ExchangeError(
      'config_invalid',
      `Files are written in UTF-8, and the feed expects ${feed.format.encoding}.`,
      { hint: 'Ask the receiver to accept utf-8.' },
    )
  const advice = feed.contract.advice
  const file_rows = advice?.file_bytes === undefined ? advice?.file_rows : undefined
  return {
    format,
    compression: format === 'parquet' ? 'none' : compressionOf(feed, format, wanted.habit),
    file_bytes: wanted.file_bytes ?? advice?.file_bytes ?? FILE_BYTES,
    ...(file_rows === undefined || wanted.file_bytes !== undefined ? {} : { file_rows }),
  }
}

function compressionOf(
  feed: Feed,
  format: DeliveryOutput['format'],
  habit: PresetDelivery['sample'] | undefined,
): DeliveryOutput['compression'] {
  const { compression } = feed.format
  if (compression === 'none' || compression === 'gzip' || compression === 'zstd') return compression
  if (compression !== 'auto')
    throw new ExchangeError(
      'config_invalid',
      `The feed expects ${compression}, which is read and not written.`,
      { hint: 'Let the feed expect gzip, zstd or none.' },
    )
  const template = feed.layout.template.toLowerCase()
  if (template.endsWith('.gz')) return 'gzip'
  if (template.endsWith('.zst')) return 'zstd'
  if (/\.(csv|jsonl|ndjson|json)$/.test(template)) return 'none'
  return habit?.format === format ? habit.compression : 'gzip'
}

/** `part-00000-<id>`, with a suffix where the layout leaves the whole name to it. */
export function fileName(feed: Feed, output: DeliveryOutput, number: number, id: string): string {
  const name = `part-${String(number).padStart(5, '0')}-${id}`
  if (!feed.layout.template.endsWith('{file}') && !/\/(…|\.\.\.)?$/.test(feed.layout.template))
    return name
  return `${name}.${output.format}${{ none: '', gzip: '.gz', zstd: '.zst' }[output.compression]}`
}
