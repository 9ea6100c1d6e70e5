import type { ParquetOutput } from '../../src/core/destination/output.ts'
import type { Stream } from '../../src/core/destination/stream.ts'
import type { Encoding } from '../../src/format/encode/encode.ts'

interface EncodingParts extends Partial<Omit<Encoding, 'stream' | 'output'>> {
  readonly output: Encoding['output']
  readonly stream?: Partial<Stream>
}

/** An encoding of which a test says what matters to it. */
export const encodingWith = ({ stream, ...rest }: EncodingParts): Encoding => ({
  id: 'test',
  stream: {
    name: 's',
    json_schema: {},
    write_mode: 'append',
    cursor_field: [],
    primary_key: [],
    ...stream,
  },
  output_schema: 'v1',
  on_bad_value: 'null',
  keep_additional_properties: false,
  sync_id: 0,
  generation_id: 0,
  partition_by: [],
  ...rest,
})

/** Parquet as a connector writes it that is told nothing of it. */
export const PARQUET: ParquetOutput = {
  type: 'parquet',
  codec: 'snappy',
  row_group_bytes: 128 << 20,
  page_bytes: 1 << 20,
  dictionary_page_bytes: 1 << 20,
  dictionary: true,
}
