import { writeFileSync } from 'node:fs'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GateBench, openGateBench } from '../../test/try-gate.ts'
import { type Codec, expand, sniffCodec } from './codecs.ts'

const TEXT = '{"a":1}\n{"a":2}\n'
const blob = (base64: string): Buffer => Buffer.from(base64, 'base64')

/** `TEXT` as the usual programs write it; Node itself writes none of these. */
const BZIP2 = blob('QlpoOTFBWSZTWSKd4ukAAAZZgAAQEAAwECAAAAogADEMCBKAeonCJoaL4u5IpwoSBFO8XSA=')
const XZ = blob(
  '/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAPeyJhIjoxfQp7ImEiOjJ9CgAUXxECefcNzAABKBDlC2xgH7bzfQEAAAAABFla',
)
const ZIP = blob(
  'UEsDBBQAAAAIAJNdeF1mwFoZDwAAABAAAAAHABwAZC5qc29ubFVUCQADpXgFa6V4BWt1eAsAAQQAAAAABAAAAACrVkpUsjKs5aoG0Ua1XABQSwECHgMUAAAACACTXXhdZsBaGQ8AAAAQAAAABwAYAAAAAAABAAAApIEAAAAAZC5qc29ubFVUBQADpXgFa3V4CwABBAAAAAAEAAAAAFBLBQYAAAAAAQABAE0AAABQAAAAAAA=',
)
/** Two files. */
const ZIP_OF_TWO = blob(
  'UEsDBBQAAAAIAJNdeF1mwFoZDwAAABAAAAAHABwAZC5qc29ubFVUCQADpXgFa6V4BWt1eAsAAQQAAAAABAAAAACrVkpUsjKs5aoG0Ua1XABQSwMECgAAAAAAk114XYMW3IwBAAAAAQAAAAUAHABlLnR4dFVUCQADpXgFa6V4BWt1eAsAAQQAAAAABAAAAAB4UEsBAh4DFAAAAAgAk114XWbAWhkPAAAAEAAAAAcAGAAAAAAAAQAAAKSBAAAAAGQuanNvbmxVVAUAA6V4BWt1eAsAAQQAAAAABAAAAABQSwECHgMKAAAAAACTXXhdgxbcjAEAAAABAAAABQAYAAAAAAABAAAApIFQAAAAZS50eHRVVAUAA6V4BWt1eAsAAQQAAAAABAAAAABQSwUGAAAAAAIAAgCYAAAAkAAAAAAA',
)
/** A folder and the file in it. */
const ZIP_OF_FOLDER = blob(
  'UEsDBAoAAAAAAJNdeF0AAAAAAAAAAAAAAAAEABwAc3ViL1VUCQADpXgFa6V4BWt1eAsAAQQAAAAABAAAAABQSwMEFAAAAAgAk114XWbAWhkPAAAAEAAAAAsAHABzdWIvZC5qc29ubFVUCQADpXgFa6V4BWt1eAsAAQQAAAAABAAAAACrVkpUsjKs5aoG0Ua1XABQSwECHgMKAAAAAACTXXhdAAAAAAAAAAAAAAAABAAYAAAAAAAAABAA7UEAAAAAc3ViL1VUBQADpXgFa3V4CwABBAAAAAAEAAAAAFBLAQIeAxQAAAAIAJNdeF1mwFoZDwAAABAAAAALABgAAAAAAAEAAACkgT4AAABzdWIvZC5qc29ubFVUBQADpXgFa3V4CwABBAAAAAAEAAAAAFBLBQYAAAAAAgACAJsAAACSAAAAAAA=',
)
const ZIP_ENCRYPTED = blob(
  'UEsDBBQACQAIAJNdeF1mwFoZGwAAABAAAAAHABwAZC5qc29ubFVUCQADpXgFa6V4BWt1eAsAAQQAAAAABAAAAAB2ToejaGK7G1YYF8gayiNI4YjyRCM4W9W7uZ9QSwcIZsBaGRsAAAAQAAAAUEsBAh4DFAAJAAgAk114XWbAWhkbAAAAEAAAAAcAGAAAAAAAAQAAAKSBAAAAAGQuanNvbmxVVAUAA6V4BWt1eAsAAQQAAAAABAAAAABQSwUGAAAAAAEAAQBNAAAAbAAAAAAA',
)
/** 50,000,000 zeros in 81 bytes. */
const BZIP2_BOMB = blob(
  'QlpoOTFBWSZTWQ4J4t8BX45AAMAAAAggADCATUZCoCWpCoCXMUFZJlNZk8TsPQAfaMEAwAAAEAAIIAAwzAmqaZUiDapSIPF3JFOFCQj9cpgw',
)

const SAMPLES: Readonly<Record<Exclude<Codec, 'none'>, Buffer>> = {
  gzip: gzipSync(TEXT),
  zstd: zstdCompressSync(TEXT),
  bzip2: BZIP2,
  xz: XZ,
  zip: ZIP,
}

let bench: GateBench
beforeAll(async () => {
  bench = await openGateBench()
})
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

async function expanded(bytes: Uint8Array, max = 1 << 30): Promise<string> {
  const { path } = bench.stage(bytes)
  const parts: Uint8Array[] = []
  const codec = sniffCodec(bytes)
  for await (const part of expand(path, { codec, max_expanded_bytes: max })) parts.push(part)
  return Buffer.concat(parts).toString()
}

describe('codecs', () => {
  for (const [codec, bytes] of Object.entries(SAMPLES)) {
    it(`${codec} is told by its first bytes and expanded`, async () => {
      expect(sniffCodec(bytes)).toBe(codec)
      expect(await expanded(bytes)).toBe(TEXT)
    })

    it(`${codec} cut off anywhere is corrupt`, async () => {
      for (let length = 12; length < bytes.length; length++) {
        const cut = bytes.subarray(0, length)
        await expect(expanded(cut), `${length} bytes`).rejects.toMatchObject({
          code: 'corrupt_object',
        })
      }
    })

    it(`${codec} followed by something else is corrupt`, async () => {
      await expect(expanded(Buffer.concat([bytes, Buffer.from('garbage!')]))).rejects.toMatchObject(
        { code: 'corrupt_object' },
      )
    })

    it(`${codec} that expands beyond the limit is too large`, async () => {
      await expect(expanded(bytes, 15)).rejects.toMatchObject({ code: 'too_large' })
      expect(await expanded(bytes, 16)).toBe(TEXT)
    })
  }

  for (const codec of ['gzip', 'zstd', 'bzip2', 'xz'] as const) {
    it(`${codec} may come in several members`, async () => {
      const bytes = SAMPLES[codec]
      expect(await expanded(Buffer.concat([bytes, bytes, bytes]))).toBe(TEXT.repeat(3))
    })
  }

  it('a changed byte in gzip, bzip2, xz or zip content is never taken for data', async () => {
    for (const codec of ['gzip', 'bzip2', 'xz', 'zip'] as const) {
      const bytes = SAMPLES[codec]
      for (let at = 10; at < bytes.length; at++) {
        const changed = Buffer.from(bytes)
        changed[at] = (changed[at] as number) ^ 0x41
        const text = await expanded(changed).catch((error: { code: string }) => {
          expect(['corrupt_object', 'unreadable', 'too_large']).toContain(error.code)
          return TEXT
        })
        expect(text, `${codec} byte ${at}`).toBe(TEXT)
      }
    }
  })

  it('zeros after gzip are not passed over', async () => {
    const padded = Buffer.concat([SAMPLES.gzip, Buffer.alloc(64)])
    await expect(expanded(padded)).rejects.toMatchObject({ code: 'corrupt_object' })
  })

  it('an archive of nothing is no bytes', async () => {
    expect(await expanded(gzipSync(''))).toBe('')
    expect(await expanded(zstdCompressSync(''))).toBe('')
  })

  it('a zip holds one file; folders do not count', async () => {
    expect(await expanded(ZIP_OF_FOLDER)).toBe(TEXT)
    await expect(expanded(ZIP_OF_TWO)).rejects.toMatchObject({
      code: 'unreadable',
      message: expect.stringContaining('d.jsonl, e.txt'),
    })
    await expect(expanded(ZIP_ENCRYPTED)).rejects.toMatchObject({ code: 'unreadable' })
  })

  it('a bzip2 block that grows 600,000-fold stops at the limit', async () => {
    await expect(expanded(BZIP2_BOMB, 1_000_000)).rejects.toMatchObject({ code: 'too_large' })
  })

  it('text that begins like bzip2 is text', () => {
    expect(sniffCodec(Buffer.from('BZhang,1'))).toBe('none')
    expect(sniffCodec(Buffer.from('BZh1,2'))).toBe('none')
  })

  it('reports the delivered bytes it has gone through', async () => {
    const seen: number[] = []
    const { path } = bench.stage(SAMPLES.gzip)
    writeFileSync(path, SAMPLES.gzip)
    const progress = (bytes: number) => seen.push(bytes)
    for await (const _ of expand(path, { codec: 'gzip', max_expanded_bytes: 100, progress }));
    expect(seen.at(-1)).toBe(SAMPLES.gzip.length)
  })
})
