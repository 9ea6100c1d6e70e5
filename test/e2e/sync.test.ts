import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDuckdb } from '../../src/duckdb/duckdb.ts'
import { openSyncRig, type SyncFolder, type SyncRig, upTo } from '../support/sync-rig.ts'

let rig: SyncRig
beforeAll(async () => {
  rig = await openSyncRig()
}, 60_000)
afterAll(() => rig?.[Symbol.asyncDispose]())

const lines = (from: number, to: number, more: object = {}) =>
  Array.from({ length: to - from + 1 }, (_, at) => JSON.stringify({ id: from + at, ...more }))
    .map((line) => `${line}\n`)
    .join('')
const FILES = { type: 'files', paths: ['in/*'], stream: 'events' }

async function parquetRows(folder: SyncFolder, stream: string, select: string) {
  await using duckdb = await openDuckdb({
    memory_limit: '256MB',
    spill_dir: folder.path('spill'),
  })
  return await duckdb.all(
    `SELECT ${select} FROM read_parquet('${folder.path(`bucket/lake/${stream}`)}/*.parquet') ORDER BY 1`,
  )
}

describe('files', () => {
  test('are each sent once: a rerun sends what is new or has changed, and says so', async () => {
    const folder = await rig.folder({ syncs: { files: { destination: 'lake', source: FILES } } })
    await writeFile(folder.path('in/a.jsonl'), lines(1, 3))
    await writeFile(folder.path('in/b.jsonl.gz'), gzipSync(lines(4, 5)))
    const first = await folder.sync()
    expect(first).toMatchObject({
      code: 0,
      syncs: [
        {
          sync: 'files',
          state: 'succeeded',
          notes: [],
          streams: [{ stream: 'events', mode: 'append', complete: true, records_sent: 5 }],
        },
      ],
    })
    expect(await folder.ids('events')).toEqual(upTo(5))
    const again = await folder.sync(['files'])
    expect(again.syncs[0]?.streams[0]).toMatchObject({ records_read: 0, objects: [] })
    expect(again.syncs[0]?.notes).toMatchObject([{ code: 'files_sent_before', count: 2 }])
    await writeFile(folder.path('in/c.jsonl'), lines(6, 6))
    await writeFile(folder.path('in/a.jsonl'), lines(1, 4))
    const third = await folder.sync()
    expect(third.syncs[0]?.notes).toMatchObject([
      { code: 'files_sent_before', count: 1 },
      { code: 'files_changed', count: 1 },
    ])
    expect(await folder.ids('events')).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 5, 6])
    const reset = await folder.sync(['files', '--reset'])
    expect(reset.syncs[0]?.notes).toMatchObject([{ code: 'state_forgotten', count: 3 }])
    expect(reset.syncs[0]?.streams[0]).toMatchObject({ records_sent: 7 })
    expect(await folder.leftovers()).toEqual([])
  })

  test('become columns of Parquet by what is in them, every digit kept', async () => {
    const folder = await rig.folder({
      destinations: {
        lake: {
          store: 'bucket',
          path: 'lake',
          // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the path.
          path_format: '${STREAM_NAME}/',
          format: { type: 'parquet' },
        },
      },
      syncs: { files: { destination: 'lake', source: FILES } },
    })
    await writeFile(
      folder.path('in/a'),
      // Packed, and not named so.
      gzipSync(
        '\ufeff{"id":9007199254740993,"when":"2023-01-01","tags":["a"]}\r\n\r\n{"id":2,"of":{"deep":1.5}}',
      ),
    )
    expect(await folder.sync()).toMatchObject({ code: 0 })
    expect(
      await parquetRows(folder, 'events', 'id, "when", tags, of.deep AS deep, typeof("when") AS t'),
    ).toEqual([
      { id: 2n, when: null, tags: null, deep: 1.5, t: 'VARCHAR' },
      { id: 9007199254740993n, when: '2023-01-01', tags: ['a'], deep: null, t: 'VARCHAR' },
    ])
  })

  test('that take the place of others are sent whole each time', async () => {
    const folder = await rig.folder({
      syncs: { files: { destination: 'lake', mode: 'overwrite', source: FILES } },
    })
    await writeFile(folder.path('in/a'), lines(1, 3))
    await folder.sync()
    await rm(folder.path('in/a'))
    await writeFile(folder.path('in/b'), lines(7, 8))
    const second = await folder.sync()
    expect(second.syncs[0]?.streams[0]).toMatchObject({ superseded: 1, records_sent: 2 })
    expect(await folder.ids('events')).toEqual([7, 8])
    // What was sent so is not sent again when the mode changes.
    await folder.configure({ files: { destination: 'lake', mode: 'append', source: FILES } })
    await writeFile(folder.path('in/c'), lines(9, 9))
    await folder.sync()
    expect(await folder.ids('events')).toEqual([7, 8, 9])
  })

  test('with rows of one key are merged', async () => {
    const folder = await rig.folder({
      syncs: {
        files: {
          destination: 'lake',
          mode: 'append_dedup',
          primary_key: ['id'],
          cursor_field: 'at',
          source: FILES,
        },
      },
    })
    await writeFile(folder.path('in/a'), lines(1, 2, { at: 5 }))
    await folder.sync()
    await writeFile(folder.path('in/b'), lines(2, 3, { at: 4 }) + lines(1, 1, { at: 6 }))
    await folder.sync()
    const rows = await folder.rows('events')
    expect(rows.toSorted((a, b) => a.id - b.id)).toEqual([
      { id: 1, at: 6 },
      { id: 2, at: 5 },
      { id: 3, at: 4 },
    ])
  })

  test.each([
    ['{"id":1},"stream":"other"', 'has text behind its object'],
    ['{"id":1}{"id":2}', 'has text behind its object'],
    ['[1]', 'is no JSON object'],
    ['{"id":01}', 'is no valid JSON'],
  ])('with the line %s are refused, and what came before it is taken back', async (line, why) => {
    const folder = await rig.folder({ syncs: { files: { destination: 'lake', source: FILES } } })
    await writeFile(folder.path('in/a'), lines(1, 2))
    await writeFile(folder.path('in/b'), `${lines(3, 4)}${line}\n`)
    const { code, syncs } = await folder.sync()
    expect(code).toBe(1)
    expect(syncs).toMatchObject([{ state: 'failed', code: 'record_invalid' }])
    expect(syncs[0]?.message).toContain(`in/b, line 3, ${why}`)
    expect(await folder.keys()).toMatchObject({ objects: [] })
    expect(await folder.leftovers()).toEqual([])
  })

  test('are named on the command line, and remembered by destination and stream', async () => {
    const folder = await rig.folder({})
    await writeFile(folder.path('in/a'), lines(1, 2))
    const words = ['in/a', '--to', 'lake', '--stream', 'events']
    expect((await folder.sync(words)).syncs).toMatchObject([{ sync: 'lake/events' }])
    const again = await folder.run(['sync', ...words])
    expect(again.stdout).toContain('1 file was sent before and not again.')
    expect(await folder.ids('events')).toEqual([1, 2])
    const piped = await folder.run(['sync', '-', ...words.slice(1)], { input: '{"id":3}' })
    expect(piped).toMatchObject({ code: 0 })
    expect(piped.stdout).toMatch(
      /^stream +state +mode +records +objects +size\nevents +sent +append +1 +1 /,
    )
    expect(await folder.ids('events')).toEqual([1, 2, 3])
  })
})

test.each([
  [['nope'], 'sync_not_found', 'There is no sync nope'],
  [[], 'usage', 'There are no syncs'],
  [['--stream', 's'], 'usage', '--stream goes with --to'],
  [['--primary-key', 's'], 'usage', '--primary-key goes with --to'],
  [['--to', 'lake', '--stream', 's'], 'usage', 'There is nothing to send'],
  [['x', '--to', 'lake'], 'usage', '--stream is missing'],
  [['x', '--to', 'sea', '--stream', 's'], 'destination_not_found', 'There is no destination sea'],
  [
    ['x', '--to', 'lake', '--stream', 's', '--mode', 'append_dedup'],
    'usage',
    '--primary-key is missing',
  ],
])('sync %j is refused: %s', async (words, code, message) => {
  const folder = await rig.folder({})
  const run = await folder.run(['sync', ...words])
  expect(run).toMatchObject({ code: 2, stdout: '' })
  expect(run.stderr).toContain(`error[${code}]: ${message}`)
})

describe('a query over loaded datasets', () => {
  test('is sent with its types, without loss, and whole each time', async () => {
    const folder = await rig.folder({
      feeds: {
        clicks: {
          store: 'bucket',
          prefix: 'clicks/',
          contract: 'c.yaml',
          layout: '{yyyy}-{MM}-{dd}.jsonl',
        },
      },
      destinations: {
        sea: { store: 'bucket', path: 'sea', format: { type: 'jsonl', compression: 'none' } },
      },
      syncs: {
        clicks: {
          destination: 'sea',
          mode: 'overwrite',
          source: {
            type: 'query',
            stream: 'clicks',
            sql: `SELECT n AS id, 12345678901234567890.10::DECIMAL(38,2) AS d, [0.5::DECIMAL(3,2)] AS l,
              {'x': 'inf'::DOUBLE, 'y': NULL} AS s, MAP {'k': TIMESTAMP '2023-01-01 01:02:03.5'} AS m,
              TIMESTAMPTZ '2023-01-01 01:02:03+02' AS tz, seen FROM clicks ORDER BY n;`,
          },
        },
      },
    })
    await writeFile(
      folder.path('c.yaml'),
      `apiVersion: v3.2.0
kind: DataContract
id: clicks
name: Clicks
version: 1.0.0
status: active
schema:
  - name: clicks
    logicalType: object
    properties:
      - { name: n, logicalType: integer }
      - { name: seen, logicalType: string }
`,
    )
    await mkdir(folder.path('bucket/clicks'))
    await writeFile(
      folder.path('bucket/clicks/2023-01-01.jsonl'),
      '{"n":9007199254740993,"seen":"é"}\n',
    )
    const load = await folder.run(['load'])
    expect(load).toMatchObject({ code: 0 })
    for (const superseded of [0, 1]) {
      const { code, syncs } = await folder.sync()
      expect([code, syncs[0]]).toMatchObject([0, { streams: [{ superseded, records_sent: 1 }] }])
    }
    const [key = ''] = (await folder.keys()).objects.filter((each) => each.startsWith('sea/'))
    expect(await readFile(join(folder.dir, 'bucket', key), 'utf8')).toContain(
      '"_airbyte_data":{"id":9007199254740993,"d":12345678901234567890.10,"l":[0.50],"s":{"x":"inf","y":null},"m":{"k":"2023-01-01T01:02:03.5"},"tz":"2022-12-31T23:02:03Z","seen":"é"}',
    )
  })
})

describe('an Airbyte source', () => {
  const crm = (folder: SyncFolder, more: object = {}, sync: object = {}) =>
    folder.configure({ crm: { destination: 'lake', source: folder.counting(more), ...sync } })

  test('is discovered, read as its streams allow, and goes on from its states', async () => {
    const folder = await rig.folder({})
    await crm(folder, { config: { control: 'control.json', token: { env: 'TOKEN' } } })
    const env = { TOKEN: 'hush' }
    await folder.control({ users: 25, orders: 20, flags: 3 })
    const first = await folder.sync([], { env })
    expect(first).toMatchObject({ code: 0 })
    expect(first.syncs[0]?.streams.map(({ stream, mode }) => [stream, mode])).toEqual([
      ['users', 'append'],
      ['orders', 'append_dedup'],
      ['flags', 'overwrite'],
    ])
    expect(await folder.ids('users')).toEqual(upTo(25))
    // Seven keys, of which the last records stay.
    expect(await folder.ids('orders')).toEqual([14, 15, 16, 17, 18, 19, 20])
    await folder.control({ users: 30, orders: 21, flags: 2 })
    await folder.sync([], { env })
    expect(await folder.ids('users')).toEqual(upTo(30))
    expect(await folder.ids('orders')).toEqual([15, 16, 17, 18, 19, 20, 21])
    expect(await folder.ids('flags')).toEqual([1, 2])
    const calls = await folder.calls()
    expect(calls.map(({ command, mode, token }) => [command, mode, token])).toEqual(
      ['discover', 'read', 'discover', 'read'].map((command) => [command, '600', 'hush']),
    )
    // Digits as they came, without counts, and nothing of the stream that is read whole.
    expect(calls[3]?.state).toBe(
      '[{"type":"STREAM","stream":{"stream_descriptor":{"name":"orders"},"stream_state":{"id":20,"exact":90071992547409931.50}}},' +
        '{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{"id":25,"exact":90071992547409931.50}}}]',
    )
    expect(calls[1]?.state).toBeUndefined()
    // Neither the configuration nor anything else is left on disk.
    expect(await readdir(folder.path('.bucketline/spill'))).toEqual([])
    expect(await folder.leftovers()).toEqual([])
  })

  test.each(['global', 'legacy'] as const)(
    'with a %s state is handed that back',
    async (states) => {
      const folder = await rig.folder({})
      await crm(folder, { streams: ['users'] })
      await folder.control({ users: 5, states })
      await folder.sync()
      await folder.control({ users: 8, states })
      await folder.sync()
      expect(await folder.ids('users')).toEqual(upTo(8))
      const state = JSON.parse((await folder.calls())[3]?.state ?? '')
      if (states === 'legacy') expect(state).toEqual({ seen: { users: 5 } })
      else
        expect(state).toMatchObject([
          { type: 'GLOBAL', global: { shared_state: { seen: { users: 5 } } } },
        ])
    },
  )

  test('can be given a catalog, namespaces and modes', async () => {
    const folder = await rig.folder({})
    await folder.control({ users: 4, flags: 2, namespace: 'acme' })
    await crm(folder, {
      streams: ['acme.users', 'flags'],
      modes: { users: 'overwrite', 'acme.flags': 'append' },
    })
    for (const times of [1, 2]) {
      const { syncs } = await folder.sync()
      expect(syncs[0]?.streams.map(({ namespace, mode }) => [namespace, mode])).toEqual([
        ['acme', 'overwrite'],
        ['acme', 'append'],
      ])
      expect(await folder.ids('users')).toEqual(upTo(4))
      expect(await folder.ids('flags')).toHaveLength(2 * times)
    }
    await writeFile(
      folder.path('catalog.json'),
      JSON.stringify({
        streams: [
          {
            stream: { name: 'users', namespace: 'acme', json_schema: {} },
            sync_mode: 'incremental',
            destination_sync_mode: 'append',
          },
        ],
      }),
    )
    await crm(folder, { catalog: 'catalog.json' })
    await folder.control({ users: 6, namespace: 'acme' })
    await folder.sync()
    await folder.sync()
    expect((await folder.calls()).slice(-2).map(({ command }) => command)).toEqual(['read', 'read'])
    expect(await folder.ids('users')).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 5, 6])
    await crm(folder, { streams: ['user'] })
    expect((await folder.sync()).syncs).toMatchObject([
      { state: 'failed', code: 'config_invalid', hint: 'Did you mean users?' },
    ])
  })

  test.each([
    ['kill', 'The source was ended by SIGKILL.'],
    ['exit', 'The source ended with exit code 1. It said: giving up'],
    ['trace', 'The source failed: the quota is used up'],
    ['incomplete', 'Some streams were indicated as incomplete by upstream: users.'],
  ])(
    'that dies half-way (%s) leaves what its states cover, and goes on from there',
    async (how, message) => {
      const folder = await rig.folder({})
      await crm(folder, { streams: ['users', 'flags'], modes: { flags: 'append' } })
      const source = { users: 40, flags: 3, state_every: 10 }
      await folder.control({ ...source, fails: { stream: 'users', before: 28, how } })
      const failed = await folder.sync()
      expect(failed.code).toBe(1)
      expect(failed.syncs).toMatchObject([
        {
          state: 'failed',
          code: how === 'incomplete' ? 'streams_incomplete' : 'source_failed',
          message,
          streams: [
            { stream: 'users', complete: false, records_sent: 20 },
            { stream: 'flags', complete: false, records_sent: 0 },
          ],
        },
      ])
      expect(await folder.ids('users')).toEqual(upTo(20))
      expect(await folder.leftovers()).toEqual([])
      await folder.control(source)
      expect(await folder.sync()).toMatchObject({ code: 0 })
      expect(await folder.ids('users')).toEqual(upTo(40))
      expect(await folder.ids('flags')).toEqual([1, 2, 3])
      expect(await folder.leftovers()).toEqual([])
    },
  )

  test.each([
    '{"type":"RECORD","record":{"stream":"users","data":{"id":2',
    '{"type":"RECORD","record":{"str',
    '{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stre',
    '{"type":"TRA',
  ])('that is killed within the line %s keeps what its states cover', async (within) => {
    const folder = await rig.folder({})
    await crm(folder, { streams: ['users'] })
    await folder.control({ users: 40, fails: { stream: 'users', before: 28, how: 'kill', within } })
    const killed = await folder.sync()
    expect(killed.syncs).toMatchObject([
      {
        state: 'failed',
        code: 'source_failed',
        message: 'The source was ended by SIGKILL.',
        streams: [{ stream: 'users', complete: false, records_sent: 20 }],
      },
    ])
    expect(await folder.ids('users')).toEqual(upTo(20))
    expect(await folder.leftovers()).toEqual([])
  })

  test('that dies after a stream was whole does not send that one again', async () => {
    const folder = await rig.folder({})
    await crm(folder, { streams: ['flags', 'users'], modes: { flags: 'append' } })
    const source = { users: 40, flags: 3 }
    await folder.control({ ...source, fails: { stream: 'users', before: 28, how: 'exit' } })
    const failed = await folder.sync()
    expect(failed.syncs[0]?.streams).toMatchObject([
      { stream: 'flags', complete: true },
      { stream: 'users', complete: false },
    ])
    await folder.control(source)
    const second = await folder.sync()
    expect(second.syncs[0]).toMatchObject({
      state: 'succeeded',
      streams: [{ stream: 'users' }],
      notes: [{ code: 'stream_sent_before' }],
    })
    expect(await folder.ids('flags')).toEqual([1, 2, 3])
    // The next one is another sync, which appends everything once more.
    await folder.sync()
    expect(await folder.ids('flags')).toEqual([1, 1, 2, 2, 3, 3])
    expect(await folder.ids('users')).toEqual(upTo(40))
  })

  test('that cannot be run is named', async () => {
    const folder = await rig.folder({})
    await crm(folder, { command: ['./no-such-source'] })
    expect((await folder.sync()).syncs).toMatchObject([
      {
        state: 'failed',
        code: 'source_failed',
        message: expect.stringContaining('./no-such-source'),
      },
    ])
  })

  test('is ended, with what it has started, when the sync is', async () => {
    const folder = await rig.folder({})
    // A shell between us and the source, which would be left alone.
    const script = folder.path('source.sh')
    await folder.control({ users: 9, fails: { stream: 'users', before: 5, how: 'hang' } })
    const [node = '', source = ''] = folder.counting().command
    await writeFile(script, `#!/bin/sh\n"${node}" "${source}" "$@"\necho "after"\n`)
    await chmod(script, 0o755)
    await crm(folder, { command: [script], streams: ['users'] })
    const running = folder.run(['sync', '--json'], {
      onStart: (pid) => {
        void (async () => {
          while (!(await folder.calls().catch(() => [])).some(({ command }) => command === 'read'))
            await sleep(50)
          await hangingSource(folder)
          process.kill(pid, 'SIGTERM')
        })()
      },
    })
    expect(await running).toMatchObject({ code: 143 })
    await expect(hangingSource(folder)).rejects.toThrow('no source runs')
    expect(await folder.leftovers()).toEqual([])
  })
})

describe('a sync that is killed', () => {
  // Several commits: parts of 500 records, blocks of 2 MB.
  const BIG = { users: 6000, orders: 30, flags: 40, pad: 1000, state_every: 50 }

  test.each([
    'begun',
    'recovered',
    'intended:2',
    'uploaded',
    'uploaded:3',
    'prepared',
    'prepared:2',
    'decided',
    'decided:2',
    'committed:2',
    'merged',
    'superseding',
    'superseded',
    'manifest',
  ])('at %s and run again has every record once, and leaves nothing else', async (step) => {
    const folder = await rig.folder({})
    await folder.configure({
      crm: { destination: 'lake', source: folder.counting({ modes: { flags: 'append' } }) },
    })
    // Something to take the place of.
    await folder.control({ users: 0, orders: 3, flags: 0 })
    await folder.sync()
    await folder.control(BIG)
    const killed = await folder.run(['sync'], { env: { BUCKETLINE_CRASH_AT: step } })
    expect([killed.signal, killed.stdout]).toEqual(['SIGKILL', ''])
    const again = await folder.sync()
    expect([again.code, again.syncs[0]?.message]).toEqual([0, undefined])
    expect(await folder.ids('users')).toEqual(upTo(6000))
    expect(await folder.ids('orders')).toEqual([24, 25, 26, 27, 28, 29, 30])
    expect(await folder.ids('flags')).toEqual(upTo(40))
    expect(await folder.leftovers()).toEqual([])
    expect(await readdir(folder.path('.bucketline/spill'))).toEqual([])
    await folder.remove()
  })

  test.each(['uploaded', 'prepared:2', 'decided', 'committed', 'manifest'])(
    'at %s goes on with the file it was at',
    async (step) => {
      const folder = await rig.folder({ syncs: { files: { destination: 'lake', source: FILES } } })
      for (const n of [0, 1, 2])
        await writeFile(
          folder.path(`in/${n}`),
          lines(n * 2500 + 1, (n + 1) * 2500, { pad: 'x'.repeat(1000) }),
        )
      const killed = await folder.run(['sync'], { env: { BUCKETLINE_CRASH_AT: step } })
      expect([killed.signal, killed.stdout]).toEqual(['SIGKILL', ''])
      const again = await folder.sync()
      expect(again.code).toBe(0)
      expect(await folder.ids('events')).toEqual(upTo(7500))
      expect(await folder.leftovers()).toEqual([])
      if (step === 'manifest') expect(again.syncs[0]?.streams[0]?.records_read).toBe(0)
      await folder.remove()
    },
  )

  test.each(['decided', 'committed'])(
    'at %s, before rows are merged, keeps the columns of the files it had sent',
    async (step) => {
      const folder = await rig.folder({
        destinations: {
          lake: {
            ...{ store: 'bucket', path: 'lake', format: { type: 'parquet' } },
            // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the path.
            path_format: '${STREAM_NAME}/',
          },
        },
        syncs: {
          files: {
            ...{ destination: 'lake', mode: 'append_dedup', primary_key: ['id'], source: FILES },
          },
        },
      })
      await writeFile(folder.path('in/a'), lines(1, 2, { name: 'n' }))
      const killed = await folder.run(['sync'], { env: { BUCKETLINE_CRASH_AT: step } })
      expect(killed.signal).toBe('SIGKILL')
      expect(await folder.sync()).toMatchObject({ code: 0 })
      const rows = [1n, 2n].map((id) => ({ id, name: 'n' }))
      expect(await parquetRows(folder, 'events', 'id, name')).toEqual(rows)
      // What comes later has other columns, and takes none away.
      await writeFile(folder.path('in/b'), lines(3, 3, { mail: 'm' }))
      expect(await folder.sync()).toMatchObject({ code: 0 })
      expect(await parquetRows(folder, 'events', 'id, name, mail')).toEqual([
        ...rows.map((row) => ({ ...row, mail: null })),
        { id: 3n, name: null, mail: 'm' },
      ])
    },
  )

  test.each(['prepared', 'decided', 'committed', 'manifest'])(
    'at %s does not append a query twice',
    async (step) => {
      const source = { type: 'query', stream: 'n', sql: 'SELECT range + 1 AS id FROM range(10)' }
      const folder = await rig.folder({ syncs: { n: { destination: 'lake', source } } })
      const killed = await folder.run(['sync'], { env: { BUCKETLINE_CRASH_AT: step } })
      expect(killed.signal).toBe('SIGKILL')
      const again = await folder.sync()
      expect(again.code).toBe(0)
      expect(await folder.ids('n')).toEqual(upTo(10))
      expect(await folder.leftovers()).toEqual([])
      await folder.sync()
      expect(await folder.ids('n')).toHaveLength(20)
    },
  )
})

test('of two processes with one sync the first is told that it has lost it', async () => {
  const folder = await rig.folder({})
  await folder.configure({
    crm: { destination: 'lake', source: folder.counting({ streams: ['users'] }) },
  })
  await folder.control({ users: 30, fails: { stream: 'users', before: 25, how: 'hang' } })
  const first = folder.run(['sync', '--json'])
  while (!(await folder.calls().catch(() => [])).some(({ command }) => command === 'read'))
    await sleep(50)
  await folder.control({ users: 30 })
  const second = await folder.sync()
  expect(second).toMatchObject({ code: 0 })
  expect(await folder.ids('users')).toEqual(upTo(30))
  // The source of the first goes on, into a commit.
  const [, hanging] = [await folder.calls(), await hangingSource(folder)]
  process.kill(hanging, 'SIGKILL')
  const { code, stdout } = await first
  expect(code).toBe(1)
  expect(JSON.parse(stdout).syncs).toMatchObject([{ state: 'failed', code: 'lease_lost' }])
  expect(await folder.ids('users')).toEqual(upTo(30))
  expect(await folder.leftovers()).toEqual([])
})

/** Process id of the counting source that runs in a folder, by what the system says of processes. */
async function hangingSource(folder: SyncFolder): Promise<number> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (words.includes('counting-source') && words.includes(folder.dir)) return Number(pid)
  }
  throw new Error('no source runs')
}
