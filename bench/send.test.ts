import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { s3RootClient } from '../test/servers/s3-bucket.ts'
import { sendFormats } from './benchmarks/send-formats.ts'
import { sendMemory } from './benchmarks/send-memory.ts'
import { sendStreams } from './benchmarks/send-streams.ts'
import { bucketlineWrite } from './contenders/bucketline-write.ts'
import { airbyteRecords, RECORD_BYTES, RECORD_SCHEMA, RECORDS } from './data/airbyte-records.ts'
import { measure } from './measure.ts'
import { type ObjectServer, startObjectServer } from './object-server.ts'
import { runRounds } from './rounds.ts'
import { SLOW, smallContext } from './small-context.ts'
import { storedRows } from './stored-rows.ts'

let context: Awaited<ReturnType<typeof smallContext>>
let server: ObjectServer
beforeAll(async () => {
  context = await smallContext()
  server = await startObjectServer('s3rver')
})
afterAll(async () => {
  await server.stop()
  await context[Symbol.asyncDispose]()
})

describe('measuring a process with input', () => {
  it('times it from the first input it takes', async () => {
    const path = join(context.data_dir, 'input')
    await writeFile(path, 'x'.repeat(300_000))
    const run = await measure('sh', ['-c', 'sleep 0.5; wc -c; sleep 0.3'], {
      cwd: context.data_dir,
      input: [path, path],
    })
    expect(run.stdout.trim()).toBe('600000')
    expect(run.process_seconds).toBeGreaterThan(0.8)
    expect(run.input_seconds).toBeGreaterThan(0.25)
    expect(run.input_seconds).toBeLessThan(run.process_seconds - 0.4)
  })

  it('is a pipe, not a socket and not a file', async () => {
    const path = join(context.data_dir, 'short')
    await writeFile(path, 'x')
    const at = { cwd: context.data_dir, input: [path] }
    await expect(measure('sh', ['-c', 'test -p /dev/stdin && cat'], at)).resolves.toBeDefined()
  })

  it('fails with an input that is not there', async () => {
    const at = { cwd: context.data_dir, input: [join(context.data_dir, 'absent')] }
    await expect(measure('cat', [], at)).rejects.toThrow(/its input ended with 1: .*absent/)
  })

  it('counts the memory and time of children, too', async () => {
    const held = `const held = Buffer.alloc(2e8, 1); const until = Date.now() + 500; while (Date.now() < until); held.at(0)`
    const own = `require('node:child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(held)}])`
    const two = `const held = Buffer.alloc(2e8, 1); ${own}; held.at(0)`
    const run = await measure(process.execPath, ['-e', two], { cwd: tmpdir() })
    expect(run.peak_rss_bytes).toBeGreaterThan(4e8)
    expect(run.peak_rss_bytes).toBeLessThan(7e8)
    expect(run.cpu_seconds).toBeGreaterThan(0.3)
  })
})

describe('records', () => {
  it('have the bytes the goals count with, and are what their schema says', async () => {
    const { records } = await airbyteRecords(context, { rows: 2000, streams: 1 })
    const { size } = await stat(records)
    expect((size / 2000) * (RECORDS / RECORD_BYTES)).toBeCloseTo(1, 1)
    const line = (await readFile(records, 'utf8')).split('\n')[1000] ?? ''
    const { type, record } = JSON.parse(line) as { type: string; record: Record<string, object> }
    expect(type).toBe('RECORD')
    expect(Object.keys(record)).toEqual(['stream', 'data', 'emitted_at'])
    expect(Object.keys(record.data ?? {})).toEqual(Object.keys(RECORD_SCHEMA.properties))
  })

  it('are of as many bytes whatever the number of streams', async () => {
    const one = await airbyteRecords(context, { rows: 1000, streams: 1 })
    const many = await airbyteRecords(context, { rows: 1000, streams: 50 })
    expect((await stat(many.records)).size).toBe((await stat(one.records)).size)
    const names = (await readFile(many.records, 'utf8')).match(/(?<="stream":")\w+/g) ?? []
    expect([...new Set(names)].sort()).toEqual(many.streams)
  })
})

describe('what is read back', () => {
  it('are the rows of every object wanted, and the bucket is gone afterwards', async () => {
    const client = s3RootClient(server)
    let name: string
    {
      await using bucket = await server.openBucket()
      name = bucket.name
      const put = (Key: string, Body: string | Uint8Array) =>
        client.send(new PutObjectCommand({ Bucket: bucket.name, Key, Body }))
      await put('a/1.jsonl.gz', gzipSync('{}\n{}\n'))
      await put('a/2.jsonl', '{}\n')
      await put('b/1.csv', 'x\r\n1\r\n2\r\n')
      const dir = context.data_dir
      const jsonl = await storedRows(bucket, 'jsonl', {
        dir,
        wanted: (key) => key.startsWith('a/'),
      })
      expect(jsonl).toEqual({ objects: 2, rows: 3 })
      const csv = await storedRows(bucket, 'csv', { dir, wanted: (key) => key.startsWith('b/') })
      expect(csv).toEqual({ objects: 1, rows: 2 })
    }
    const gone = client.send(new PutObjectCommand({ Bucket: name, Key: 'x', Body: 'x' }))
    await expect(gone).rejects.toThrow(/bucket/i)
    client.destroy()
  })

  it('ends a run that left other rows than it was given', async () => {
    const records = await airbyteRecords(context, { rows: 500, streams: 1 })
    const wrong = { ...records, rows: 501 }
    const contender = bucketlineWrite(server, 'JSONL.gz', { name: 'ours', records: wrong })
    const dir = await mkdtemp(join(context.data_dir, 'run-'))
    await expect(contender.run(dir)).rejects.toThrow(
      'ours left {"rows":500,"states":1}, wanted 501',
    )
  }, 30_000)
})

describe('send benchmarks, very small', () => {
  it.each([
    [sendFormats, 6],
    [sendStreams, 4],
    [sendMemory, 4],
  ])(
    '$name runs',
    async (each, contenders) => {
      const prepared = await each.prepare(context)
      try {
        const result = await runRounds(each, prepared, { context, rounds: 1 })
        expect(result.contenders).toHaveLength(contenders)
        expect(result.goals).toHaveLength(each.goals.length)
        for (const { samples } of result.contenders) {
          expect(samples[0]?.seconds).toBeGreaterThan(0)
          expect(samples[0]?.peak_rss_bytes).toBeGreaterThan(5e7)
        }
      } finally {
        await prepared.close?.()
      }
    },
    SLOW,
  )
})
