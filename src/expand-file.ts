import { ExchangeError } from './core/errors.ts'
import { expand, readHead, sniffCodec } from './format/codecs.ts'
import { Refusal } from './format/refusal.ts'

/** What a local file is packed with, by its first bytes. */
export const packingOf = async (path: string) => sniffCodec(await readHead(path, 8))

/** The bytes of a local file of one's own, unpacked. Throws `record_invalid` where that does not go to its end. */
export async function* expandFile(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* expand(path, { codec: await packingOf(path), max_expanded_bytes: Infinity })
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause
    throw new ExchangeError('record_invalid', `${path} cannot be unpacked. ${cause.message}`, {
      cause,
    })
  }
}
