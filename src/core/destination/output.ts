/** What a part is written as, with every default filled in: plain data, so that threads can be handed it. */

/** `v1`: `_airbyte_ab_id` and `_airbyte_emitted_at`. `v2`: the raw id, extraction time, meta and generation. */
export type OutputSchema = 'v1' | 'v2'

export interface CsvDialect {
  readonly delimiter: string
  readonly quote: string
  /** `\r\n` by default (RFC 4180 §2). */
  readonly line_ending: '\r\n' | '\n'
  readonly header: boolean
  /** Text of an absent value or a null; unset: what the output schema's rules say. */
  readonly null_value?: string
  readonly byte_order_mark: boolean
}

export type TextCompression = 'none' | 'gzip' | 'zstd'

export type AvroCodec =
  | { readonly codec: 'none' | 'bzip2' | 'snappy' }
  /** Level 0 to 9. */
  | { readonly codec: 'deflate' | 'xz'; readonly level: number }
  /** Level -5 to 22. */
  | { readonly codec: 'zstandard'; readonly level: number; readonly checksum: boolean }

export type ParquetCodec = 'uncompressed' | 'snappy' | 'gzip' | 'brotli' | 'lz4' | 'zstd'

export interface ParquetOutput {
  readonly type: 'parquet'
  readonly codec: ParquetCodec
  /** Size of a row group, in bytes before compression. */
  readonly row_group_bytes: number
  /** Size of a data page, in bytes before compression. */
  readonly page_bytes: number
  /** Size up to which a dictionary page is kept, in bytes. */
  readonly dictionary_page_bytes: number
  readonly dictionary: boolean
}

export type Output =
  | {
      readonly type: 'csv'
      readonly flatten: boolean
      readonly compression: TextCompression
      readonly dialect: CsvDialect
    }
  | { readonly type: 'jsonl'; readonly flatten: boolean; readonly compression: TextCompression }
  | { readonly type: 'avro'; readonly codec: AvroCodec }
  | ParquetOutput

/** What follows the name of an object: `.csv.gz`, `.avro`. */
export function extensionOf(output: Output): string {
  if (output.type === 'avro' || output.type === 'parquet') return `.${output.type}`
  const packed = { none: '', gzip: '.gz', zstd: '.zst' }[output.compression]
  return `.${output.type}${packed}`
}
