import type { EncodedBlock, Encoding, RecordBlock } from './encode.ts'
import { textBlocks } from './text-blocks.ts'

/** Encodes the blocks of one stream, one after the other. */
export type EncodeBlock = (block: RecordBlock) => EncodedBlock | Promise<EncodedBlock>

/** What encodes a stream's blocks in its output format; formats are loaded when they are asked for. */
export async function blockEncoder(encoding: Encoding): Promise<EncodeBlock> {
  switch (encoding.output.type) {
    case 'csv':
    case 'jsonl':
      return textBlocks(encoding)
    case 'avro': {
      const { avroBlocks } = await import('./avro-block.ts')
      return avroBlocks(encoding)
    }
    case 'parquet': {
      const { parquetBlocks } = await import('./parquet/block.ts')
      return parquetBlocks(encoding)
    }
  }
}
