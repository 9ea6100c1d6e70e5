import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Delivery, readDelivery, writeDelivery } from '../support/delivery.ts'
import { type Json, openWorkspace, type Report, type Workspace } from '../support/workspace.ts'

/** Every folder of deliveries is a case; to add one is to add a folder. */
const folder = fileURLToPath(new URL('../fixtures/deliveries', import.meta.url))
const names = (await readdir(folder)).sort()
const cases = new Map<string, Delivery>()
for (const name of names) cases.set(name, await readDelivery(folder, name))

let workspace: Workspace
beforeAll(async () => {
  const contracts: Record<string, string> = {}
  const feeds: Record<string, Json> = {}
  for (const { name, feed, contract } of cases.values()) {
    feeds[name] = feed
    if (contract === undefined) continue
    contracts[`${name}.odcs.yaml`] = contract
    feeds[name] = { contract: `contracts/${name}.odcs.yaml`, ...feed }
  }
  workspace = await openWorkspace({ feeds, contracts })
})
afterAll(() => workspace[Symbol.asyncDispose]())

describe('golden deliveries', () => {
  it('has a case for every preset, and more', () => {
    expect(names.length).toBeGreaterThan(30)
    const presets = new Set([...cases.values()].map(({ feed }) => feed.preset))
    expect(presets.size).toBe(6)
  })

  it.each([...cases.values()].map((each) => [each.name, each] as const))(
    '%s',
    async (name, each) => {
      const { expected } = each
      await writeDelivery(each, folder, join(workspace.dir, 'inbox', name))

      const dry = await workspace.validate(name)
      const loads = await workspace.load(name)
      const rejects = (await workspace.rejects(name, true)).map((r) => ({
        ...r,
        object: r.object.slice(name.length + 1),
      }))

      expect(loads.map((load, at) => asWritten(trimmed(load, name), expected.loads[at]))).toEqual(
        expected.loads,
      )
      expect(
        rejects.map((r, at) =>
          asWritten(withMessage(r, expected.rejects[at]), expected.rejects[at]),
        ),
      ).toEqual(expected.rejects)
      expect(await workspace.rows(name)).toEqual(expected.rows)
      if (expected.columns !== undefined) expect(await columnsOf(name)).toEqual(expected.columns)

      for (const load of loads) {
        // A partition that is not published has published nothing, whatever was valid in it.
        if (load.state === 'published')
          expect(load.rows_published + load.duplicates + load.rejected).toBe(load.rows_read)
        else expect(load.rows_published).toBe(0)
      }
      if (comparable(each)) {
        expect(dry.validations.map(dryFacts)).toEqual(loads.map(dryFacts))
        expect(dry.rejects).toEqual(await workspace.rejects(name, true))
      }
      expect(await workspace.load(name)).toEqual([])
    },
  )
})

/** Partitions that are loaded one after the other may see each other's columns and rows; a dry run sees neither. */
const comparable = ({ expected }: Delivery) => expected.loads.length === 1

/** Sizes far from what is advised are told before a delivery is loaded, not after. */
function dryFacts(report: Report) {
  const { partition, rows_read, rejected, duplicates, objects, rejects, code, message } = report
  const notes = report.notes.filter((n) => !/^(small|large)_objects$/.test(n.code))
  return {
    partition,
    rows_read,
    rejected,
    duplicates,
    objects,
    rejects,
    code,
    message,
    notes,
    refused: report.state === 'refused',
  }
}

const columnsOf = async (name: string) => {
  const { columns } = await workspace.app.query(`SELECT * FROM "${name}" LIMIT 0`)
  return Object.fromEntries(columns.map((c) => [c.name, c.type]))
}

/** Object names without the feed's prefix, so that a case reads as it was written. */
function trimmed(load: Report, name: string): Json {
  return {
    ...load,
    objects: load.objects.map(({ object, code }) => ({
      object: object.slice(name.length + 1),
      code,
    })),
    notes: load.notes.map(({ code, count }) => ({ code, count })),
  }
}

function withMessage(reject: Json, expected: Json | undefined): Json {
  const has = expected?.message_has
  if (typeof has !== 'string') return reject
  return {
    ...reject,
    message_has: String(reject.message).includes(has) ? has : reject.message,
  }
}

/** Only the fields the case speaks of; without a case, all of them, so that the diff shows what came. */
function asWritten(actual: Json, expected: Json | undefined): Json {
  if (expected === undefined) return actual
  return Object.fromEntries(Object.keys(expected).map((key) => [key, actual[key]]))
}
