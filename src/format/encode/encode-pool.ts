import { openWorkerPool } from '../worker-pool.ts'
import type { EncodedBlock, Encoder } from './encode.ts'
import type { EncodeRequest } from './encode-worker.ts'

/**
 * Opens an encoder of `threads` threads (as many as there are cores, unless given), started when needed. Blocks
 * are taken in the order of the calls. A thread that dies fails the blocks it had; the next gets a new one.
 */
export function openEncoder(options: { readonly threads?: number } = {}): Encoder {
  const pool = openWorkerPool<EncodeRequest, EncodedBlock>({
    name: 'encoder',
    module: new URL('./encode-worker', import.meta.url),
    threads: options.threads,
    // While a thread works on one block, the next is there already.
    ahead: 2,
  })
  return {
    encode: (block, encoding) =>
      pool.run({ request: { block, encoding }, transfer: [block.bytes.buffer] }),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  }
}
