import { appendFile, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Stream } from '../../core/destination/stream.ts'
import { expandFile } from '../../expand-file.ts'
import { skipValue } from '../../format/encode/json-skip.ts'
import { fileSource, findFile } from './file-source.ts'
import { type SyncNote, scopeOf } from './sync-source.ts'

const STREAM: Stream = {
  name: 'events',
  json_schema: {},
  write_mode: 'append',
  cursor_field: [],
  primary_key: [],
}

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bucketline-files-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(Buffer.from(piece))
  return Buffer.concat(all).toString()
}

async function open(
  names: readonly string[],
  states: readonly { readonly scope: string; readonly state: string }[] = [],
  stream = STREAM,
) {
  const notes: SyncNote[] = []
  const files = await Promise.all(names.map((name) => findFile(join(dir, name))))
  const options = {
    stream,
    readFile: expandFile,
    endOfValue: skipValue,
    digest: (text: string) => text.slice(0, 9),
  }
  const source = await fileSource(files, options).open(states, {
    signal: new AbortController().signal,
    now: () => new Date(5),
    note: (note) => notes.push(note),
    log: () => {},
  })
  return { source, notes }
}

describe('the bytes of a file', () => {
  const first = '{"a":1}\n'
  const second = '{"b":2}'
  it.each([
    ['plain', Buffer.from(first + second)],
    ['gzip, of two members', Buffer.concat([gzipSync(first), gzipSync(second)])],
    ['zstd, of two frames', Buffer.concat([zstdCompressSync(first), zstdCompressSync(second)])],
  ])('are unpacked by what they are, whatever the name: %s', async (_, bytes) => {
    const path = join(dir, 'file')
    await writeFile(path, bytes)
    expect(await textOf(expandFile(path))).toBe(first + second)
  })

  it.each([
    ['gzip', gzipSync('{"a":1}\n'.repeat(1000))],
    ['zstd', zstdCompressSync('{"a":1}\n'.repeat(1000))],
  ])('are refused where they are not whole: %s', async (_, bytes) => {
    const path = join(dir, 'file')
    await writeFile(path, bytes.subarray(0, bytes.length - 5))
    await expect(textOf(expandFile(path))).rejects.toMatchObject({
      code: 'record_invalid',
      message: expect.stringContaining(`${path} cannot be unpacked.`),
    })
  })
})

describe('files', () => {
  it('end with a state each, and are left out by it as long as they stay as they are', async () => {
    for (const name of ['a', 'b']) await writeFile(join(dir, name), `{"${name}":1}\n`)
    const { source } = await open(['a', 'b'])
    const lines = (await textOf(source.messages)).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).type)).toEqual([
      'RECORD',
      'STATE',
      'RECORD',
      'STATE',
    ])
    const states = [1, 3].map((at) => source.stateOf(lines[at] ?? ''))
    expect(states.map(({ scope }) => scope)).toEqual([`file:${dir}/a`, `file:${dir}/b`])

    const second = await open(['a', 'b'], states)
    expect(await textOf(second.source.messages)).toBe('')
    expect(second.notes).toMatchObject([{ code: 'files_sent_before', count: 2 }])

    // The same size at another time may be another text.
    await utimes(join(dir, 'a'), 1, 1)
    const third = await open(['a', 'b'], states)
    expect(await textOf(third.source.messages)).toContain('{"a":1}')
    expect(third.notes.map(({ code }) => code)).toEqual(['files_sent_before', 'files_changed'])

    const all = await open(['a', 'b'], states, { ...STREAM, write_mode: 'overwrite' })
    expect((await textOf(all.source.messages)).match(/RECORD/g)).toHaveLength(2)
  })

  it('that change while they are read are not remembered', async () => {
    await writeFile(join(dir, 'a'), '{"a":1}\n')
    const { source } = await open(['a'])
    await appendFile(join(dir, 'a'), '{"a":2}\n')
    await expect(textOf(source.messages)).rejects.toMatchObject({
      code: 'source_failed',
      message: `${dir}/a changed while it was read.`,
    })
  })

  it('of none say so', async () => {
    expect((await open([])).notes).toMatchObject([{ code: 'no_files', count: 0 }])
  })
})

it('a scope that is too long is told by a digest', () => {
  const digest = (text: string) => `${text.length}`
  expect(scopeOf('file', 'x'.repeat(500), digest)).toBe(`file:${'x'.repeat(500)}`)
  expect(scopeOf('file', 'x'.repeat(5000), digest)).toBe('file:sha256:5000')
})
