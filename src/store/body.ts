import type { Body } from './store.ts'

/** The body's bytes in pieces of any size; leaving the loop early releases the source. */
export async function* chunksOf(body: Body, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted()
  if (body instanceof Uint8Array) {
    yield body
    return
  }
  for await (const chunk of untilAborted(body, signal)) {
    signal?.throwIfAborted()
    if (chunk.byteLength > 0) yield chunk
  }
}

/** Memory of parts that were sent, for those that follow: asked for anew each time it would pile up. */
export class SpareParts {
  private readonly parts: Uint8Array<ArrayBuffer>[] = []
  private readonly own = new WeakSet<Uint8Array>()

  /** A part of `size` bytes. */
  take(size: number): Uint8Array<ArrayBuffer> {
    const part = this.parts.pop() ?? new Uint8Array(size)
    this.own.add(part)
    return part
  }

  /** The part is not needed any longer. Parts that are views of a caller's memory are left alone. */
  give(part: Uint8Array): void {
    if (this.own.delete(part)) this.parts.push(part as Uint8Array<ArrayBuffer>)
  }
}

/**
 * The body in parts of exactly `bytes`, the last one shorter; one empty part for an empty body. Holds one part in
 * memory. `spare`: whoever gives it gives each part back once it was sent.
 */
export async function* partsOf(
  body: Body,
  bytes: number,
  { signal, spare }: { readonly signal?: AbortSignal; readonly spare?: SpareParts } = {},
): AsyncGenerator<Uint8Array> {
  let part = new Uint8Array(0)
  let filled = 0
  let given = 0
  for await (const chunk of chunksOf(body, signal)) {
    let offset = 0
    // A body that is one large array is cut into views: nothing is copied. Other pieces may not last.
    if (filled === 0 && chunk === body) {
      while (chunk.byteLength - offset >= bytes) {
        yield chunk.subarray(offset, offset + bytes)
        offset += bytes
        given += 1
      }
    }
    while (offset < chunk.byteLength) {
      const wanted = Math.min(bytes - filled, chunk.byteLength - offset)
      // The first part may be all there is; those after it are whole but for the last.
      if (given > 0 && filled === 0) part = spare?.take(bytes) ?? new Uint8Array(bytes)
      else part = grown(part, filled, filled + wanted, bytes)
      part.set(chunk.subarray(offset, offset + wanted), filled)
      filled += wanted
      offset += wanted
      if (filled === bytes) {
        yield part
        given += 1
        part = new Uint8Array(0)
        filled = 0
      }
    }
  }
  if (filled > 0 || given === 0) yield part.subarray(0, filled)
}

function grown(part: Uint8Array<ArrayBuffer>, filled: number, needed: number, limit: number) {
  if (needed <= part.byteLength) return part
  const next = new Uint8Array(Math.min(limit, Math.max(needed, part.byteLength * 2, 64 * 1024)))
  next.set(part.subarray(0, filled))
  return next
}

/** Parts already taken from a source, then the rest of it. */
export async function* chain(
  leading: readonly Uint8Array[],
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* leading
    yield* rest
  } finally {
    await rest.return(undefined)
  }
}

/** Ends the wait for a source that has stopped giving, which `for await` alone would sit out. */
async function* untilAborted(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (signal === undefined) {
    yield* source
    return
  }
  const iterator = source[Symbol.asyncIterator]()
  let abort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason)
  })
  aborted.catch(() => {})
  signal.addEventListener('abort', abort, { once: true })
  let ended = false
  try {
    while (true) {
      const next = await Promise.race([iterator.next(), aborted])
      if (next.done === true) {
        ended = true
        return
      }
      yield next.value
    }
  } catch (error) {
    ended = !signal.aborted
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
    // A generator that hangs in `await` would never settle `return()`, so an abort does not wait for it.
    if (!ended) {
      const closing = iterator.return?.()
      if (signal.aborted) closing?.catch(() => {})
      else await closing
    }
  }
}

/**
 * A stream over a generator, so that a store's reads are written as generators. `release` runs once, when the
 * stream ends, errors or is cancelled: a generator that was never started would not run its `finally`.
 */
export function streamOf(
  chunks: AsyncGenerator<Uint8Array>,
  release: () => Promise<void> = async () => {},
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = await chunks.next()
          if (next.done !== true) {
            controller.enqueue(next.value)
            return
          }
        } catch (error) {
          await release()
          throw error
        }
        await release()
        controller.close()
      },
      async cancel() {
        await chunks.return(undefined)
        await release()
      },
    },
    { highWaterMark: 0 },
  )
}
