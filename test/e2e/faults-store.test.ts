import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { openApp } from '../../src/app.ts'
import { openStore } from '../../src/store/open-store.ts'
import { type FaultPlan, type FaultStore, faultStore } from '../support/fault-store.ts'

/** Whole loads from a store that fails by plan: each run loads what it can, and in the end it is all there. */
const DAYS = 4
const OBJECTS = 5

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bucketline-fault-store-'))
  const properties = [{ name: 'id', logicalType: 'integer', required: true }]
  await writeFile(
    join(folder, 'rows.odcs.yaml'),
    stringify({
      ...{ apiVersion: 'v3.2.0', kind: 'DataContract', id: 'rows', version: '1.0.0' },
      status: 'active',
      schema: [{ name: 'rows', properties }],
    }),
  )
  const layout = 'dt={yyyy}-{MM}-{dd}/{file}'
  const feed = { store: 'in', contract: 'rows.odcs.yaml', format: { type: 'jsonl' }, layout }
  await writeFile(
    join(folder, 'bucketline.yaml'),
    stringify({
      threads: 1,
      stores: { in: { type: 'local', path: 'in' } },
      feeds: { rows: feed },
    }),
  )
  for (let day = 1; day <= DAYS; day += 1) {
    const path = join(folder, `in/dt=2023-01-0${day}`)
    await mkdir(path, { recursive: true })
    for (let at = 0; at < OBJECTS; at += 1)
      await writeFile(join(path, `${at}`), `{"id":${day * 100 + at}}\n{"id":${-day * 100 - at}}\n`)
  }
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** What a run came to: its loads, or the code of what ended it. */
interface Run {
  readonly states: readonly (string | undefined)[]
  readonly ended?: string
}

/** Runs `load` up to so many times, with one store and one ledger. */
async function runs(times: number, plan: FaultPlan, force = false) {
  let store: FaultStore | undefined
  const signal = new AbortController().signal
  await using app = await openApp({
    config_file: 'bucketline.yaml',
    cwd: folder,
    env: {},
    command: 'test',
    signal,
    openStore: async (...args) => {
      store = faultStore(await openStore(...args), plan)
      return store
    },
  })
  const seen: Run[] = []
  for (let run = 0; run < times; run += 1) {
    const states: (string | undefined)[] = []
    try {
      const selection = { feeds: [], all: false, force, replay: false }
      const loads = app.load(selection, { watch: false, signal, observe: () => undefined })
      for await (const load of loads) states.push(load.code ?? load.state)
      seen.push({ states })
    } catch (error) {
      seen.push({ states, ended: (error as { code: string }).code })
    }
    expect(await readdir(join(folder, '.bucketline/staging')).catch(() => [])).toEqual([])
  }
  const ask = async (sql: string) => (await app.query(sql)).rows[0]?.map(Number) ?? []
  let rows = await ask('SELECT count(*) FROM rows')
  // Without a row there is no column yet.
  if (rows[0] !== 0) rows = await ask('SELECT count(*), count(DISTINCT id), sum(id) FROM rows')
  await app.sweep([])
  expect(await app.sweep([])).toMatchObject([{ files: 0 }])
  return { seen, rows, tally: store?.tally ?? { calls: 0, faults: 0 } }
}

const WHOLE = [2 * DAYS * OBJECTS, 2 * DAYS * OBJECTS, 0]

describe('a store that fails by plan', () => {
  it('with faults that pass: the runs after it load what is missing, once', async () => {
    const stalling = { part: 0.1, ms: 20 }
    const plan = { seed: 7, failing: 0.06, breaking_off: 0.05, cut_short: 0.05, stalling }
    const { seen, rows, tally } = await runs(14, plan)
    expect(tally.faults).toBeGreaterThan(3)
    for (const { states, ended } of seen) {
      for (const state of states)
        expect(['published', 'store_unavailable', 'object_changed']).toContain(state)
      expect([undefined, 'store_unavailable']).toContain(ended)
    }
    const states = seen.flatMap((run) => run.states)
    // Each day once; the last runs found nothing to load.
    expect(states.filter((state) => state === 'published')).toHaveLength(DAYS)
    expect(seen.at(-1)?.states).toEqual([])
    expect(rows).toEqual(WHOLE)
  })

  it('with faults that do not: it is not tried again until it is told to', async () => {
    // Found while all was well, and denied afterwards.
    const denied = await runs(2, { seed: 1, failing: 0, breaking_off: 1, retryable: false })
    expect(denied.seen).toEqual([
      { states: Array.from({ length: DAYS }, () => 'access_denied') },
      { states: [] },
    ])
    expect(denied.rows[0]).toBe(0)
    const { seen, rows } = await runs(1, { seed: 1, failing: 0 }, true)
    expect(seen).toEqual([{ states: Array.from({ length: DAYS }, () => 'published') }])
    expect(rows).toEqual(WHOLE)
  })

  it.each(['disordered', 'repeated'] as const)(
    'with a %s listing: nothing is silently wrong',
    async (listing) => {
      const { seen, rows, tally } = await runs(2, { seed: 1, failing: 0, listing })
      expect(tally.faults).toBeGreaterThan(0)
      // The stores of services refuse such a listing themselves; here it is either refused or taken rightly.
      const ended = seen.map((run) => run.ended)
      if (ended[0] === undefined) expect(rows).toEqual(WHOLE)
      else expect([ended, rows]).toEqual([['listing_disordered', 'listing_disordered'], [0]])

      // Later runs list partition by partition.
      expect((await runs(1, { seed: 1, failing: 0 })).rows).toEqual(WHOLE)
      await writeFile(join(folder, 'in/dt=2023-01-01/late'), '{"id":0}\n')
      const later = await runs(1, { seed: 1, failing: 0, listing })
      const [end] = later.seen.map((run) => run.ended)
      expect([undefined, 'listing_disordered']).toContain(end)
      const late = end === undefined ? 1 : 0
      expect(later.rows).toEqual([2 * DAYS * OBJECTS + late, 2 * DAYS * OBJECTS + late, 0])
    },
  )
})
