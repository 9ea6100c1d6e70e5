import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { publishAll } from '../../../test/publish-all.ts'
import { sampleFeed } from '../../../test/sample-feed.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { openEmbeddedLedger } from '../../ledger/pglite.ts'
import { openMemory } from '../../store/memory.ts'
import { discover } from './discover.ts'

let data_dir: string
let ledger: Ledger
let runs = 0

beforeAll(async () => {
  data_dir = mkdtempSync(join(tmpdir(), 'discover-'))
  const now = new Date()
  ledger = await openEmbeddedLedger({ data_dir, role: 'loader', command: 'test', now })
}, 120_000)
afterAll(async () => {
  await ledger[Symbol.asyncDispose]()
  rmSync(data_dir, { recursive: true })
})

const layouts = [
  'dt={yyyy}-{MM}-{dd}/{file}.gz',
  'y={yyyy}/m={MM}/d={dd}/{file}.gz',
  'r={region}/{yyyy}/{MM}/{dd}/{file}.gz',
  '{yyyy}-{MM}-{dd}/r={region}/{file}.gz',
  '{yyyy}/{MM}-{dd}-{file}.gz',
]

/** Keys that fit some of the layouts, in a few days around a change of month, and some that fit none. */
const key = fc
  .record({
    layout: fc.constantFrom(...layouts),
    day: fc.constantFrom('30', '31', '1', '02'),
    region: fc.constantFrom('a', 'b'),
    file: fc.constantFrom('f.gz', 'g.gz', 'h.csv', '_SUCCESS'),
  })
  .map(({ layout, day, region, file }) =>
    layout
      .replace('{yyyy}', '2023')
      .replace('{MM}', Number(day) > 2 ? '01' : '02')
      .replace('{dd}', day)
      .replace('{region}', region)
      .replace('{file}.gz', file),
  )

const step = fc.record({
  put: fc.array(key, { maxLength: 6 }),
  remove: fc.array(fc.nat({ max: 50 }), { maxLength: 2 }),
  publish: fc.boolean(),
  /** Past `look_back`, so that what was published is closed from then on. */
  wait: fc.boolean(),
})

test('runs that look only at what can have changed know what one look at everything would', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...layouts),
      fc.array(step, { maxLength: 4 }),
      async (layout, steps) => {
        runs += 1
        // All closed partitions are looked at again in each run: nothing may escape then.
        const feed = sampleFeed({ name: `by_steps_${runs}`, layout, recheck: 100 })
        const once = sampleFeed({ name: `at_once_${runs}`, layout })
        await using store = openMemory()
        const present = new Set<string>()
        let now = new Date('2023-02-03T00:00:00Z')
        for (const { put, remove, publish, wait } of steps) {
          for (const index of remove) {
            const gone = [...present][index]
            if (gone === undefined) continue
            present.delete(gone)
            await store.delete([gone])
          }
          for (const one of put) {
            present.add(one)
            await store.write(one, new Uint8Array(1))
          }
          await discover(feed, { store, ledger, now, mode: 'new' })
          if (publish) await publishAll(feed, ledger, now)
          if (wait) now = new Date(now.getTime() + 8 * 86_400_000)
        }
        await discover(feed, { store, ledger, now, mode: 'new' })
        await discover(once, { store, ledger, now, mode: 'all' })
        expect(await stateOf(feed.name)).toEqual(await stateOf(once.name))
      },
    ),
    { numRuns: 40 },
  )
})

async function stateOf(feed: string) {
  const partitions = (await ledger.partitions(feed)).filter(({ objects }) => objects > 0)
  const names = partitions.map(({ partition }) => partition)
  const strays = await ledger.strays(feed)
  return {
    partitions: partitions.map(({ partition, objects, bytes }) => ({ partition, objects, bytes })),
    objects: (await ledger.objects(feed, names)).map((o) => `${o.partition} ${o.key} ${o.version}`),
    strays: strays.map(({ object, code }) => `${object} ${code}`),
  }
}
