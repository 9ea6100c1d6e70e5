import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodingWith } from '../../../test/support/encoding.ts'
import type { TextCompression } from '../../core/destination/output.ts'
import { expand } from '../codecs.ts'
import type { Encoding, Segment } from './encode.ts'
import { openTextPart } from './text-part.ts'
import { packText } from './text-segment.ts'

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bucketline-text-part-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const encoding = (compression: TextCompression, type: 'csv' | 'jsonl' = 'jsonl'): Encoding =>
  encodingWith({
    output: {
      type,
      flatten: false,
      compression,
      dialect: {
        delimiter: ',',
        quote: '"',
        line_ending: '\n',
        header: true,
        byte_order_mark: false,
      },
    },
    keep_additional_properties: true,
  })
const segment = (text: string, compression: TextCompression): Segment => ({
  partition: [],
  records: 1,
  ...packText(Buffer.from(text), compression),
})
/** As objects are read that come in: node:zlib ends with the first frame of zstd. */
async function textIn(path: string, codec: TextCompression): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of expand(path, { codec, max_expanded_bytes: 1e9 })) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

describe.each(['none', 'gzip', 'zstd'] as const)('a part with compression %s', (compression) => {
  const texts = ['a'.repeat(100_000), 'é\n', '', 'last\n'.repeat(1000)]

  it('holds its segments one after the other', async () => {
    const part = await openTextPart(encoding(compression), join(dir, 'part'))
    for (const text of texts) await part.append(segment(text, compression))
    const finished = await part.finish()
    const bytes = await readFile(finished.path)
    expect(finished).toMatchObject({ records: 4, bytes: bytes.length })
    expect((await textIn(finished.path, compression)) === texts.join('')).toBe(true)
  })

  it('is taken back to where it was marked, and goes on from there', async () => {
    const part = await openTextPart(encoding(compression, 'csv'), join(dir, 'part'))
    const start = part.mark()
    await part.append(segment('one\n', compression))
    const mark = part.mark()
    await part.append(segment('two\n'.repeat(9999), compression))
    await part.cut(mark)
    expect(part.records).toBe(1)
    await part.append(segment('three\n', compression))
    const finished = await part.finish()
    const bytes = await readFile(finished.path)
    expect(finished).toMatchObject({ records: 2, bytes: bytes.length })
    const header = '"_airbyte_ab_id","_airbyte_emitted_at","_airbyte_data"\n'
    expect(await textIn(finished.path, compression)).toBe(`${header}one\nthree\n`)
    expect(start.records).toBe(0)
  })

  it('leaves nothing when it is discarded', async () => {
    const part = await openTextPart(encoding(compression), join(dir, 'part'))
    await part.append(segment('x', compression))
    await part.discard()
    expect(await readdir(dir)).toEqual([])
  })
})

it('writes one gzip member, so that readers that stop after the first have all', async () => {
  const part = await openTextPart(encoding('gzip'), join(dir, 'part'))
  for (let at = 0; at < 50; at++) await part.append(segment(`{"at":${at}}\n`.repeat(500), 'gzip'))
  const { path } = await part.finish()
  const bytes = await readFile(path)
  let members = 0
  for (
    let at = bytes.indexOf('1f8b08', 0, 'hex');
    at >= 0;
    at = bytes.indexOf('1f8b08', at + 1, 'hex')
  )
    members++
  expect(members).toBe(1)
  expect(bytes.readUInt32LE(bytes.length - 4)).toBe(gunzipSync(bytes).length)
})
