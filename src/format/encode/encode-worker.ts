import { parentPort } from 'node:worker_threads'
import { type FromWorker, failureOf } from '../worker-message.ts'
import { blockEncoder, type EncodeBlock } from './block-encoder.ts'
import type { EncodedBlock, Encoding, RecordBlock } from './encode.ts'

/** One block to encode. */
export interface EncodeRequest {
  readonly block: RecordBlock
  readonly encoding: Encoding
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

/** One block after the other: an encoding's memory is used by one at a time. */
let turn = Promise.resolve()
port.on('message', (job: EncodeRequest) => {
  turn = turn.then(async () => {
    const answer = await answerTo(job)
    // Given back at once: the collector does not see how much memory lies behind it.
    const release = () => {
      if (!job.block.bytes.buffer.detached) job.block.bytes.buffer.transfer(0)
    }
    if (answer.type !== 'answer') {
      release()
      return port.postMessage(answer)
    }
    const encoded = answer.answer
    const segments = encoded.segments.map((segment) => ({ ...segment, bytes: own(segment.bytes) }))
    port.postMessage(
      { type: 'answer', answer: { ...encoded, segments } },
      segments.map(({ bytes }) => bytes.buffer),
    )
    release()
  })
})

/** Bytes that can be given away: in memory that nothing else is in, and not much larger. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, length } = bytes
  const alone = length >= Buffer.poolSize && buffer.byteLength < length * 2
  return alone && buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, bytes.byteOffset, length)
    : new Uint8Array(bytes)
}

async function answerTo({ block, encoding }: EncodeRequest): Promise<FromWorker<EncodedBlock>> {
  try {
    const encode = await encoderOf(encoding)
    return { type: 'answer', answer: await encode(block) }
  } catch (error) {
    return failureOf(error)
  }
}
