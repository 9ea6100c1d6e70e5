import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import type { Transform } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { expandBzip2 } from './bzip2.ts'
import { Refusal } from './refusal.ts'
import { expandXz } from './xz.ts'
import { expandZip } from './zip.ts'

export type Codec = 'none' | 'gzip' | 'zstd' | 'bzip2' | 'xz' | 'zip'

/** Fewer and greater pieces expand half as fast again as pieces of a quarter of it. */
const CHUNK = 1 << 20
/** Small objects are many, and are not worth a great piece of memory each. */
const SMALL_CHUNK = 1 << 14

/** First bytes of formats that can be told by them; `zstd` also has skippable frames. */
const MAGIC: readonly (readonly [Exclude<Codec, 'none'>, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
  ['zip', [0x50, 0x4b, 0x05, 0x06]],
]

/** The compression that the first bytes of a file show; `none` where they show none. */
export function sniffCodec(head: Uint8Array): Codec {
  for (const [codec, magic] of MAGIC) {
    if (magic.every((byte, at) => head[at] === byte)) {
      // `BZh` alone could be text: a digit and the block's magic follow in a real one.
      if (codec === 'bzip2' && !isBzip2(head)) continue
      return codec
    }
  }
  return 'none'
}

function isBzip2(head: Uint8Array): boolean {
  const level = head[3] ?? 0
  return level >= 0x31 && level <= 0x39 && (head[4] === 0x31 || head[4] === 0x17)
}

/** The first `count` bytes of a file, fewer where it has fewer. */
export async function readHead(path: string, count: number): Promise<Uint8Array> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

export interface ExpandOptions {
  readonly codec: Codec
  /** More bytes than this throw a `too_large` refusal. */
  readonly max_expanded_bytes: number
  /** Called with the number of delivered (compressed) bytes gone through so far. */
  readonly progress?: ((bytes: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * The expanded bytes of a file, in pieces, with memory bounded by the codec's own window. Throws a
 * `Refusal`: `corrupt_object` for damaged, truncated or followed-by-something data, `too_large`.
 */
export async function* expand(path: string, options: ExpandOptions): AsyncGenerator<Uint8Array> {
  const { codec, max_expanded_bytes } = options
  let expanded = 0
  const limit = (bytes: number) => {
    expanded += bytes
    if (expanded <= max_expanded_bytes) return
    throw new Refusal(
      'too_large',
      `The object expands to more than ${max_expanded_bytes} bytes (max_expanded_bytes).`,
    )
  }
  try {
    if (codec === 'bzip2') {
      yield* expandBzip2(delivered(path, options), limit)
      return
    }
    for await (const chunk of pieces(path, options)) {
      limit(chunk.length)
      options.signal?.throwIfAborted()
      yield chunk
    }
  } catch (error) {
    if (error instanceof Refusal || options.signal?.aborted) throw error
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error
    throw new Refusal(
      'corrupt_object',
      `The ${codec} data is damaged after ${expanded} expanded bytes: ${(error as Error).message}.`,
      error,
    )
  }
}

function pieces(path: string, options: ExpandOptions): AsyncIterable<Uint8Array> {
  switch (options.codec) {
    case 'none':
      return delivered(path, options)
    case 'gzip':
      return frames(path, options, (chunkSize) => createGunzip({ chunkSize }))
    case 'zstd':
      return frames(path, options, (chunkSize) => createZstdDecompress({ chunkSize }))
    case 'xz':
      return expandXz(delivered(path, options))
    case 'zip':
      return expandZip(path, options.progress)
    default:
      throw new Error(`no expansion for ${options.codec}`)
  }
}

async function* delivered(
  path: string,
  options: Pick<ExpandOptions, 'progress' | 'signal'>,
  start = 0,
): AsyncGenerator<Uint8Array> {
  const { size } = await stat(path)
  const highWaterMark = Math.min(CHUNK, Math.max(SMALL_CHUNK, size))
  const input = createReadStream(path, { start, highWaterMark, signal: options.signal })
  let read = start
  for await (const chunk of input) {
    read += chunk.length
    options.progress?.(read)
    yield chunk
  }
}

/**
 * Node stops at the end of the first zstd frame and passes over zeros after a gzip member, so how
 * much was consumed is compared with the file's size and the rest is begun anew.
 */
async function* frames(
  path: string,
  options: ExpandOptions,
  create: (chunk_bytes: number) => Transform & { bytesWritten: number },
): AsyncGenerator<Uint8Array> {
  const { size } = await stat(path)
  // Text expands to some four times its size.
  const chunk_bytes = Math.min(CHUNK, Math.max(SMALL_CHUNK, size * 4))
  let offset = 0
  while (offset < size) {
    const input = createReadStream(path, { start: offset, highWaterMark: chunk_bytes })
    const stream = create(chunk_bytes)
    let read = offset
    input.on('error', (error) => stream.destroy(error))
    input.on('data', (chunk) => {
      read += chunk.length
      options.progress?.(read)
    })
    input.pipe(stream)
    try {
      for await (const chunk of stream) yield chunk
    } finally {
      input.destroy()
      stream.destroy()
    }
    const consumed = stream.bytesWritten
    if (consumed === 0) throw new Error('no frame begins where one should')
    offset += consumed
    if (options.codec === 'gzip' && offset < size) {
      throw new Error(`${size - offset} bytes follow the end of the data`)
    }
  }
}
