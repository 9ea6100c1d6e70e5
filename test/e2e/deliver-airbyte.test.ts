import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { catalogOf, recordLine } from '../support/airbyte-messages.ts'
import { contractOf } from '../support/workspace.ts'

/** Deliveries of an Airbyte source, by the executable: a source that is run, and one that is piped in. */

const launcher = fileURLToPath(new URL('../../bin/bucketline', import.meta.url))
const source = fileURLToPath(new URL('../support/counting-source.ts', import.meta.url))

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'bucketline-deliver-airbyte-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

let folders = 0

/** A folder with an empty store, a contract of `id` and `key`, and a source that counts. */
async function workplace(settings: object = {}) {
  const dir = join(root, String(++folders))
  await mkdir(join(dir, 'outbox'), { recursive: true })
  const command = [process.execPath, source]
  const counting = { command, config: { control: 'control.json', token: { env: 'TOKEN' } } }
  await writeFile(
    join(dir, 'bucketline.yaml'),
    stringify({
      threads: 1,
      stores: { outbox: { type: 'local', path: './outbox' } },
      feeds: {},
      destinations: { lake: { store: 'outbox', path: 'lake', format: { type: 'jsonl' } } },
      syncs: {
        crm: { destination: 'lake', source: { type: 'airbyte', ...counting, ...settings } },
        lines: {
          destination: 'lake',
          source: { type: 'files', paths: ['x'], stream: 'x' },
        },
      },
    }),
  )
  // In a folder of its own: that is where its paths start from.
  await mkdir(join(dir, 'sources'))
  await writeFile(join(dir, 'sources', 'crm.yaml'), stringify({ ...counting, ...settings }))
  await writeFile(
    join(dir, 'users.odcs.yaml'),
    contractOf([
      { name: 'id', logicalType: 'integer', required: true },
      { name: 'key', logicalType: 'integer' },
      { name: 'pad', logicalType: 'string' },
    ]),
  )
  const run = (words: readonly string[], stdin = '', onStart?: (pid: number) => void) =>
    new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
      const to = ['--contract', 'users.odcs.yaml', '--to', 'outbox', '--partition', '2023-01-01']
      const child = spawn(launcher, ['deliver', ...to, ...words], {
        cwd: dir,
        env: {
          ...process.env,
          NO_COLOR: '1',
          TOKEN: 's3cret',
          BUCKETLINE_NOW: '2023-06-01T00:00:00Z',
        },
      })
      let stdout = ''
      let stderr = ''
      child.stdout.on('data', (text) => {
        stdout += text
      })
      child.stderr.on('data', (text) => {
        stderr += text
      })
      child.once('error', reject)
      child.once('close', (code) => resolve({ code, stdout, stderr }))
      // It may end before it has read all of it.
      child.stdin.on('error', () => {})
      child.stdin.end(stdin)
      onStart?.(child.pid as number)
    })
  const keys = async (folder = 'outbox') => {
    const entries = await readdir(join(dir, folder), { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(dir, folder).length + 1))
      .sort()
  }
  return {
    dir,
    run,
    keys,
    /** Runs with `--json`: its document. */
    async deliver(words: readonly string[], stdin = '') {
      const { code, stdout, stderr } = await run(['--json', ...words], stdin)
      if (stdout === '') throw new Error(`deliver ended with ${code}: ${stderr}`)
      return { code, document: JSON.parse(stdout) }
    },
    /** What the source has, for either of the two ways in which it is named. */
    async control(control: object) {
      await writeFile(join(dir, 'control.json'), JSON.stringify(control))
      await writeFile(join(dir, 'sources', 'control.json'), JSON.stringify(control))
    },
    async calls(folder: string) {
      const text = await readFile(join(dir, folder, 'control.json.calls'), 'utf8')
      return text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    },
    /** Lines of the files that were delivered, as they stand there. */
    async lines(): Promise<string[]> {
      const lines: string[] = []
      for (const key of (await keys()).filter((each) => each.endsWith('.jsonl.gz')))
        lines.push(
          ...gunzipSync(await readFile(join(dir, 'outbox', key)))
            .toString()
            .split('\n'),
        )
      return lines.filter((line) => line !== '')
    },
    /** What a delivery that is over leaves among what it wrote on the way. */
    leftovers: () => readdir(join(dir, '.bucketline', 'spill')).catch(() => []),
  }
}

const NAMED = [
  ['a file', ['--from-airbyte', 'sources/crm.yaml'], 'sources'],
  ['a sync', ['--from-sync', 'crm'], '.'],
] as const

describe.each(NAMED)('a source that %s names', (_, words, folder) => {
  test('is run, and one of its streams is delivered whole', async () => {
    const place = await workplace()
    // More than a block of messages, with a line that is cut by every piece.
    await place.control({ users: 3000, orders: 9, pad: 700 })
    const { code, document } = await place.deliver([...words, '--stream', 'users'])
    expect(document).toMatchObject({
      ...{ state: 'delivered', rows_read: 3000, rows_delivered: 3000, rejected: 0, notes: [] },
      deliveries: [{ partition: '2023-01-01', state: 'delivered' }],
    })
    expect(code).toBe(0)
    const pad = 'x'.repeat(700)
    expect(await place.lines()).toEqual(
      Array.from({ length: 3000 }, (_, at) =>
        JSON.stringify({ id: at + 1, key: (at + 1) % 7, pad }),
      ),
    )
    expect(await place.calls(folder)).toEqual([
      { command: 'discover', mode: '600', token: 's3cret' },
      { command: 'read', mode: '600', token: 's3cret' },
    ])
    expect(await place.leftovers()).toEqual([])

    // Nothing is remembered: all of it is read again, and is the same delivery.
    const again = await place.deliver([...words, '--stream', 'users'])
    expect(again.document).toMatchObject({ rows_read: 3000, deliveries: [{ state: 'unchanged' }] })
  })

  test.each([
    ['kill', 'source_failed', 'The source was ended by SIGKILL.'],
    ['exit', 'source_failed', 'The source ended with exit code 1. It said: giving up'],
    ['trace', 'source_failed', 'The source failed: the quota is used up'],
    [
      'incomplete',
      'streams_incomplete',
      'Some streams were indicated as incomplete by upstream: users.',
    ],
  ])('and that dies half-way (%s) delivers nothing', async (how, error_code, message) => {
    const place = await workplace()
    await place.control({ users: 40, fails: { stream: 'users', before: 28, how } })
    const { code, document } = await place.deliver([...words, '--stream', 'users'])
    expect(document).toMatchObject({ error: { code: error_code, message } })
    expect(code).toBe(1)
    expect(await place.keys()).toEqual([])
    expect(await place.leftovers()).toEqual([])
    await place.control({ users: 40 })
    const { document: whole } = await place.deliver([...words, '--stream', 'users'])
    expect(whole).toMatchObject({ state: 'delivered', rows_delivered: 40 })
  })
})

test('a source that is killed within a line is told from a broken line', async () => {
  const place = await workplace()
  const half = '{"type":"RECORD","record":{"stream":"users","data":{"id":2'
  await writeFile(join(place.dir, 'catalog.json'), JSON.stringify(catalogOf([{ name: 'users' }])))
  const script = join(place.dir, 'source.cjs')
  const write = async (end: string) => {
    const text = `${recordLine({ name: 'users' }, { id: 1 })}\n${half}`
    await writeFile(script, `process.stdout.write(${JSON.stringify(text)}, () => { ${end} })\n`)
  }
  await writeFile(
    join(place.dir, 'half.yaml'),
    stringify({ command: [process.execPath, script], catalog: 'catalog.json' }),
  )
  await write("process.kill(process.pid, 'SIGKILL')")
  const { document: killed } = await place.deliver(['--from-airbyte', 'half.yaml'])
  expect(killed.error).toMatchObject({
    code: 'source_failed',
    message: 'The source was ended by SIGKILL.',
  })
  await write('')
  const { document: broken } = await place.deliver(['--from-airbyte', 'half.yaml'])
  expect(broken.error).toMatchObject({ code: 'record_invalid' })
  expect(await place.keys()).toEqual([])
})

test('a delivery that is stopped ends its source', async () => {
  const place = await workplace({ catalog: 'catalog.json' })
  const pid_file = join(place.dir, 'pid')
  const script = join(place.dir, 'source.cjs')
  await writeFile(
    script,
    `require('node:fs').writeFileSync(${JSON.stringify(pid_file)}, String(process.pid))
process.stdout.write(${JSON.stringify(`${recordLine({ name: 'users' }, { id: 1 })}\n`)})
setInterval(() => {}, 1000)
`,
  )
  await writeFile(join(place.dir, 'catalog.json'), JSON.stringify(catalogOf([{ name: 'users' }])))
  await writeFile(
    join(place.dir, 'hangs.yaml'),
    stringify({ command: [process.execPath, script], catalog: 'catalog.json' }),
  )
  const source_pid = async () => Number(await readFile(pid_file, 'utf8').catch(() => '0'))
  const { code, stderr } = await place.run(['--from-airbyte', 'hangs.yaml'], '', async (pid) => {
    while ((await source_pid()) === 0) await sleep(50)
    process.kill(pid, 'SIGTERM')
  })
  expect(code, stderr).toBe(143)
  const pid = await source_pid()
  expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  expect(await place.keys()).toEqual([])
  expect(await place.leftovers()).toEqual([])
})

describe('the stream to deliver', () => {
  test('is said where there are several, and only one that there is', async () => {
    const place = await workplace()
    await place.control({ users: 4, flags: 2 })
    const none = await place.run(['--from-sync', 'crm'])
    expect(none.stderr).toContain(
      'error[usage]: The source has 3 streams, and one is delivered.\nhint: Name one with --stream: users, orders, flags.',
    )
    expect(none.code).toBe(2)
    const other = await place.run(['--from-sync', 'crm', '--stream', 'user'])
    expect(other.stderr).toContain('error[usage]: The source has no stream user.')
    expect(other.stderr).toContain('Did you mean users?')
    expect(other.code).toBe(2)
    expect(await place.keys()).toEqual([])
  })

  test('is the only one that the settings name', async () => {
    const place = await workplace({ streams: ['flags'] })
    await place.control({ users: 4, flags: 2 })
    const { document } = await place.deliver(['--from-sync', 'crm'])
    expect(document).toMatchObject({ state: 'delivered', rows_delivered: 2 })
    // Of what the settings leave out nothing is there.
    const users = await place.run(['--from-sync', 'crm', '--stream', 'users'])
    expect(users.stderr).toContain('hint: It has flags.')
  })

  test('of a configured catalog is read whole, however a sync reads it', async () => {
    const place = await workplace({ catalog: 'catalog.json' })
    await place.control({ users: 4, namespace: 'crm' })
    const catalog = JSON.stringify({
      streams: ['users', 'orders'].map((name) => ({
        stream: { name, namespace: 'crm', json_schema: {} },
        ...{ sync_mode: 'incremental', destination_sync_mode: 'append', cursor_field: ['id'] },
        ...{ generation_id: 7, minimum_generation_id: 0, sync_id: 3 },
      })),
    })
    await writeFile(join(place.dir, 'catalog.json'), catalog)
    const { document } = await place.deliver(['--from-sync', 'crm', '--stream', 'crm.users'])
    expect(document).toMatchObject({ state: 'delivered', rows_delivered: 4, notes: [] })
    expect(await place.calls('.')).toMatchObject([{ command: 'read' }])
  })
})

describe('messages on standard input', () => {
  const users = { name: 'users' }
  const complete = (name: string) =>
    JSON.stringify({
      type: 'TRACE',
      trace: {
        type: 'STREAM_STATUS',
        emitted_at: 1,
        stream_status: { stream_descriptor: { name }, status: 'COMPLETE' },
      },
    })
  const failed = JSON.stringify({
    type: 'TRACE',
    trace: { type: 'ERROR', emitted_at: 1, error: { message: 'the quota is used up' } },
  })
  const text = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('')
  const row = (data: string, stream = 'users') =>
    `{"type":"RECORD","record":{"stream":"${stream}","emitted_at":1,"data":${data}}}`

  test('are taken out of their envelopes with every digit, and others are counted', async () => {
    const place = await workplace()
    const input = text([
      '{"type":"LOG","log":{"level":"INFO","message":"reading"}}',
      row('{"id":9007199254740993, "key" : -9223372036854775808}'),
      row('{"id":1}', 'orders'),
      // The other way round, and with a name that is escaped.
      '{"record":{"data":{"id":2,"pad":"\\u00e9 }"},"emitted_at":1,"stream":"us\\u0065rs"},"type":"RECORD"}',
      row('{"id":2}', 'orders'),
      row('{"id":3}', 'flags'),
      '{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"}}}}',
      complete('users'),
    ])
    const { code, document } = await place.deliver(
      ['--from-airbyte', '-', '--stream', 'users'],
      input,
    )
    expect(document).toMatchObject({
      ...{ state: 'delivered', rows_read: 2, rows_delivered: 2 },
      notes: [
        {
          code: 'other_streams',
          count: 3,
          message: 'records of other streams are not delivered: orders (2), flags (1)',
        },
      ],
    })
    expect(code).toBe(0)
    expect(await place.lines()).toEqual([
      '{"id":9007199254740993,"key":-9223372036854775808}',
      '{"id":2,"pad":"é }"}',
    ])
  })

  test('that do not say that the stream is complete are delivered with a note', async () => {
    const place = await workplace()
    const input = text([recordLine(users, { id: 1 })])
    const { document } = await place.deliver(['--from-airbyte', '-'], input)
    expect(document).toMatchObject({
      ...{ state: 'delivered', rows_delivered: 1 },
      notes: [{ code: 'end_not_confirmed' }],
    })
  })

  test.each([
    ['tell an error', [failed], 'source_failed', 'The source failed: the quota is used up'],
    [
      'call another stream complete',
      [complete('orders')],
      'streams_incomplete',
      'Input was fully read, but some streams did not receive a terminal stream status message: users.',
    ],
    ['end within a line', ['{"type":"RECORD","rec'], 'record_invalid', 'A RECORD names no stream.'],
    ['are none', ['{"id":1}'], 'record_invalid', 'A line is no Airbyte message: {"id":1}'],
    ['have a record without data', [row('7')], 'record_invalid', 'data is no object'],
  ])('that %s deliver nothing', async (_, more, error_code, message) => {
    const place = await workplace()
    const input = text([recordLine(users, { id: 1 }), ...more]).slice(0, -1)
    const asked = ['--from-airbyte', '-', '--stream', 'users']
    const { code, document } = await place.deliver(asked, input)
    expect(document.error).toMatchObject({
      code: error_code,
      message: expect.stringContaining(message),
    })
    expect(code).toBe(1)
    expect(await place.keys()).toEqual([])
  })

  test('of several streams, or of others than the one that is named, are refused', async () => {
    const place = await workplace()
    const input = text(
      ['users', 'orders'].flatMap((name) => [recordLine({ name }, { id: 1 }), complete(name)]),
    )
    const several = await place.run(['--from-airbyte', '-'], input)
    expect(several.stderr).toContain('hint: Name one with --stream: users, orders.')
    expect(several.code).toBe(2)
    const other = await place.run(['--from-airbyte', '-', '--stream', 'flags'], input)
    expect(other.stderr).toContain('error[usage]: The source has no stream flags.')
    const two = text(
      ['a', 'b'].map((namespace) => recordLine({ name: 'users', namespace }, { id: 1 })),
    )
    const both = await place.run(['--from-airbyte', '-', '--stream', 'users'], two)
    expect(both.stderr).toContain('hint: Name one with --stream: a.users, b.users.')
    expect(await place.keys()).toEqual([])
    const named = await place.deliver(['--from-airbyte', '-', '--stream', 'b.users'], two)
    expect(named.document).toMatchObject({ rows_delivered: 1 })
  })

  test('stay as they are unless it is asked for, with a note', async () => {
    const place = await workplace()
    const input = text([recordLine(users, { id: 1 }), recordLine(users, { id: 2 })])
    const { code, document } = await place.deliver(['-'], input)
    expect(document).toMatchObject({
      ...{ state: 'refused', rejected: 2 },
      notes: [{ code: 'airbyte_messages', count: 2 }],
    })
    expect(code).toBe(1)
    expect(await place.keys()).toEqual([])
  })

  test('hold rows that are judged one by one', async () => {
    const place = await workplace()
    const input = text([row('{"id":1}'), row('{"id":"x"}'), row('{"id":3}'), complete('users')])
    const { document } = await place.deliver(
      ['--from-airbyte', '-', '--max-rejected-percent', '50'],
      input,
    )
    expect(document).toMatchObject({
      ...{ state: 'delivered', rows_read: 3, rows_delivered: 2, rejected: 1 },
      rejects: [{ object: 'users', row: 2, column: 'id', raw: '{"id":"x"}' }],
    })
  })
})

test.each([
  [['a.ndjson', '--from-sync', 'crm'], 'usage', '--from-sync and files exclude each other.'],
  [
    ['--from-airbyte', '-', '--from-sync', 'crm'],
    'usage',
    '--from-sync and --from-airbyte exclude each other.',
  ],
  [['-', '--stream', 'users'], 'usage', '--stream goes with --from-airbyte or --from-sync.'],
  [['--from-sync', 'nowhere'], 'sync_not_found', 'There is no sync nowhere.'],
  [['--from-sync', 'lines'], 'usage', 'The source of the sync lines is no Airbyte source.'],
  [['--from-airbyte', 'absent.yaml'], 'usage', 'absent.yaml.'],
  [['--from-airbyte', 'users.odcs.yaml'], 'config_invalid', 'command: is missing; wanted: a list'],
])('a source is asked for in a way that can be understood: %j', async (words, code, message) => {
  const place = await workplace()
  const { document } = await place.deliver(words)
  expect(document.error).toMatchObject({ code, message: expect.stringContaining(message) })
  expect(await place.keys()).toEqual([])
})
