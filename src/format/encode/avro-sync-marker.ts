import { createHash } from 'node:crypto'

/**
 * The 16 bytes that end each block of a file. They follow from the encoding's id, so that the threads that
 * make blocks and the file's header agree without being told; ids are not told apart by their first bytes
 * alone, hence a hash. It only has to be unlikely in data, which no secret is needed for.
 */
export function avroSyncMarker(id: string): Uint8Array {
  return createHash('md5').update(id).digest()
}
