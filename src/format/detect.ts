import type { FormatSettings } from '../core/settings.ts'
import { readHead } from './codecs.ts'
import type { StagedObject } from './format.ts'
import { Refusal } from './refusal.ts'
import { looksLike, openText } from './text-source.ts'

type AutoSettings = Extract<FormatSettings, { type: 'auto' }>

/**
 * The format of one object, for feeds whose format is `auto`: Parquet by its magic, text by the
 * suffix of the key under those of compressions (`.csv.gz`), else by its first byte that is not
 * white space: `{` opens JSON lines. Throws a `Refusal` as `openText` does.
 */
export async function detectFormat(
  object: StagedObject,
  settings: AutoSettings,
): Promise<'parquet' | 'jsonl' | 'csv'> {
  const head = await readHead(object.path, 4)
  if (head.length === 0) throw new Refusal('empty_object', 'The object has no bytes.')
  const magic = looksLike(head)
  if (magic?.endsWith('Parquet file')) return 'parquet'
  const name = object.key.toLowerCase().replace(/(\.(gz|gzip|zst|zstd|bz2|xz|zip))+$/, '')
  const suffix = /\.([a-z0-9]+)$/.exec(name)?.[1]
  if (suffix === 'parquet' || suffix === 'pq') {
    throw new Refusal('wrong_format', 'The key names a Parquet file, but the content is none.')
  }
  if (suffix === 'csv' || suffix === 'tsv') return 'csv'
  if (suffix === 'jsonl' || suffix === 'ndjson' || suffix === 'json') return 'jsonl'
  const text = await openText(object, settings, 'JSON lines or CSV')
  return /^\s*\{/.test(Buffer.from(text.head).toString()) ? 'jsonl' : 'csv'
}
