import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { parse } from 'yaml'
import { literal, openDuckdb } from '../../src/duckdb/duckdb.ts'
import type { Json } from './workspace.ts'

/** One folder of `test/fixtures/deliveries`. */
export interface Delivery {
  readonly name: string
  /** What the case shows, in a sentence. */
  readonly about: string
  readonly feed: Json
  readonly damage: Readonly<Record<string, Damage>>
  readonly contract?: string
  readonly expected: Expected
}

/** What is done to an object after it was made. */
export interface Damage {
  /** Bytes kept from its start; negative: bytes cut off its end. */
  readonly keep?: number
  readonly overwrite?: { readonly at: number; readonly hex: string }
}

export interface Expected {
  /** Of each load in order; only what is written is compared, but no load may be left out. */
  readonly loads: readonly Json[]
  /** Columns of the dataset by type, where the case is about them. */
  readonly columns?: Readonly<Record<string, string>>
  readonly rows: readonly Json[]
  /** Only what is written of each is compared, but none may be left out. */
  readonly rejects: readonly (Json & { readonly message_has?: string })[]
}

export async function readDelivery(folder: string, name: string): Promise<Delivery> {
  const text = (file: string) => readFile(join(folder, name, file), 'utf8')
  const { about, feed, damage, ...unknown } = parse(await text('case.yaml')) as Delivery
  if (Object.keys(unknown).length > 0)
    throw new Error(`${name}/case.yaml: unknown ${Object.keys(unknown).join(', ')}`)
  const files = await readdir(join(folder, name))
  return {
    name,
    about,
    feed,
    damage: damage ?? {},
    ...(files.includes('contract.odcs.yaml') ? { contract: await text('contract.odcs.yaml') } : {}),
    expected: JSON.parse(await text('expected.json')) as Expected,
  }
}

/**
 * Makes a delivery's objects from their readable sources: `a.parquet.sql` is a SELECT written as
 * Parquet, `a.gz.txt` and `a.zst.txt` are text to compress, `a.utf16le.txt` and `a.latin1.txt` text
 * to encode, `a.base64` bytes; every other file is an object as it is. A marker is written last.
 */
export async function writeDelivery(delivery: Delivery, folder: string, target: string) {
  const source = join(folder, delivery.name, 'objects')
  const entries = await readdir(source, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((e) => e.isFile())
    .map((e) => join(e.parentPath, e.name).slice(source.length + 1))
    .sort((a, b) => Number(a.includes('_SUCCESS')) - Number(b.includes('_SUCCESS')))
  for (const file of files) {
    const { key, write } = sourceOf(file)
    const path = join(target, key)
    await mkdir(dirname(path), { recursive: true })
    await write(join(source, file), path)
    const damage = delivery.damage[key]
    if (damage !== undefined) await damageFile(path, damage)
  }
}

type Write = (from: string, to: string) => Promise<void>

const MAKERS: readonly (readonly [RegExp, string, Write])[] = [
  [/\.parquet\.sql$/, '.parquet', writeParquet],
  [/\.gz\.txt$/, '.gz', encoded((text) => gzipSync(text))],
  [/\.zst\.txt$/, '.zst', encoded((text) => zstdCompressSync(text))],
  [/\.utf16le\.txt$/, '', encoded((text) => Buffer.from(`\uFEFF${text}`, 'utf16le'))],
  [/\.latin1\.txt$/, '', encoded((text) => Buffer.from(text.toString(), 'latin1'))],
  [/\.base64$/, '', encoded((text) => Buffer.from(text.toString(), 'base64'))],
]

function sourceOf(file: string): { key: string; write: Write } {
  for (const [suffix, kept, write] of MAKERS)
    if (suffix.test(file)) return { key: file.replace(suffix, kept), write }
  return { key: file, write: encoded((bytes) => bytes) }
}

function encoded(encode: (text: Buffer) => Uint8Array): Write {
  return async (from, to) => writeFile(to, encode(await readFile(from)))
}

/** The file is one SELECT; `-- copy: OPTIONS` in its first line adds options to the COPY. */
async function writeParquet(from: string, to: string): Promise<void> {
  const sql = await readFile(from, 'utf8')
  const options = /^-- copy: (.*)$/m.exec(sql)?.[1]
  await using duckdb = await openDuckdb({
    memory_limit: '512MB',
    spill_dir: dirname(to),
    threads: 1,
  })
  await duckdb.run(
    `COPY (${sql.trim().replace(/;$/, '')}\n) TO ${literal(to)} (FORMAT parquet${options === undefined ? '' : `, ${options}`})`,
  )
}

async function damageFile(path: string, damage: Damage): Promise<void> {
  let bytes = await readFile(path)
  const { keep, overwrite } = damage
  if (overwrite !== undefined) Buffer.from(overwrite.hex, 'hex').copy(bytes, overwrite.at)
  if (keep !== undefined) bytes = bytes.subarray(0, keep < 0 ? bytes.length + keep : keep)
  await writeFile(path, bytes)
}
