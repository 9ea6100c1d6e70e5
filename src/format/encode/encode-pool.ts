import type { Output } from '../../core/destination/output.ts'
import { openWorkerPool } from '../worker-pool.ts'
import type { EncodedBlock, Encoder } from './encode.ts'
import type { EncodeRequest } from './encode-worker.ts'
import type { ColumnChunk, ColumnsJob } from './parquet/chunk.ts'

/** Threads that encode blocks and, of Parquet, columns. */
export interface EncodePool extends Encoder {
  /** Calls may overlap, with each other and with those for blocks. */
  encodeColumns(job: ColumnsJob): Promise<ColumnChunk[]>
}

export interface EncoderOptions {
  /** As many as there are cores, unless given. */
  readonly threads?: number | undefined
  /** Starts the threads at once, with what this format needs; unless given they start when they are needed. */
  readonly prepare?: Output['type']
}

/**
 * Opens an encoder. Blocks are taken in the order of the calls. A thread that dies fails the blocks it had; the
 * next gets a new one.
 */
export function openEncoder({ threads, prepare }: EncoderOptions = {}): EncodePool {
  const pool = openWorkerPool<EncodeRequest, EncodedBlock | ColumnChunk[]>({
    name: 'encoder',
    module: new URL('./encode-worker', import.meta.url),
    threads,
    prepare,
    // While a thread works on one block, the next is there already.
    ahead: 2,
  })
  return {
    async encode(block, encoding) {
      const request = { block, encoding }
      return (await pool.run({ request, transfer: [block.bytes.buffer] })) as EncodedBlock
    },
    async encodeColumns(columns) {
      return (await pool.run({ request: { columns } })) as ColumnChunk[]
    },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  }
}
