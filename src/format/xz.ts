import { ReadableStream } from 'node:stream/web'
import xz from 'xz-decompress'

/** Expands xz, several streams one after another included; its checks are verified by the decoder. */
export async function* expandXz(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = ReadableStream.from(input) as unknown as globalThis.ReadableStream<Uint8Array>
  for await (const chunk of new xz.XzReadableStream(source)) yield chunk
}
