import type { Output } from '../../core/destination/output.ts'
import type { EncodedBlock, Encoding, RecordBlock } from './encode.ts'
import { textBlocks } from './text-blocks.ts'

/** Encodes the blocks of one stream, one after the other. */
export type EncodeBlock = (block: RecordBlock) => EncodedBlock | Promise<EncodedBlock>

const FORMATS = {
  avro: () => import('./avro-block.ts'),
  parquet: () => import('./parquet/block.ts'),
}

/** Loads what a format needs, ahead of its first block. */
export async function loadFormat(type: Output['type']): Promise<void> {
  if (type === 'avro' || type === 'parquet') await FORMATS[type]()
}

/** What encodes a stream's blocks in its output format; formats are loaded when they are asked for. */
export async function blockEncoder(encoding: Encoding): Promise<EncodeBlock> {
  switch (encoding.output.type) {
    case 'csv':
    case 'jsonl':
      return textBlocks(encoding)
    case 'avro': {
      const { avroBlocks } = await FORMATS.avro()
      return avroBlocks(encoding)
    }
    case 'parquet': {
      const { parquetBlocks } = await FORMATS.parquet()
      return parquetBlocks(encoding)
    }
  }
}
