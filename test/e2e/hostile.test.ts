import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { literal, openDuckdb } from '../../src/duckdb/duckdb.ts'
import { bzip2Zeros, xzZeros, zipOf } from '../support/hostile-files.ts'
import { contractOf, jsonl, type RejectedRow, type Report } from '../support/workspace.ts'

const launcher = fileURLToPath(new URL('../../bin/bucketline', import.meta.url))

/**
 * How much more memory hostile objects may cost than one small object costs the same command, in MB:
 * memory_limit, and at each of four gates a row of up to 16 MiB with what is made of it.
 */
const MOST_MB = 800

/**
 * Leaves the most kilobytes that were resident. Linux counts into `maxRSS` what the process that
 * started this one had, so what it says of this program alone is taken where there is such a thing.
 */
const PEAK = `import { existsSync, readFileSync, writeFileSync } from 'node:fs'
process.on('exit', () => {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : ''
  const peak = /VmHWM:\\s+(\\d+)/.exec(status)?.[1] ?? process.resourceUsage().maxRSS
  writeFileSync(process.env.PEAK_FILE, String(peak))
})
`

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bucketline-hostile-'))
  await writeFile(join(folder, 'peak.mjs'), PEAK)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

type Content = string | Uint8Array | ((path: string) => Promise<void>)

interface Checked {
  readonly validation: Report
  readonly rejects: readonly RejectedRow[]
  /** Code by the object's name. */
  readonly refused: Readonly<Record<string, string>>
  /** Memory at its most, beyond that of the same command on one small object. */
  readonly more_mb: number
}

/** Delivers a day of objects; what `validate` prints of them, as JSON. */
async function deliver(
  objects: Readonly<Record<string, Content>>,
  feed: Readonly<Record<string, unknown>>,
  memory_limit: string,
) {
  for (const [name, content] of Object.entries(objects)) {
    const path = join(folder, 'inbox/dt=2023-01-01', name)
    await mkdir(dirname(path), { recursive: true })
    if (typeof content === 'function') await content(path)
    else await writeFile(path, content)
  }
  const contract = contractOf([
    { name: 'id', logicalType: 'integer', required: true },
    { name: 'name', logicalType: 'string' },
    {
      name: 'props',
      logicalType: 'object',
      physicalType: 'JSON',
      customProperties: [{ property: 'acceptJsonText', value: true }],
    },
  ])
  await writeFile(join(folder, 'contract.odcs.yaml'), contract)
  const settings = {
    store: 'inbox',
    contract: 'contract.odcs.yaml',
    layout: 'dt={yyyy}-{MM}-{dd}/{file}',
    max_rejected_percent: 100,
    ...feed,
  }
  await writeFile(
    join(folder, 'bucketline.yaml'),
    stringify({
      memory_limit,
      threads: 2,
      stores: { inbox: { type: 'local', path: 'inbox' } },
      feeds: { events: settings },
    }),
  )
  return run('validate', 'events', '--json')
}

/** Validates a day of objects with the executable, and measures it. */
async function check(
  objects: Readonly<Record<string, Content>>,
  feed: Readonly<Record<string, unknown>> = {},
  memory_limit = '256MB',
): Promise<Checked> {
  const usual = await usualPeak()
  const { stdout, stderr, status } = await deliver(objects, feed, memory_limit)
  expect(stderr).toBe('')
  expect([stdout.slice(0, 500), status]).toEqual([
    expect.stringContaining('"validations"'),
    expect.toBeOneOf([0, 1]),
  ])
  const { validations, rejects } = JSON.parse(stdout) as {
    validations: Report[]
    rejects: RejectedRow[]
  }
  const [validation] = validations
  if (validation === undefined) throw new Error('nothing was validated')
  const refused = Object.fromEntries(
    validation.objects.map(({ object, code }) => [object.slice('dt=2023-01-01/'.length), code]),
  )
  return { validation, rejects, refused, more_mb: peakMb() - usual }
}

const peakMb = () => Number(readFileSync(join(folder, 'peak'), 'utf8')) / 1024

let usual_peak: number | undefined
async function usualPeak(): Promise<number> {
  if (usual_peak === undefined) {
    await deliver({ 'usual.jsonl': '{"id":1}\n' }, {}, '256MB')
    usual_peak = peakMb()
    for (const made of ['inbox', '.bucketline'])
      await rm(join(folder, made), { recursive: true, force: true })
  }
  return usual_peak
}

async function run(...words: string[]) {
  const child = spawn(launcher, words, {
    cwd: folder,
    env: {
      ...process.env,
      NODE_OPTIONS: `--import=${join(folder, 'peak.mjs')}`,
      PEAK_FILE: join(folder, 'peak'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = async (stream: AsyncIterable<Buffer>) => {
    const parts: Buffer[] = []
    for await (const part of stream) parts.push(part)
    return Buffer.concat(parts).toString()
  }
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { stdout, stderr, status: await ended }
}

/** Writes pieces one after the other; a hundred megabytes are not made in this process. */
const pieces =
  (...parts: readonly (readonly [text: string, times: number])[]) =>
  async (path: string) => {
    const file = await open(path, 'w')
    try {
      for (const [text, times] of parts) {
        const block = Math.max(1, Math.min(times, Math.floor(1_000_000 / text.length)))
        const bytes = Buffer.from(text.repeat(block))
        for (let left = times; left > 0; left -= block)
          await file.write(left >= block ? bytes : Buffer.from(text.repeat(left)))
      }
    } finally {
      await file.close()
    }
  }

const parquet =
  (select: string, options = '', before = '') =>
  async (path: string) => {
    await using duckdb = await openDuckdb({
      memory_limit: '512MB',
      spill_dir: join(folder, 'made'),
    })
    if (before !== '') await duckdb.run(before)
    await duckdb.run(`COPY (${select}) TO ${literal(path)} (FORMAT parquet${options})`)
  }

describe('hostile input', () => {
  it('zip bombs of every kind are too large, in bounded memory', async () => {
    const size = 400_000_000
    const member = Buffer.alloc(50_000_000)
    const many = (bytes: Buffer) => Buffer.concat(Array.from({ length: 8 }, () => bytes))
    const { refused, validation, more_mb } = await check(
      {
        'a.jsonl.gz': many(gzipSync(member, { level: 9 })),
        'b.jsonl.zst': many(zstdCompressSync(member)),
        'c.jsonl.bz2': bzip2Zeros(size),
        'd.jsonl.xz': xzZeros(size),
        'e.jsonl.zip': zipOf('e.jsonl', Buffer.alloc(size)),
        // Claims to be small, and is not.
        'f.jsonl.zip': zipOf('f.jsonl', Buffer.alloc(size), 1000),
        'g.jsonl': jsonl([{ id: 1 }]),
      },
      { format: { type: 'jsonl', max_expanded_bytes: 100_000_000 } },
    )
    expect(refused).toEqual({
      'a.jsonl.gz': 'too_large',
      'b.jsonl.zst': 'too_large',
      'c.jsonl.bz2': 'too_large',
      'd.jsonl.xz': 'too_large',
      'e.jsonl.zip': 'too_large',
      'f.jsonl.zip': 'corrupt_object',
    })
    expect(validation).toMatchObject({ rows_read: 1, rows_published: 1, rejected: 0 })
    expect(more_mb).toBeLessThan(MOST_MB)
  })

  it('lines of 100 MB are refused alone, in bounded memory', async () => {
    const good = '{"id":1}\n'
    const { rejects, validation, more_mb } = await check({
      'a.jsonl': pieces(
        [good, 1],
        ['{"id":2,"name":"', 1],
        ['x', 100_000_000],
        ['"}\n', 1],
        [good, 1],
      ),
      'b.jsonl': pieces([good, 1], ['[', 100_000_000], ['\n', 1], [good, 1]),
      'c.csv': pieces(['id,name\n1,a\n2,', 1], ['x', 100_000_000], ['\n3,b\n', 1]),
      // The quote is never closed.
      'd.csv': pieces(['id,name\n1,a\n2,"', 1], ['x', 100_000_000], ['\n3,b\n', 1]),
      'e.csv': pieces(['id,name\n1,a\n2,b', 1], [',', 100_000_000], ['\n3,b\n', 1]),
      'f.jsonl': pieces([good, 1], [' ', 100_000_000], ['\n', 1], [good, 1]),
      'g.jsonl': pieces(
        ['{"id":1,"name":7}\n', 1],
        ['x', 50_000_000],
        ['\n{"id":1,"name":8}\n', 1],
      ),
    })
    expect(rejects.map(({ object, row, code }) => [object.slice(-7), row, code])).toEqual([
      ['a.jsonl', 2, 'line_too_long'],
      ['b.jsonl', 2, 'line_too_long'],
      ['1/c.csv', 3, 'line_too_long'],
      ['1/d.csv', 3, 'line_too_long'],
      ['1/e.csv', 3, 'line_too_long'],
      ['f.jsonl', 2, 'line_too_long'],
      ['g.jsonl', 1, 'wrong_type'],
      ['g.jsonl', 2, 'line_too_long'],
      ['g.jsonl', 3, 'wrong_type'],
    ])
    expect(validation).toMatchObject({ rows_read: 21, rejected: 9, rows_published: 12 })
    for (const { raw } of rejects) expect(raw.length).toBeLessThan(10_000)
    expect(more_mb).toBeLessThan(MOST_MB)
  })

  it('JSON that is 100,000 levels deep is refused as a value, and harmless inside a text', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const objects = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
    const { rejects, validation, more_mb } = await check({
      'a.jsonl': `{"id":1}\n{"id":2,"props":${deep}}\n{"id":3,"other":${objects}}\n{"id":4,"props":${'['.repeat(100_000)}\n`,
      'b.jsonl': `${jsonl([
        { id: 1, props: deep },
        { id: 2, props: objects },
        { id: 3, props: `${objects},` },
      ])}{"id":4}\n`,
      'c.csv': `id,props\n1,"${deep}"\n2,"${objects.replaceAll('"', '""')}"\n3,{}\n`,
      'd.parquet': parquet(`SELECT 1 AS id, ${literal(objects)} AS props UNION ALL SELECT 2, '{}'`),
    })
    expect(rejects.map(({ object, row, code }) => [object.slice(-9), row, code])).toEqual([
      ['1/a.jsonl', 2, 'too_deep'],
      ['1/a.jsonl', 3, 'too_deep'],
      ['1/a.jsonl', 4, 'too_deep'],
      // A text is kept as it is, however deep; it has to be an object.
      ['1/b.jsonl', 1, 'wrong_type'],
      ['1/b.jsonl', 3, 'invalid_format'],
      ['-01/c.csv', 2, 'wrong_type'],
    ])
    expect(validation).toMatchObject({ rows_read: 13, rows_published: 7, rejected: 6 })
    expect(more_mb).toBeLessThan(MOST_MB)
  })

  const names = (count: number) => Array.from({ length: count - 1 }, (_, n) => `field_${n}`)
  const wide = {
    jsonl: (count: number) =>
      jsonl([{ id: 1, ...Object.fromEntries(names(count).map((name, n) => [name, n])) }]),
    csv: (count: number) =>
      `id,${names(count).join(',')}\n1,${names(count)
        .map((_, n) => n)
        .join(',')}\n`,
    parquet: (count: number) =>
      parquet(
        `SELECT 1 AS id, ${names(count)
          .map((name, n) => `${n} AS ${name}`)
          .join(', ')}`,
      ),
  }

  it('more than 10,000 columns are refused, beside objects of 1,000', async () => {
    const { refused, validation, more_mb } = await check(
      {
        'a.jsonl': wide.jsonl(1_000),
        'b.jsonl': wide.jsonl(10_001),
        'c.csv': wide.csv(1_000),
        'd.csv': wide.csv(10_001),
        'e.parquet': wide.parquet(1_000),
        'f.parquet': wide.parquet(10_001),
      },
      {},
      '1GB',
    )
    expect(refused).toEqual({
      'b.jsonl': 'unreadable',
      'd.csv': 'header',
      'f.parquet': 'unreadable',
    })
    expect(validation).toMatchObject({ rows_read: 3, rows_published: 3 })
    expect(more_mb).toBeLessThan(2 * MOST_MB)
  })

  it('10,000 columns that do not fit into memory_limit are told as that', async () => {
    const { stdout, status } = await deliver({ 'a.jsonl': wide.jsonl(10_000) }, {}, '256MB')
    expect(status).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'out_of_memory' } })
  })

  it('encrypted Parquet is unreadable, by name', async () => {
    // Safe enough to be refused: DuckDB writes encrypted files only with another library otherwise.
    const key = "SET force_mbedtls_unsafe = 'true'; PRAGMA add_parquet_key('k', '0123456789112345')"
    const { refused, validation } = await check({
      'a.parquet': parquet('SELECT 1 AS id', ", ENCRYPTION_CONFIG {footer_key: 'k'}", key),
      'b.parquet': parquet('SELECT 1 AS id'),
    })
    expect(refused).toEqual({ 'a.parquet': 'unreadable' })
    expect(validation).toMatchObject({ rows_read: 1, rows_published: 1 })
  })

  it('names with ../ and SQL in them name nothing but themselves', async () => {
    const names = [
      '"); DROP TABLE bad; --',
      "a'||(SELECT 1)||'",
      '../../x',
      '$(x)',
      '/*',
      'a;b',
      'x" AS "y',
      '{0}',
      '%s',
      '\\',
      'sélect\n*',
    ]
    const fields = Object.fromEntries(names.map((name, n) => [name, n]))
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
    const { refused, rejects, validation } = await check(
      {
        'a.jsonl': `${jsonl([{ id: 1, ...fields }])}{"id":"x","../../x":1}\n`,
        'b.csv': `id,${names.map(quoted).join(',')}\n2,${names.map((_, n) => n).join(',')}\n`,
        'c.parquet': parquet(
          `SELECT 3 AS id, ${names.map((name, n) => `${n} AS ${quoted(name)}`).join(', ')}`,
        ),
        "'; DROP TABLE bad; --.jsonl": jsonl([{ id: 4 }]),
        'zip slip.jsonl.zip': zipOf('../../../evil.jsonl', Buffer.from('{"id":5}\n')),
        'abs.jsonl.zip': zipOf('/tmp/bucketline-evil.jsonl', Buffer.from('{"id":5}\n')),
      },
      { columns: 'evolve', format: { type: 'auto' } },
    )
    expect(refused).toEqual({
      'zip slip.jsonl.zip': 'corrupt_object',
      'abs.jsonl.zip': 'corrupt_object',
    })
    expect(rejects.map(({ row, code }) => [row, code])).toEqual([[2, 'wrong_type']])
    expect(validation).toMatchObject({ rows_read: 5, rows_published: 4, rejected: 1 })
    expect(existsSync('/tmp/bucketline-evil.jsonl')).toBe(false)
    for (const up of ['evil.jsonl', '../evil.jsonl', '../../evil.jsonl'])
      expect(existsSync(join(folder, up))).toBe(false)
  })

  it('NUL bytes, byte order marks and encodings are refused or read, never guessed', async () => {
    const text = '{"id":1,"name":"é"}\r\n'
    const { refused, rejects, validation } = await check({
      'nul.jsonl': '{"id":1}\n\0\n{"id":2,"name":"a\0b"}\n{"id\0":3}\n{"id":4,"n\\u0000":1}\n',
      'nul.csv': 'id,name\n1,"a\0b"\n\0,2\n',
      'nul-header.csv': 'id,na\0me\n1,2\n',
      'zeros.jsonl': Buffer.alloc(100_000),
      'zeros.csv': Buffer.alloc(100_000),
      'zeros.parquet': Buffer.alloc(100_000),
      'bom.jsonl': `\ufeff${text}`,
      'boms.jsonl': `\ufeff\ufeff${text}${text}`,
      'bom-inside.jsonl': `${text}\ufeff${text}`,
      'bom.csv': '\ufeffid,name\r\n1,é\r\n',
      'utf16le.jsonl': Buffer.from(`\ufeff${text}`, 'utf16le'),
      'utf16be.jsonl': Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
      'utf16-no-mark.jsonl': Buffer.from(text, 'utf16le'),
      'utf32.jsonl': Buffer.from('fffe00007b0000007d0000000a000000', 'hex'),
      'latin1.jsonl': Buffer.from(text, 'latin1'),
      'bom-only.jsonl': '\ufeff',
    })
    expect(refused).toEqual({
      'nul-header.csv': 'header',
      'zeros.csv': 'header',
      'zeros.parquet': 'wrong_format',
      'utf16le.jsonl': 'encoding',
      'utf16be.jsonl': 'encoding',
      'utf32.jsonl': 'encoding',
    })
    expect(
      rejects.map(({ object, row, code }) => [object.slice('dt=2023-01-01/'.length), row, code]),
    ).toEqual([
      ['bom-inside.jsonl', 2, 'invalid_json'],
      ['boms.jsonl', 1, 'invalid_json'],
      ['latin1.jsonl', 1, 'invalid_utf8'],
      ['nul.csv', 3, 'wrong_type'],
      ['nul.jsonl', 2, 'invalid_json'],
      ['nul.jsonl', 3, 'invalid_json'],
      ['nul.jsonl', 4, 'invalid_json'],
      ['nul.jsonl', 5, 'invalid_name'],
      ['utf16-no-mark.jsonl', 1, 'invalid_utf8'],
      ['utf16-no-mark.jsonl', 2, 'invalid_json'],
      ['zeros.jsonl', 1, 'invalid_json'],
    ])
    expect(validation.rows_published + validation.rejected).toBe(validation.rows_read)
  })
})
