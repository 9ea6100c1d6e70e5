import { parentPort, workerData } from 'node:worker_threads'
import type { Output } from '../../core/destination/output.ts'
import { failureOf } from '../worker-message.ts'
import { blockEncoder, type EncodeBlock, loadFormat } from './block-encoder.ts'
import type { EncodedBlock, Encoding, RecordBlock } from './encode.ts'
import type { ColumnChunk, ColumnsJob } from './parquet/chunk.ts'

/** A block to encode, or columns. */
export type EncodeRequest = BlockRequest | { readonly columns: ColumnsJob }

interface BlockRequest {
  readonly block: RecordBlock
  readonly encoding: Encoding
}

interface Answer {
  readonly answer: EncodedBlock | ColumnChunk[]
  /** Memory of the answer that is given away. */
  readonly transfer: ArrayBuffer[]
}

/** Encodings kept, those last used. */
const MAX_ENCODINGS = 200

const port = parentPort
if (port === null) throw new Error('encode-worker runs in a worker thread only')
const compiled = new Map<string, Promise<EncodeBlock>>()

function encoderOf(encoding: Encoding): Promise<EncodeBlock> {
  const known = compiled.get(encoding.id)
  const encode = known ?? blockEncoder(encoding)
  compiled.delete(encoding.id)
  compiled.set(encoding.id, encode)
  const [oldest] = compiled.keys()
  if (compiled.size > MAX_ENCODINGS && oldest !== undefined) compiled.delete(oldest)
  return encode
}

// What fails here fails again where a block needs it, and is told there.
if (workerData !== undefined) loadFormat(workerData as Output['type']).catch(() => {})

/** One request after the other: an encoding's memory is used by one at a time. */
let turn = Promise.resolve()
port.on('message', (request: EncodeRequest) => {
  turn = turn.then(async () => {
    try {
      const { answer, transfer } =
        'columns' in request ? await columnsAnswer(request.columns) : await blockAnswer(request)
      port.postMessage({ type: 'answer', answer }, transfer)
    } catch (error) {
      port.postMessage(failureOf(error))
    } finally {
      if ('block' in request) release(request.block)
    }
  })
})

async function blockAnswer({ block, encoding }: BlockRequest): Promise<Answer> {
  const encode = await encoderOf(encoding)
  const encoded = await encode(block)
  const segments = encoded.segments.map((segment) => ({ ...segment, bytes: own(segment.bytes) }))
  return {
    answer: { ...encoded, segments },
    transfer: segments.map(({ bytes }) => bytes.buffer),
  }
}

async function columnsAnswer(job: ColumnsJob): Promise<Answer> {
  const { encodeColumns } = await import('./parquet/chunk.ts')
  const chunks = await encodeColumns(job)
  return { answer: chunks, transfer: chunks.map(({ bytes }) => bytes.buffer) }
}

/** Given back at once: the collector does not see how much memory lies behind it. */
function release({ bytes }: RecordBlock): void {
  if (!bytes.buffer.detached) bytes.buffer.transfer(0)
}

/** Bytes that can be given away: in memory that nothing else is in, and not much larger. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, length } = bytes
  const alone = length >= Buffer.poolSize && buffer.byteLength < length * 2
  return alone && buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, bytes.byteOffset, length)
    : new Uint8Array(bytes)
}
