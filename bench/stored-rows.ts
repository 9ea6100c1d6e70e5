import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import avsc from 'avsc'
import { literal, openDuckdb } from '../src/duckdb/duckdb.ts'
import type { Bucket } from './object-server.ts'

export type StoredFormat = 'jsonl' | 'csv' | 'avro' | 'parquet'

/** Rows in the objects whose key is wanted, every one read to its end; `dir` is for downloads. */
export async function storedRows(
  bucket: Bucket,
  format: StoredFormat,
  { dir, wanted }: { readonly dir: string; readonly wanted: (key: string) => boolean },
): Promise<{ readonly objects: number; readonly rows: number }> {
  const keys = (await bucket.keys()).filter(wanted)
  let rows = 0
  for (const key of keys) rows += await rowsOf(bucket, key, { format, dir })
  return { objects: keys.length, rows }
}

async function rowsOf(
  bucket: Bucket,
  key: string,
  { format, dir }: { readonly format: StoredFormat; readonly dir: string },
): Promise<number> {
  if (format === 'avro') {
    let rows = 0
    await pipeline(await bucket.read(key), new avsc.streams.BlockDecoder(), async (records) => {
      for await (const _record of records) rows += 1
    })
    return rows
  }
  if (format === 'parquet') {
    const path = join(dir, 'read-back.parquet')
    await bucket.download(key, path)
    const rows = await parquetRows(path, dir)
    await rm(path)
    return rows
  }
  const lines = await linesOf(bucket, key)
  // A header in each object; no made text holds a line end.
  return format === 'csv' ? lines - 1 : lines
}

async function linesOf(bucket: Bucket, key: string): Promise<number> {
  let lines = 0
  await pipeline(
    await bucket.read(key),
    key.endsWith('.gz') ? createGunzip() : new PassThrough(),
    async (text: AsyncIterable<Buffer>) => {
      for await (const chunk of text)
        for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines += 1
    },
  )
  return lines
}

/** Counted over a column, so that its pages are read and not the footer alone. */
async function parquetRows(path: string, dir: string): Promise<number> {
  const spill_dir = join(dir, 'spill')
  await mkdir(spill_dir, { recursive: true })
  await using db = await openDuckdb({ memory_limit: '1GB', threads: 2, spill_dir })
  const [found] = await db.all<{ rows: bigint }>(
    `SELECT count("id") AS rows FROM read_parquet(${literal(path)})`,
  )
  return Number(found?.rows)
}
