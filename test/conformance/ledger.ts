import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type {
  BeginLoad,
  BegunLoad,
  EndLoad,
  Ledger,
  LoadCounts,
  NewFile,
  ObjectSeen,
  PartitionObservation,
  PartitionRecord,
  Publication,
} from '../../src/ledger/ledger.ts'
import { HOSTILE_KEYS } from './hostile-keys.ts'

/** One ledger for a whole suite; `connect` gives further ways into the same one, as other processes have. */
export interface LedgerFixture extends AsyncDisposable {
  readonly ledger: Ledger
  connect(): Promise<Ledger>
}

const T0 = new Date('2026-03-01T00:00:00Z')
const at = (minutes: number): Date => new Date(T0.getTime() + minutes * 60_000)
const LEASE_MS = 60_000

const object = (key: string, version = 'v1', more: Partial<ObjectSeen> = {}): ObjectSeen => ({
  key,
  version,
  size: 100,
  modified_at: T0,
  role: 'data',
  ...more,
})
const listing = (
  partition: string,
  objects: readonly ObjectSeen[],
  more: Partial<PartitionObservation> = {},
): PartitionObservation => ({ partition, objects, complete: true, ...more })

const ROWS: LoadCounts = {
  rows_read: 10,
  rows_published: 7,
  duplicates: 2,
  rejected: 1,
  objects: 1,
  bytes: 100,
}
const file = (path: string, more: Partial<NewFile> = {}): NewFile => ({
  kind: 'data',
  path,
  rows: 7,
  bytes: 70,
  objects: [],
  ...more,
})
const publication = (files: readonly NewFile[], more: Partial<Publication> = {}): Publication => ({
  counts: ROWS,
  files,
  kept_files: [],
  objects: [],
  rejects: [],
  notes: [],
  republished: [],
  now: at(2),
  ...more,
})
const ending = (more: Partial<EndLoad> = {}): EndLoad => ({
  state: 'refused',
  code: 'budget',
  message: 'too many rejected rows',
  retryable: false,
  counts: { ...ROWS, rows_published: 0, duplicates: 0, rejected: 10 },
  files: [],
  objects: [],
  rejects: [],
  notes: [],
  now: at(2),
  ...more,
})

/** The suite that every ledger passes. */
export function ledgerConformance(name: string, open: () => Promise<LedgerFixture>): void {
  describe(`ledger: ${name}`, () => {
    let fixture: LedgerFixture
    let ledger: Ledger
    let feeds = 0
    let feed: string

    beforeAll(async () => {
      fixture = await open()
      ledger = fixture.ledger
    }, 60_000)
    afterAll(async () => {
      await fixture?.[Symbol.asyncDispose]()
    })

    /** Tests share the ledger, as feeds do. */
    const newFeed = (): string => {
      feed = `feed-${++feeds}`
      return feed
    }
    const partition = async (of: string): Promise<PartitionRecord> => {
      const found = (await ledger.partitions(feed)).find((one) => one.partition === of)
      if (found === undefined) throw new Error(`no partition ${of}`)
      return found
    }
    const begin = async (
      of: string,
      objects: readonly ObjectSeen[],
      more: Partial<BeginLoad> = {},
      through: Ledger = ledger,
    ): Promise<BegunLoad | undefined> => {
      const { last_load } = await partition(of)
      return await through.beginLoad({
        feed,
        partition: of,
        reason: 'first',
        objects,
        contract_hash: 'contract',
        settings_hash: 'settings',
        holder: 'host:1',
        lease_ms: LEASE_MS,
        ...(last_load === undefined ? {} : { expected_last_load: last_load.load_id }),
        exclusive_feed: false,
        now: at(1),
        ...more,
      })
    }
    const begun = async (...args: Parameters<typeof begin>): Promise<BegunLoad> => {
      const load = await begin(...args)
      if (load === undefined) throw new Error(`no load of ${args[0]} was begun`)
      return load
    }
    /** Observes, loads and publishes one partition with one `data` file named after the generation. */
    const load = async (
      of: string,
      objects: readonly ObjectSeen[],
      more: Partial<Publication> = {},
    ): Promise<BegunLoad> => {
      await ledger.observe(feed, [listing(of, objects)], [], at(0))
      const one = await begun(of, objects)
      await ledger.publish(
        one.load_id,
        publication([file(`${feed}/${of}/${one.generation}/data.parquet`, { objects })], more),
      )
      return one
    }
    const served = async (of?: string): Promise<string[]> => {
      const files = await ledger.servedFiles(feed, of === undefined ? {} : { partitions: [of] })
      return files.map(({ kind, path }) => `${kind} ${path.replace(`${feed}/`, '')}`)
    }

    describe('observe', () => {
      test('records partitions and objects, and counts what is new once', async () => {
        newFeed()
        const seen = [
          listing('2026-01-02', [object('b'), object('m', 'v1', { role: 'marker', size: 0 })]),
          listing('2026-01-01', [object('a', 'v1', { size: 7 })], {
            complete: false,
            waiting_for: 'no_marker',
          }),
        ]
        const first = await ledger.observe(feed, seen, [], at(0))
        expect(first).toEqual({ new_partitions: 2, new_objects: 3 })
        const again = await ledger.observe(feed, seen, [], at(5))
        expect(again).toEqual({ new_partitions: 0, new_objects: 0 })
        expect(await ledger.partitions(feed)).toEqual([
          {
            feed,
            partition: '2026-01-01',
            state: 'waiting',
            waiting_for: 'no_marker',
            generation: 0,
            pinned: false,
            objects: 1,
            bytes: 7,
            rows: 0,
            first_seen_at: at(0),
            checked_at: at(5),
          },
          {
            feed,
            partition: '2026-01-02',
            state: 'ready',
            generation: 0,
            pinned: false,
            // The marker is no data.
            objects: 1,
            bytes: 100,
            rows: 0,
            first_seen_at: at(0),
            checked_at: at(5),
            first_completed_at: at(0),
            completed_at: at(5),
          },
        ])
        expect(await ledger.objects(feed, ['2026-01-02', '2026-01-01'])).toEqual([
          { partition: '2026-01-01', ...object('a', 'v1', { size: 7 }) },
          { partition: '2026-01-02', ...object('b') },
          { partition: '2026-01-02', ...object('m', 'v1', { role: 'marker', size: 0 }) },
        ])
      })

      test('a new version supersedes the old one, and what is not listed any more is gone', async () => {
        newFeed()
        await ledger.observe(feed, [listing('p', [object('a'), object('b')])], [], at(0))
        const changed = [listing('p', [object('a', 'v2')])]
        expect(await ledger.observe(feed, changed, [], at(1))).toEqual({
          new_partitions: 0,
          new_objects: 1,
        })
        const keys = async () =>
          (await ledger.objects(feed, ['p'])).map(({ key, version }) => `${key} ${version}`)
        expect(await keys()).toEqual(['a v2'])
        // A version that comes back was never forgotten.
        const back = [listing('p', [object('a'), object('b')])]
        expect((await ledger.observe(feed, back, [], at(2))).new_objects).toBe(0)
        expect(await keys()).toEqual(['a v1', 'b v1'])
      })

      test('a partition whose objects all went stays known', async () => {
        newFeed()
        await load('p', [object('a')])
        await ledger.observe(feed, [listing('p', [], { complete: false })], [], at(3))
        expect(await partition('p')).toMatchObject({
          state: 'waiting',
          objects: 0,
          bytes: 0,
          served_generation: 1,
        })
        expect(await ledger.objects(feed, ['p'])).toEqual([])
      })

      test('an object that moves to another partition is in that one only, and can move back', async () => {
        newFeed()
        const keys = async (of: string) => (await ledger.objects(feed, [of])).map(({ key }) => key)
        await ledger.observe(feed, [listing('p', [object('a'), object('b')])], [], at(0))
        await ledger.observe(
          feed,
          [listing('q', [object('a')]), listing('p', [object('b')])],
          [],
          at(1),
        )
        expect([await keys('p'), await keys('q')]).toEqual([['b'], ['a']])
        await ledger.observe(feed, [listing('r', [object('a'), object('b')])], [], at(2))
        await ledger.observe(
          feed,
          [listing('q', [object('a')]), listing('p', [object('b')])],
          [],
          at(3),
        )
        expect([await keys('p'), await keys('q'), await keys('r')]).toEqual([['b'], ['a'], []])
      })

      test('the first completion is kept, later ones move', async () => {
        newFeed()
        const objects = [object('a')]
        await ledger.observe(feed, [listing('p', objects, { complete: false })], [], at(0))
        expect(await partition('p')).not.toHaveProperty('first_completed_at')
        await ledger.observe(feed, [listing('p', objects, { completed_at: at(3) })], [], at(4))
        await ledger.observe(feed, [listing('p', objects, { completed_at: at(8) })], [], at(9))
        await ledger.observe(feed, [listing('p', objects, { complete: false })], [], at(10))
        expect(await partition('p')).toMatchObject({
          first_completed_at: at(3),
          completed_at: at(8),
          checked_at: at(10),
        })
      })

      test('keys with anything in them come back as they were', async () => {
        newFeed()
        const keys = [
          ...Object.values(HOSTILE_KEYS),
          "'; DROP TABLE objects; --",
          '{,}',
          'trailing/',
        ]
        await ledger.observe(
          feed,
          [
            listing(
              'p',
              keys.map((key) => object(key, '"etag-1"')),
            ),
          ],
          [],
          at(0),
        )
        const found = await ledger.objects(feed, ['p'])
        expect(new Set(found.map(({ key }) => key))).toEqual(new Set(keys))
      })

      test('objects and partitions come in order of their bytes', async () => {
        newFeed()
        const seen = listing(
          'p',
          ['b', 'B', 'a', 'Z', '_', 'é'].map((key) => object(key)),
        )
        await ledger.observe(feed, [seen, listing('P', [])], [], at(0))
        expect((await ledger.objects(feed, ['p'])).map(({ key }) => key)).toEqual([
          'B',
          'Z',
          '_',
          'a',
          'b',
          'é',
        ])
        expect((await ledger.partitions(feed)).map((one) => one.partition)).toEqual(['P', 'p'])
      })

      test('partitions are found by range, both ends included, longer ones holding shorter ones', async () => {
        newFeed()
        const names = ['2026-01-01T23', '2026-01-02T00', '2026-01-02T23:45', '2026-01-03T00']
        await ledger.observe(
          feed,
          names.map((one) => listing(one, [])),
          [],
          at(0),
        )
        const within = async (range: { from?: string; to?: string }) =>
          (await ledger.partitions(feed, range)).map((one) => one.partition)
        expect(await within({ from: '2026-01-02', to: '2026-01-02' })).toEqual(names.slice(1, 3))
        expect(await within({ from: '2026-01-02T23:45' })).toEqual(names.slice(2))
        expect(await within({ to: '2026-01-02T00' })).toEqual(names.slice(0, 2))
      })

      test('strays are kept once each until a full listing, or until they fit the layout', async () => {
        newFeed()
        const stray = (key: string, reason: string) => ({
          feed,
          object: key,
          code: 'stray_object',
          reason,
        })
        await ledger.observe(feed, [], [stray('y', 'one'), stray('x', 'nul \0 byte')], at(0))
        await ledger.observe(feed, [], [stray('y', 'two')], at(1))
        expect(await ledger.strays(feed)).toEqual([stray('x', 'nul \\x00 byte'), stray('y', 'two')])
        expect(await ledger.strays()).toEqual(expect.arrayContaining([stray('y', 'two')]))
        await ledger.observe(feed, [listing('p', [object('x')])], [], at(2))
        expect(await ledger.strays(feed)).toEqual([stray('y', 'two')])
        await ledger.clearStrays(feed)
        expect(await ledger.strays(feed)).toEqual([])
      })
    })

    describe('a load', () => {
      test('is published: state, files, counts, generation', async () => {
        newFeed()
        const objects = [object('a'), object('b')]
        await ledger.observe(feed, [listing('p', objects)], [], at(0))
        const one = await begun('p', objects)
        expect(one).toEqual({ load_id: one.load_id, generation: 1 })
        expect((await partition('p')).state).toBe('loading')
        expect(await ledger.runningLoads(at(1))).toContain(one.load_id)

        const files = [
          file(`${feed}/data.parquet`, {
            min_time: at(-5),
            max_time: at(-4),
            objects: [object('b'), object('a')],
          }),
          file(`${feed}/rejects.parquet`, { kind: 'rejects', rows: 1 }),
        ]
        await ledger.publish(
          one.load_id,
          publication(files, {
            objects: [
              { key: 'b', version: 'v1', bytes: 1, state: 'loaded', rows_read: 10, rejected: 1 },
              {
                key: 'a',
                version: 'v1',
                bytes: 2,
                state: 'refused',
                rows_read: 0,
                rejected: 0,
                code: 'corrupt_object',
                message: 'bad gzip \ud800 \0',
              },
            ],
            rejects: [{ code: 'wrong_type', column: 'x', count: 1 }],
            notes: [{ code: 'repaired', message: 'comma', count: 3 }],
          }),
        )
        expect(await partition('p')).toEqual({
          feed,
          partition: 'p',
          state: 'published',
          generation: 1,
          served_generation: 1,
          pinned: false,
          objects: 2,
          bytes: 200,
          rows: 7,
          first_seen_at: at(0),
          checked_at: at(0),
          first_completed_at: at(0),
          completed_at: at(0),
          published_at: at(2),
          last_load: {
            load_id: one.load_id,
            generation: 1,
            state: 'published',
            contract_hash: 'contract',
            settings_hash: 'settings',
            retryable: false,
          },
        })
        expect(await ledger.loads({ load_ids: [one.load_id] })).toEqual([
          {
            ...ROWS,
            load_id: one.load_id,
            feed,
            partition: 'p',
            generation: 1,
            reason: 'first',
            state: 'published',
            started_at: at(1),
            ended_at: at(2),
            seconds: 60,
            retryable: false,
            holder: 'host:1',
            object_outcomes: [
              { key: 'b', version: 'v1', bytes: 1, state: 'loaded', rows_read: 10, rejected: 1 },
              {
                key: 'a',
                version: 'v1',
                bytes: 2,
                state: 'refused',
                rows_read: 0,
                rejected: 0,
                code: 'corrupt_object',
                message: 'bad gzip \ufffd \\x00',
              },
            ],
            reject_summary: [{ code: 'wrong_type', column: 'x', count: 1 }],
            notes: [{ code: 'repaired', message: 'comma', count: 3 }],
          },
        ])
        const found = await ledger.servedFiles(feed)
        expect(found).toEqual([
          {
            ...files[0],
            objects: [
              { key: 'b', version: 'v1' },
              { key: 'a', version: 'v1' },
            ],
            file_id: found[0]?.file_id,
            feed,
            partition: 'p',
            generation: 1,
            load_id: one.load_id,
          },
          {
            ...files[1],
            file_id: found[1]?.file_id,
            feed,
            partition: 'p',
            generation: 1,
            load_id: one.load_id,
          },
        ])
        expect(await ledger.servedFiles(feed, { kinds: ['data'], objects: false })).toEqual([
          { ...found[0], objects: [] },
        ])
        expect(await ledger.runningLoads(at(1))).not.toContain(one.load_id)
      })

      test('published twice is published once', async () => {
        newFeed()
        const objects = [object('a')]
        await ledger.observe(feed, [listing('p', objects)], [], at(0))
        const one = await begun('p', objects)
        const what = publication([file(`${feed}/x`)], { rejects: [{ code: 'c', count: 1 }] })
        await ledger.publish(one.load_id, what)
        await ledger.publish(one.load_id, what)
        expect(await ledger.servedFiles(feed)).toHaveLength(1)
        expect((await ledger.loads({ feed }))[0]?.reject_summary).toHaveLength(1)
      })

      test('whose counts do not add up is a defect, and nothing of it is published', async () => {
        newFeed()
        const objects = [object('a')]
        await ledger.observe(feed, [listing('p', objects)], [], at(0))
        const one = await begun('p', objects)
        const wrong = publication([file(`${feed}/x`)], { counts: { ...ROWS, duplicates: 3 } })
        await expect(ledger.publish(one.load_id, wrong)).rejects.toThrow(/read 10 rows/)
        expect(await ledger.servedFiles(feed)).toEqual([])
        expect((await partition('p')).state).toBe('loading')
      })

      test('a publication that fails leaves nothing behind and can be done again', async () => {
        newFeed()
        const objects = [object('a')]
        await ledger.observe(feed, [listing('p', objects)], [], at(0))
        const one = await begun('p', objects)
        const bad = publication([file(`${feed}/x`)], {
          objects: [
            { key: 'unknown', version: '1', bytes: 0, state: 'loaded', rows_read: 0, rejected: 0 },
          ],
        })
        await expect(ledger.publish(one.load_id, bad)).rejects.toThrow(/never observed/)
        expect(await ledger.servedFiles(feed)).toEqual([])
        await ledger.publish(one.load_id, publication([file(`${feed}/x`)]))
        expect(await served()).toEqual(['data x'])
      })

      test('that was refused keeps its rejects, and the served generation stays', async () => {
        newFeed()
        await load('p', [object('a')])
        const next = [object('a', 'v2')]
        await ledger.observe(feed, [listing('p', next)], [], at(3))
        expect((await partition('p')).state).toBe('ready')
        const two = await begun('p', next, { reason: 'changed_object' })
        expect(two).toMatchObject({ generation: 2, served_generation: 1 })
        const end = ending({ files: [file(`${feed}/r2`, { kind: 'rejects' })] })
        await ledger.endLoad(two.load_id, end)
        await ledger.endLoad(two.load_id, end)
        expect(await partition('p')).toMatchObject({
          state: 'refused',
          generation: 2,
          served_generation: 1,
          rows: 7,
          published_at: at(2),
          last_load: { state: 'refused', code: 'budget', message: 'too many rejected rows' },
        })
        expect(await served()).toEqual(['data p/1/data.parquet'])
        const rejects = await ledger.rejectFiles(feed)
        expect(rejects.map(({ path }) => path)).toEqual([`${feed}/r2`])
        expect(await ledger.rejectFiles(feed, ['q'])).toEqual([])
        const of_two = await ledger.generationFiles(feed, 'p', 2)
        expect(of_two.map(({ path }) => path)).toEqual([`${feed}/r2`])
        expect((await ledger.generations(feed, 'p')).map(({ published }) => published)).toEqual([
          true,
          false,
        ])
      })

      test('ids sort as the loads began, and a limit gives the latest', async () => {
        newFeed()
        const ids: string[] = []
        for (const one of ['p1', 'p2', 'p3']) ids.push((await load(one, [object(one)])).load_id)
        expect([...ids].sort()).toEqual(ids)
        expect((await ledger.loads({ feed })).map(({ load_id }) => load_id)).toEqual(ids)
        const latest = await ledger.loads({ feed, limit: 2 })
        expect(latest.map(({ load_id }) => load_id)).toEqual(ids.slice(1))
        const of_p1 = await ledger.loads({ feed, partition: 'p1' })
        expect(of_p1.map(({ load_id }) => load_id)).toEqual(ids.slice(0, 1))
      })
    })

    describe('a generation', () => {
      test('is the whole set of objects, whatever the next one adds, changes or removes', async () => {
        newFeed()
        const sets = [
          [object('a'), object('b')],
          [object('a'), object('b'), object('c')],
          [object('a', 'v2'), object('c')],
          [object('a'), object('b')],
        ]
        for (const set of sets) await load('p', set)
        const made = await ledger.generations(feed, 'p')
        expect(
          made.map(({ objects }) => objects.map(({ key, version }) => `${key} ${version}`)),
        ).toEqual([
          ['a v1', 'b v1'],
          ['a v1', 'b v1', 'c v1'],
          ['a v2', 'c v1'],
          ['a v1', 'b v1'],
        ])
        expect(made.map(({ generation }) => generation)).toEqual([1, 2, 3, 4])
      })

      test('that was never published is taken up again by equal objects and hashes only', async () => {
        newFeed()
        const objects = [object('a')]
        await ledger.observe(feed, [listing('p', objects)], [], at(0))
        const one = await begun('p', objects)
        await ledger.endLoad(
          one.load_id,
          ending({ files: [file(`${feed}/r1`, { kind: 'rejects' })] }),
        )
        const two = await begun('p', objects, { reason: 'forced' })
        expect(two.generation).toBe(1)
        await ledger.endLoad(two.load_id, ending())
        const three = await begun('p', objects, { contract_hash: 'other' })
        expect(three.generation).toBe(2)
        await ledger.endLoad(three.load_id, ending())
        const four = await begun('p', objects, { contract_hash: 'other' })
        expect(four.generation).toBe(2)
        await ledger.publish(four.load_id, publication([file(`${feed}/d`)]))
        // A published generation never changes.
        expect((await begun('p', objects, { contract_hash: 'other' })).generation).toBe(3)
        expect((await ledger.loads({ feed })).map(({ reason }) => reason)).toEqual([
          'first',
          'forced',
          'first',
          'first',
          'first',
        ])
      })

      test('published after a refused attempt holds nothing of that attempt', async () => {
        newFeed()
        const objects = [object('a')]
        await ledger.observe(feed, [listing('p', objects)], [], at(0))
        const one = await begun('p', objects)
        await ledger.endLoad(
          one.load_id,
          ending({ files: [file(`${feed}/r1`, { kind: 'rejects' })] }),
        )
        const two = await begun('p', objects)
        await ledger.publish(two.load_id, publication([file(`${feed}/d`)]))
        expect(await served()).toEqual(['data d'])
        expect((await ledger.rejectFiles(feed)).map(({ path }) => path)).toEqual([`${feed}/r1`])
      })

      test('latestGenerations gives the latest, and the served one where that is another', async () => {
        newFeed()
        await load('p', [object('a')])
        await ledger.observe(feed, [listing('p', [object('b')]), listing('q', [])], [], at(3))
        const two = await begun('p', [object('b')])
        await ledger.endLoad(two.load_id, ending())
        const latest = await ledger.latestGenerations(feed, ['p', 'q'])
        expect([...latest.keys()]).toEqual(['p'])
        expect(latest.get('p')).toMatchObject({
          generation: 2,
          published: false,
          objects: [{ key: 'b' }],
          served: { generation: 1, published: true, objects: [{ key: 'a' }] },
        })
      })

      test('keeps files of the one before, and no others', async () => {
        newFeed()
        await load('p', [object('a')])
        await ledger.observe(feed, [listing('p', [object('a'), object('b')])], [], at(3))
        const kept_files = (await ledger.servedFiles(feed)).map(({ file_id }) => file_id)
        const two = await begun('p', [object('a'), object('b')])
        const strange = publication([], { kept_files: ['999999999'] })
        await expect(ledger.publish(two.load_id, strange)).rejects.toThrow(/not of the served/)
        await ledger.publish(two.load_id, publication([file(`${feed}/b`)], { kept_files }))
        expect(await served()).toEqual(['data p/1/data.parquet', 'data b'])
        expect((await partition('p')).rows).toBe(14)
        expect(await ledger.generationFiles(feed, 'p', 1)).toHaveLength(1)
        // A kept file still names the generation and load that wrote it.
        expect((await ledger.servedFiles(feed)).map(({ generation }) => generation)).toEqual([1, 2])
      })
    })

    describe('claims', () => {
      test('a partition is loaded by one at a time, and only by a plan that is up to date', async () => {
        newFeed()
        const objects = [object('a')]
        await ledger.observe(feed, [listing('p', objects)], [], at(0))
        const one = await begun('p', objects)
        expect(await begin('p', objects)).toBeUndefined()
        await ledger.publish(one.load_id, publication([file(`${feed}/x`)]))
        // Planned before the load above: it would load the same objects again.
        const { last_load } = await partition('p')
        const request = {
          feed,
          partition: 'p',
          reason: 'first' as const,
          objects,
          contract_hash: 'contract',
          settings_hash: 'settings',
          holder: 'host:1',
          lease_ms: LEASE_MS,
          exclusive_feed: false,
          now: at(1),
        }
        expect(await ledger.beginLoad(request)).toBeUndefined()
        expect(await ledger.beginLoad({ ...request, expected_last_load: 'x' })).toBeUndefined()
        const current = { ...request, expected_last_load: last_load?.load_id ?? '' }
        expect(await ledger.beginLoad(current)).toBeDefined()
      })

      test('a claim that ran out passes on, and its first owner can no longer publish', async () => {
        newFeed()
        const objects = [object('a')]
        await ledger.observe(feed, [listing('p', objects)], [], at(0))
        const one = await begun('p', objects)
        expect(await ledger.renewLease(one.load_id, LEASE_MS, at(1.5))).toBe(true)
        expect(await begin('p', objects, { now: at(2.4) })).toBeUndefined()
        const two = await begun('p', objects, { now: at(2.6) })
        expect(two.generation).toBe(one.generation)
        expect((await ledger.loads({ load_ids: [one.load_id] }))[0]).toMatchObject({
          state: 'failed',
          code: 'interrupted',
          retryable: true,
          ended_at: at(2.6),
        })
        expect(await ledger.renewLease(one.load_id, LEASE_MS, at(2.7))).toBe(false)
        const lost = { code: 'lease_lost', retryable: true }
        await expect(
          ledger.publish(one.load_id, publication([file(`${feed}/one`)])),
        ).rejects.toMatchObject(lost)
        await expect(ledger.endLoad(one.load_id, ending())).rejects.toMatchObject(lost)
        await ledger.publish(two.load_id, publication([file(`${feed}/two`)]))
        expect(await served()).toEqual(['data two'])
      })

      test('a claim that ran out and that nobody took still publishes', async () => {
        newFeed()
        const objects = [object('a')]
        await ledger.observe(feed, [listing('p', objects)], [], at(0))
        const one = await begun('p', objects)
        expect(await ledger.runningLoads(at(30))).not.toContain(one.load_id)
        await ledger.publish(one.load_id, publication([file(`${feed}/x`)], { now: at(30) }))
        expect((await partition('p')).state).toBe('published')
      })

      test('an exclusive load keeps every other load of its feed away, and waits for all of them', async () => {
        newFeed()
        const other = 'another-feed'
        await ledger.observe(other, [listing('p', [object('a')])], [], at(0))
        await ledger.observe(
          feed,
          [listing('p', [object('a')]), listing('q', [object('b')])],
          [],
          at(0),
        )
        const plain = await begun('p', [object('a')])
        expect(await begin('q', [object('b')], { exclusive_feed: true })).toBeUndefined()
        const side = await begun('q', [object('b')])
        await ledger.publish(plain.load_id, publication([file(`${feed}/p`)]))
        await ledger.endLoad(side.load_id, ending())
        const exclusive = await begun('q', [object('b')], { exclusive_feed: true })
        expect(await begin('p', [object('a')])).toBeUndefined()
        expect(await begin('p', [object('a')], { exclusive_feed: true })).toBeUndefined()
        expect(
          await ledger.beginLoad({
            feed: other,
            partition: 'p',
            reason: 'first',
            objects: [object('a')],
            contract_hash: 'c',
            settings_hash: 's',
            holder: 'host:1',
            lease_ms: LEASE_MS,
            exclusive_feed: true,
            now: at(1),
          }),
        ).toBeDefined()
        // An exclusive claim that ran out on one partition passes to another.
        const next = await begun('p', [object('a')], { exclusive_feed: true, now: at(30) })
        expect((await partition('q')).last_load).toMatchObject({
          load_id: exclusive.load_id,
          code: 'interrupted',
        })
        await ledger.endLoad(next.load_id, ending())
      })

      test('recover interrupts loads whose claim ran out, or all of them', async () => {
        newFeed()
        await ledger.observe(
          feed,
          [listing('p', [object('a')]), listing('q', [object('b')])],
          [],
          at(0),
        )
        const short = await begun('p', [object('a')], { lease_ms: 1000 })
        const long = await begun('q', [object('b')], { lease_ms: 100 * LEASE_MS })
        const first = await ledger.recover(at(2), false)
        expect(first).toContain(short.load_id)
        expect(first).not.toContain(long.load_id)
        expect(await ledger.recover(at(2), false)).toEqual([])
        expect(await ledger.recover(at(2), true)).toContain(long.load_id)
        expect((await ledger.partitions(feed)).map(({ state }) => state)).toEqual([
          'failed',
          'failed',
        ])
        expect((await partition('p')).last_load).toMatchObject({
          code: 'interrupted',
          retryable: true,
        })
      })

      test('of an exclusive and a plain load that begin at the same time, one is turned away', async () => {
        newFeed()
        const other = await fixture.connect()
        const names = Array.from({ length: 16 }, (_, index) => `p${index}`)
        await ledger.observe(
          feed,
          names.map((one) => listing(one, [object(one)])),
          [],
          at(0),
        )
        for (let pair = 0; pair < names.length; pair += 2) {
          const [p, q] = names.slice(pair, pair + 2) as [string, string]
          const both = await Promise.all([
            begin(p, [object(p)], { exclusive_feed: true }),
            begin(q, [object(q)], {}, other),
          ])
          const won = both.filter((one) => one !== undefined)
          expect(won).toHaveLength(1)
          await ledger.endLoad(won[0]?.load_id ?? '', ending())
        }
        await other[Symbol.asyncDispose]()
      })

      test.each([2, 4])('%i loaders never get the same load, nor a generation twice', async (n) => {
        newFeed()
        const names = Array.from({ length: 12 }, (_, index) => `p${String(index).padStart(2, '0')}`)
        await ledger.observe(
          feed,
          names.map((one) => listing(one, [object(one)])),
          [],
          at(0),
        )
        const others = await Promise.all(Array.from({ length: n - 1 }, () => fixture.connect()))
        const loaders = [ledger, ...others]
        const wins = await Promise.all(
          loaders.map(async (loader, index) => {
            const won: string[] = []
            // Each starts elsewhere, as loaders that share a plan would end up doing.
            for (const offset of names.keys()) {
              const one = names[(offset + index) % names.length] as string
              const load = await loader.beginLoad({
                feed,
                partition: one,
                reason: 'first',
                objects: [object(one)],
                contract_hash: 'c',
                settings_hash: 's',
                holder: `host:${index}`,
                lease_ms: LEASE_MS,
                exclusive_feed: false,
                now: at(1),
              })
              if (load === undefined) continue
              won.push(one)
              await loader.publish(load.load_id, publication([file(`${feed}/${one}/${index}`)]))
            }
            return won
          }),
        )
        expect(wins.flat().sort()).toEqual(names)
        const loads = await ledger.loads({ feed })
        expect(loads).toHaveLength(names.length)
        expect(new Set(loads.map(({ load_id }) => load_id)).size).toBe(names.length)
        expect(await ledger.servedFiles(feed)).toHaveLength(names.length)
        for (const other of others) await other[Symbol.asyncDispose]()
      })
    })

    describe('republication', () => {
      test('another partition’s winners change in the same transaction, as a generation of the same objects', async () => {
        newFeed()
        const files = (of: string) => [
          file(`${feed}/${of}/data`, { objects: [object(of)] }),
          file(`${feed}/${of}/rejects`, { kind: 'rejects', rows: 1 }),
        ]
        for (const of of ['p', 'q']) {
          await ledger.observe(feed, [listing(of, [object(of)])], [], at(0))
          const one = await begun(of, [object(of)], { exclusive_feed: true })
          await ledger.publish(one.load_id, publication(files(of)))
        }
        const data = (await ledger.servedFiles(feed, { partitions: ['p'], kinds: ['data'] }))[0]
        await ledger.observe(feed, [listing('q', [object('q', 'v2')])], [], at(3))
        const three = await begun('q', [object('q', 'v2')], { exclusive_feed: true })
        await ledger.publish(
          three.load_id,
          publication([file(`${feed}/q/data2`)], {
            now: at(5),
            republished: [
              {
                partition: 'p',
                reason: 'winner_replaced',
                files: [file(`${feed}/p/data2`, { rows: 4, objects: [object('p')] })],
                carried: [{ file_id: data?.file_id ?? '', kind: 'candidates' }],
              },
            ],
          }),
        )
        expect(await served()).toEqual([
          'candidates p/data',
          'rejects p/rejects',
          'data p/data2',
          'data q/data2',
        ])
        const state = await partition('p')
        expect(state).toMatchObject({
          state: 'published',
          generation: 2,
          served_generation: 2,
          rows: 4,
          published_at: at(5),
        })
        expect(await ledger.generations(feed, 'p')).toMatchObject([
          { generation: 1, reason: 'first', content_generation: 1, objects: [{ key: 'p' }] },
          {
            generation: 2,
            reason: 'winner_replaced',
            content_generation: 1,
            published: true,
            objects: [{ key: 'p', version: 'v1' }],
          },
        ])
        // What it was before is still there to go back to.
        expect(await ledger.generationFiles(feed, 'p', 1)).toMatchObject([
          { kind: 'data' },
          { kind: 'rejects' },
        ])

        // And back: the candidates are served again, then new objects make a generation of their own.
        await ledger.observe(feed, [listing('q', [object('q', 'v3')])], [], at(6))
        const four = await begun('q', [object('q', 'v3')], { exclusive_feed: true })
        await ledger.publish(
          four.load_id,
          publication([file(`${feed}/q/data3`)], {
            republished: [
              {
                partition: 'p',
                reason: 'winner_withdrawn',
                files: [],
                carried: [{ file_id: data?.file_id ?? '', kind: 'data' }],
              },
            ],
          }),
        )
        expect(await served('p')).toEqual(['data p/data', 'rejects p/rejects'])
        await load('p', [object('p'), object('p2')])
        const made = await ledger.generations(feed, 'p')
        expect(
          made.map((one) => [one.generation, one.content_generation, one.objects.length]),
        ).toEqual([
          [1, 1, 1],
          [2, 1, 1],
          [3, 1, 1],
          [4, 4, 2],
        ])
      })

      test('fails whole where one of the partitions cannot be republished', async () => {
        newFeed()
        await ledger.observe(
          feed,
          [listing('p', [object('a')]), listing('q', [object('b')])],
          [],
          at(0),
        )
        const one = await begun('p', [object('a')], { exclusive_feed: true })
        const bad = publication([file(`${feed}/x`)], {
          republished: [{ partition: 'q', reason: 'winner_replaced', files: [], carried: [] }],
        })
        await expect(ledger.publish(one.load_id, bad)).rejects.toThrow(/not served/)
        expect(await served()).toEqual([])
      })
    })

    describe('rollback', () => {
      test('serves an older generation and pins it until the next publication', async () => {
        newFeed()
        await load('p', [object('a')])
        await load('p', [object('a', 'v2')])
        expect(await served()).toEqual(['data p/2/data.parquet'])
        await ledger.rollback(feed, 'p', 1, { republished: [], now: at(5) })
        expect(await served()).toEqual(['data p/1/data.parquet'])
        expect(await partition('p')).toMatchObject({
          state: 'published',
          generation: 2,
          served_generation: 1,
          pinned: true,
          published_at: at(5),
        })
        await ledger.observe(feed, [listing('p', [object('a', 'v3')])], [], at(6))
        expect(await partition('p')).toMatchObject({ state: 'ready', pinned: true })
        const three = await load('p', [object('a', 'v3')])
        expect(three).toMatchObject({ generation: 3, served_generation: 1 })
        expect(await partition('p')).toMatchObject({ pinned: false, served_generation: 3 })
      })

      test('with other winners makes a generation of the older one’s objects', async () => {
        newFeed()
        await load('p', [object('a')])
        await load('p', [object('a', 'v2')])
        await ledger.rollback(feed, 'p', 1, {
          republished: [],
          data: [file(`${feed}/again`, { rows: 3 })],
          now: at(5),
        })
        expect(await served()).toEqual(['data again'])
        expect((await ledger.generations(feed, 'p'))[2]).toMatchObject({
          generation: 3,
          reason: 'rollback',
          content_generation: 1,
          objects: [{ key: 'a', version: 'v1' }],
        })
        expect(await partition('p')).toMatchObject({ served_generation: 3, rows: 3, pinned: true })
        // The object set of the latest attempt is still the one that objects are compared with.
        await load('p', [object('a', 'v2'), object('b')])
        expect((await ledger.generations(feed, 'p'))[3]).toMatchObject({
          generation: 4,
          objects: [
            { key: 'a', version: 'v2' },
            { key: 'b', version: 'v1' },
          ],
        })
      })

      test('is refused for what was never published, was swept, or is being loaded', async () => {
        newFeed()
        await load('p', [object('a')])
        await load('p', [object('a', 'v2')])
        await ledger.observe(feed, [listing('p', [object('a', 'v3')])], [], at(6))
        const three = await begun('p', [object('a', 'v3')])
        const change = { republished: [], now: at(1.5) }
        await expect(ledger.rollback(feed, 'p', 1, change)).rejects.toMatchObject({
          code: 'partition_loading',
        })
        await ledger.endLoad(three.load_id, ending())
        for (const never of [3, 99]) {
          await expect(ledger.rollback(feed, 'p', never, change)).rejects.toMatchObject({
            code: 'generation_unavailable',
          })
        }
        await ledger.markSwept(feed, [`${feed}/p/1/data.parquet`], at(7))
        await expect(ledger.rollback(feed, 'p', 1, change)).rejects.toMatchObject({
          code: 'generation_unavailable',
        })
        expect(await served()).toEqual(['data p/2/data.parquet'])
      })
    })

    describe('files', () => {
      test('retained are those of served and of the latest generations; swept ones are not named again', async () => {
        newFeed()
        for (const version of ['v1', 'v2', 'v3', 'v4']) await load('p', [object('a', version)])
        await ledger.observe(feed, [listing('p', [object('a', 'v5')])], [], at(6))
        const five = await begun('p', [object('a', 'v5')])
        await ledger.endLoad(
          five.load_id,
          ending({ files: [file(`${feed}/r5`, { kind: 'rejects' })] }),
        )
        const paths = (numbers: number[]) => numbers.map((n) => `${feed}/p/${n}/data.parquet`)
        expect(await ledger.retainedFiles(feed, 1)).toEqual([...paths([4]), `${feed}/r5`])
        expect(await ledger.retainedFiles(feed, 2)).toEqual([...paths([3, 4]), `${feed}/r5`])
        await ledger.rollback(feed, 'p', 1, { republished: [], now: at(8) })
        expect(await ledger.retainedFiles(feed, 1)).toEqual([...paths([1, 4]), `${feed}/r5`])
        await ledger.markSwept(feed, paths([2, 3]), at(9))
        expect(await ledger.generationFiles(feed, 'p', 2)).toEqual([])
        expect(await ledger.retainedFiles(feed, 9)).toEqual([...paths([1, 4]), `${feed}/r5`])
        // The generation and the load stay on record.
        expect((await ledger.generations(feed, 'p')).map(({ published }) => published)).toEqual([
          true,
          true,
          true,
          true,
          false,
        ])
      })

      test('served files come by partition and range', async () => {
        newFeed()
        for (const one of ['2026-01-03', '2026-01-01', '2026-01-02']) await load(one, [object(one)])
        const partitions = async (query: Parameters<Ledger['servedFiles']>[1]) =>
          (await ledger.servedFiles(feed, query)).map((one) => one.partition)
        expect(await partitions({})).toEqual(['2026-01-01', '2026-01-02', '2026-01-03'])
        expect(await partitions({ from: '2026-01-02' })).toEqual(['2026-01-02', '2026-01-03'])
        expect(await partitions({ to: '2026-01-02' })).toEqual(['2026-01-01', '2026-01-02'])
        expect(await partitions({ partitions: ['2026-01-02', 'x'] })).toEqual(['2026-01-02'])
      })
    })

    describe('columns', () => {
      const column = (name: string, type = 'VARCHAR', nested: string[] = []) => ({
        name,
        type,
        nested,
        semantic: 'dimension' as const,
      })
      test('keep their ids, which start at 1 in each feed and are never used twice', async () => {
        newFeed()
        const made = await ledger.ensureColumns(
          feed,
          [column('a'), column('m', 'MAP(VARCHAR, VARCHAR)', ['key', 'value'])],
          at(0),
        )
        expect(made).toEqual([
          {
            name: 'a',
            type: 'VARCHAR',
            field_id: 1,
            nested_ids: {},
            semantic: 'dimension',
            added_at: at(0),
          },
          {
            name: 'm',
            type: 'MAP(VARCHAR, VARCHAR)',
            field_id: 2,
            nested_ids: { key: 3, value: 4 },
            semantic: 'dimension',
            added_at: at(0),
          },
        ])
        const more = await ledger.ensureColumns(
          feed,
          [column('z'), column('m', 'MAP(VARCHAR, STRUCT(x BIGINT))', ['key', 'value', 'value.x'])],
          at(1),
        )
        expect(more.map(({ name, field_id }) => [name, field_id])).toEqual([
          ['a', 1],
          ['m', 2],
          ['z', 5],
        ])
        expect(more[1]).toMatchObject({
          type: 'MAP(VARCHAR, STRUCT(x BIGINT))',
          nested_ids: { key: 3, value: 4, 'value.x': 6 },
          added_at: at(0),
        })
        expect(await ledger.ensureColumns(feed, [column('a')], at(2))).toEqual(more)
        expect(await ledger.columns(feed)).toEqual(more)
        expect(await ledger.columns('no-such-feed')).toEqual([])
      })

      test('asked for by several at once get one id each', async () => {
        newFeed()
        const others = await Promise.all([fixture.connect(), fixture.connect()])
        await Promise.all(
          [ledger, ...others].map((one, index) =>
            one.ensureColumns(
              feed,
              [column('shared'), column(`own${index}`), column(`x${index}`, 'A', ['element'])],
              at(0),
            ),
          ),
        )
        const all = await ledger.columns(feed)
        expect(all).toHaveLength(7)
        const ids = all.flatMap((one) => [one.field_id, ...Object.values(one.nested_ids)])
        expect(ids.sort((one, other) => one - other)).toEqual(
          Array.from({ length: 10 }, (_, index) => index + 1),
        )
        for (const other of others) await other[Symbol.asyncDispose]()
      })
    })

    describe('syncs', () => {
      const COUNTS = { records: 5, objects: 2, bytes: 70, bad_values: 1 }
      let sync = ''
      let attempts = 0
      const newSync = () => {
        sync = `sync-${++attempts}`
      }
      const beginSync = async (through: Ledger = ledger) => {
        const attempt_id = `${sync}-attempt-${++attempts}`
        const begun = await through.beginSync({
          sync,
          attempt_id,
          destination: 'lake',
          holder: 'host:1',
          streams: 2,
          now: at(1),
        })
        return { attempt_id, ...begun }
      }
      const commit = (
        attempt_id: string,
        n: number,
        states: readonly (readonly [string, string])[],
        records = 3,
      ) =>
        ledger.commitSync({
          sync,
          attempt_id,
          n,
          records,
          states: states.map(([scope, state]) => ({ scope, state })),
          now: at(2),
        })
      const states = async () =>
        (await ledger.syncStates(sync)).map(({ scope, state }) => [scope, state])

      test('keep the last state of each scope, as it came, and hand it to the next attempt', async () => {
        newSync()
        const first = await beginSync()
        expect(first).toMatchObject({ states: [] })
        expect(first.last).toBeUndefined()
        expect(await ledger.lastSyncCommit(first.attempt_id)).toBe(-1)
        const exact = '{"a": 9007199254740993, "b":1.50,  "\\u0000":"é"}'
        await commit(first.attempt_id, 0, [
          ['a', '1'],
          ['b', exact],
          ['a', '2'],
        ])
        await commit(first.attempt_id, 3, [['a', '3']], 4)
        expect(await ledger.lastSyncCommit(first.attempt_id)).toBe(3)
        const second = await beginSync()
        expect(second.states).toEqual([
          { scope: 'a', state: '3' },
          { scope: 'b', state: exact },
        ])
        expect(second.last).toMatchObject({
          attempt_id: first.attempt_id,
          state: 'failed',
          code: 'interrupted',
          records: 4,
          ended_at: at(1),
        })
      })

      test('commit without states counts, and the same commit twice is one', async () => {
        newSync()
        const { attempt_id } = await beginSync()
        await commit(attempt_id, 0, [])
        expect(await ledger.lastSyncCommit(attempt_id)).toBe(0)
        await commit(attempt_id, 1, [['a', '1']])
        // As after an answer that was lost: what was committed later stays.
        await commit(attempt_id, 2, [['a', '2']])
        await commit(attempt_id, 1, [['a', '1']])
        expect(await states()).toEqual([['a', '2']])
        expect(await ledger.lastSyncCommit(attempt_id)).toBe(2)
      })

      test('a state of everything takes the place of those of streams, and they its', async () => {
        newSync()
        const { attempt_id } = await beginSync()
        await commit(attempt_id, 0, [
          ['a', '1'],
          ['b', '1'],
        ])
        await commit(attempt_id, 1, [['global', '2']])
        expect(await states()).toEqual([['global', '2']])
        await commit(attempt_id, 2, [['a', '3']])
        expect(await states()).toEqual([['a', '3']])
      })

      test('an attempt whose sync another one has begun can commit no more', async () => {
        newSync()
        const other = await fixture.connect()
        const first = await beginSync()
        await commit(first.attempt_id, 0, [['a', '1']])
        const second = await beginSync(other)
        const lost = { code: 'lease_lost' }
        await expect(commit(first.attempt_id, 1, [['a', '9']])).rejects.toMatchObject(lost)
        const end = { sync, state: 'succeeded', counts: COUNTS, forget: [], now: at(3) } as const
        await expect(
          ledger.endSync({ ...end, attempt_id: first.attempt_id }),
        ).rejects.toMatchObject(lost)
        expect(await ledger.lastSyncCommit(first.attempt_id)).toBe(0)
        await commit(second.attempt_id, 0, [['a', '2']])
        expect(await states()).toEqual([['a', '2']])
        await other[Symbol.asyncDispose]()
      })

      test('an attempt that was cut off keeps what it committed, and commits no more', async () => {
        newSync()
        const { attempt_id } = await beginSync()
        await commit(attempt_id, 0, [['a', '1']])
        expect(await ledger.cutOffSync(attempt_id, at(2))).toBe(0)
        const lost = { code: 'lease_lost' }
        await expect(commit(attempt_id, 1, [['a', '9']])).rejects.toMatchObject(lost)
        // The answer to this one may have been lost: it took place.
        await commit(attempt_id, 0, [['a', '1']])
        expect(await ledger.cutOffSync(attempt_id, at(3))).toBe(0)
        expect(await states()).toEqual([['a', '1']])
        const next = await beginSync()
        expect(next.last).toMatchObject({ attempt_id, code: 'interrupted', ended_at: at(2) })
        expect(await ledger.cutOffSync('nobody', at(4))).toBeUndefined()
      })

      test('end with their counts, forget what only served to go on, and are listed', async () => {
        newSync()
        const { attempt_id } = await beginSync()
        await commit(attempt_id, 0, [
          ['a', '1'],
          ['done:b', 'true'],
        ])
        const end = {
          sync,
          attempt_id,
          state: 'failed',
          code: 'source_failed',
          message: 'no \0 such\ud800',
          counts: COUNTS,
          streams_complete: 1,
          forget: ['done:b', 'never'],
          now: at(3),
        } as const
        await ledger.endSync(end)
        await ledger.endSync(end)
        expect(await states()).toEqual([['a', '1']])
        const record = {
          sync,
          attempt_id,
          destination: 'lake',
          state: 'failed',
          holder: 'host:1',
          streams: 2,
          streams_complete: 1,
          started_at: at(1),
          ended_at: at(3),
          code: 'source_failed',
          message: 'no \\x00 such\ufffd',
          ...COUNTS,
        }
        expect((await ledger.syncs()).filter((each) => each.sync === sync)).toEqual([record])
        expect((await beginSync()).last).toEqual(record)
      })

      test('an attempt that failed before it began is the latest, and changes nothing else', async () => {
        newSync()
        const failed = {
          sync,
          attempt_id: `${sync}-failed`,
          destination: 'lake',
          holder: 'host:2',
          code: 'secret_missing',
          message: 'no \0 such',
          started_at: at(4),
          now: at(5),
        }
        const listed = async () => (await ledger.syncs()).find((each) => each.sync === sync)
        await ledger.failSync(failed)
        await ledger.failSync(failed)
        expect(await listed()).toEqual({
          sync,
          attempt_id: failed.attempt_id,
          destination: 'lake',
          state: 'failed',
          holder: 'host:2',
          started_at: at(4),
          ended_at: at(5),
          code: 'secret_missing',
          message: 'no \\x00 such',
          ...{ records: 0, objects: 0, bytes: 0, bad_values: 0 },
        })
        const first = await beginSync()
        expect(first.last).toBeUndefined()
        await commit(first.attempt_id, 0, [['stream:a', '1']], 7)
        await ledger.failSync({ ...failed, attempt_id: `${sync}-failed-again` })
        expect(await listed()).toMatchObject({ code: 'secret_missing' })
        // It runs on, and is what the next one hears of.
        await commit(first.attempt_id, 1, [['stream:a', '2']], 9)
        const second = await beginSync()
        expect(second.last).toMatchObject({ attempt_id: first.attempt_id, records: 9 })
        expect(second.states).toEqual([{ scope: 'stream:a', state: '2' }])
        expect(await listed()).toMatchObject({ attempt_id: second.attempt_id, state: 'running' })
      })

      test('tell of what kind their states are, those apart that only serve to go on', async () => {
        newSync()
        const kept = async () => (await ledger.keptStates()).filter((each) => each.sync === sync)
        const { attempt_id } = await beginSync()
        expect(await kept()).toEqual([])
        await commit(attempt_id, 0, [
          ['stream:["a"]', '1'],
          ['stream:["b"]', '1'],
          ['file:x', '1'],
          ['done:c', 'true'],
        ])
        expect(await kept()).toEqual([
          { sync, kind: 'file', count: 1, committed_at: at(2) },
          { sync, kind: 'stream', count: 2, committed_at: at(2) },
        ])
        await commit(attempt_id, 1, [['global', '2']])
        expect(await kept()).toEqual([{ sync, kind: 'global', count: 1, committed_at: at(2) }])
      })

      test('can be reset, and still know what their attempts committed', async () => {
        newSync()
        const { attempt_id } = await beginSync()
        await commit(attempt_id, 0, [
          ['a', '1'],
          ['b', '1'],
        ])
        expect(await ledger.resetSync(sync)).toBe(2)
        expect(await ledger.resetSync(sync)).toBe(0)
        expect(await states()).toEqual([])
        expect(await ledger.lastSyncCommit(attempt_id)).toBe(0)
        expect(await ledger.lastSyncCommit('nobody')).toBeUndefined()
      })
    })
  })
}
