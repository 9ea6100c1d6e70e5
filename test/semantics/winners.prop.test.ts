import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  contractOf,
  type Json,
  jsonl,
  openWorkspace,
  type Workspace,
} from '../support/workspace.ts'

/** What is served depends on what lies in the bucket, and not on the order in which it came. */

const DAYS = ['01', '02', '03']
const modes: Readonly<Record<string, Json>> = {
  upsert: { publish: 'upsert' },
  feed: { deduplicate: { scope: 'feed' } },
  days: { deduplicate: { scope: 'days', days: 1 } },
}

let workspace: Workspace
beforeAll(async () => {
  const feed = {
    layout: 'dt={yyyy}-{MM}-{dd}/{file}',
    format: { type: 'jsonl' },
    contract: 'contracts/keyed.odcs.yaml',
  }
  workspace = await openWorkspace({
    contracts: {
      'keyed.odcs.yaml': contractOf(
        [
          { name: 'id', logicalType: 'string', required: true, primaryKey: true },
          { name: 'v', logicalType: 'integer' },
        ],
        { customProperties: [{ property: 'versionColumn', value: 'v' }] },
      ),
    },
    feeds: Object.fromEntries(
      Object.entries(modes).flatMap(([mode, own]) => [
        [`${mode}_history`, { ...feed, ...own }],
        [`${mode}_clean`, { ...feed, ...own }],
      ]),
    ),
  })
})
afterAll(() => workspace[Symbol.asyncDispose]())

/** A delivery of one object of one day; null takes it away. */
const delivery = fc.record({
  day: fc.constantFrom(...DAYS),
  file: fc.constantFrom('a', 'b'),
  rows: fc.option(
    fc.array(fc.record({ id: fc.constantFrom('p', 'q'), v: fc.integer({ min: 1, max: 3 }) }), {
      minLength: 1,
      maxLength: 3,
    }),
    { freq: 5, nil: null },
  ),
  /** Rows that nothing rivals: where they are many, beaten ones are named instead of left out. */
  others: fc.constantFrom(0, 12),
  load: fc.boolean(),
})

let runs = 0
it.each(Object.keys(modes))(
  '%s: any history of deliveries ends as one clean run of what lies in the bucket',
  async (mode) => {
    const history = `${mode}_history`
    const clean = `${mode}_clean`
    await fc.assert(
      fc.asyncProperty(fc.array(delivery, { minLength: 3, maxLength: 8 }), async (deliveries) => {
        // Each run has keys and days of its own, so that one workspace serves all of them.
        runs += 1
        const month = `2010-${String((runs % 12) + 1).padStart(2, '0')}`
        const year = 2000 + Math.floor(runs / 12)
        const prefix = `r${runs}-`
        const keyOf = (feed: string, day: string, file: string) =>
          `${feed}/dt=${String(year)}${month.slice(4)}-${day}/${file}.jsonl`
        const present = new Map<string, string>()
        for (const { day, file, rows, others, load } of deliveries) {
          const key = keyOf('', day, file)
          // Of a day that loses its last object the rows stay served: that is another rule.
          const last = [...present.keys()].filter((k) => k.includes(`-${day}/`)).length === 1
          if (rows === null && (!present.has(key) || last)) continue
          if (rows === null) {
            present.delete(key)
            await workspace.remove(`${history}${key}`)
          } else {
            const unrivalled = Array.from({ length: others }, (_, n) => ({
              id: `${day}${file}${n}`,
              v: 1,
            }))
            const text = jsonl(
              [...unrivalled, ...rows].map((row) => ({ ...row, id: prefix + row.id })),
            )
            present.set(key, text)
            await workspace.put(`${history}${key}`, text)
          }
          if (load) await workspace.load(history)
        }
        await workspace.load(history)
        for (const [key, text] of present) await workspace.put(`${clean}${key}`, text)
        await workspace.load(clean)
        const served = async (feed: string) =>
          (await workspace.rows(feed)).filter((row) => String(row.id).startsWith(prefix))
        expect(await served(history)).toEqual(await served(clean))
      }),
      { numRuns: 6, endOnFailure: true },
    )
  },
)
