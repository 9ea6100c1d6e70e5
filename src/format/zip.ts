import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import yauzl, { type Entry, type ZipFile } from 'yauzl'
import { Refusal } from './refusal.ts'

/** More entries than this are no delivery of one file. */
const MAX_ENTRIES = 1000

/**
 * Expands the one file in a zip archive. Folders and what macOS adds under `__MACOSX/` are passed
 * over; no file, several files or an encrypted one is `unreadable`. Which of several would be the
 * data, and how rows would be numbered across them, nothing in the archive says.
 */
export async function* expandZip(
  path: string,
  progress?: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const file = await openZip(path)
  try {
    const entry = await onlyEntry(file)
    const stream = await new Promise<Readable>((resolve, reject) => {
      file.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened)))
    })
    let crc = 0
    let read = 0
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      crc = crc32(chunk, crc)
      read += chunk.length
      progress?.(Math.round((read / Math.max(1, entry.uncompressedSize)) * entry.compressedSize))
      yield chunk
    }
    // The library checks the size only.
    if (crc !== entry.crc32) throw new Error(`the checksum of ${entry.fileName} does not match`)
  } finally {
    file.close()
  }
}

function openZip(path: string): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    yauzl.open(path, { lazyEntries: true, autoClose: false }, (error, file) =>
      error ? reject(error) : resolve(file),
    )
  })
}

async function onlyEntry(file: ZipFile): Promise<Entry> {
  const entries: Entry[] = []
  let seen = 0
  await new Promise<void>((resolve, reject) => {
    file.on('error', reject)
    file.on('end', resolve)
    file.on('entry', (entry) => {
      seen++
      const data = !entry.fileName.endsWith('/') && !entry.fileName.startsWith('__MACOSX/')
      if (data) entries.push(entry)
      if (seen > MAX_ENTRIES || entries.length > 1) resolve()
      else file.readEntry()
    })
    file.readEntry()
  })
  const [entry, second] = entries
  if (entry === undefined) throw new Refusal('unreadable', 'The zip archive holds no file.')
  if (second !== undefined) {
    throw new Refusal(
      'unreadable',
      `The zip archive holds several files (${entry.fileName}, ${second.fileName} …); one is expected.`,
    )
  }
  if (entry.isEncrypted()) throw new Refusal('unreadable', `${entry.fileName} is encrypted.`)
  return entry
}
