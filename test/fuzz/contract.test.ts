import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect } from 'vitest'
import { parse, stringify } from 'yaml'
import { PRESETS } from '../../src/core/config.ts'
import { diffContracts } from '../../src/core/contract/diff.ts'
import { contractPage } from '../../src/core/contract/page.ts'
import { ExchangeError } from '../../src/core/errors.ts'
import { parseContract } from '../../src/core/odcs/odcs.ts'
import { fuzz, watchForHangs } from './fuzz.ts'
import { changed, changes, type Data, slip, slipped, wordsOf } from './mutate.ts'

watchForHangs()

const presets = PRESETS.map((name) =>
  readFileSync(new URL(`../../presets/${name}.odcs.yaml`, import.meta.url), 'utf8'),
)
const documents = presets.map((text) => parse(text) as Data)
const words = [...new Set(documents.flatMap((each) => [...wordsOf(each)]))]
  .filter((word) => word.length < 60)
  .concat('vector', 'map', 'timestamp', 'integer', 'DECIMAL(38,9)', 'i128', 'rescue', 'upsert')

/** A contract, or nothing where it is refused with places; anything else fails. */
function read(text: string) {
  try {
    return parseContract(text).contract
  } catch (error) {
    if (!(error instanceof ExchangeError)) throw error
    expect(error.code).toBe('contract_invalid')
    const { problems } = error.details as { problems: { line: number; column: number }[] }
    expect(problems.length).toBeGreaterThan(0)
    for (const { line, column } of problems) {
      expect(line).toBeGreaterThanOrEqual(1)
      expect(line).toBeLessThanOrEqual(text.split(/\r\n|\r|\n/).length + 1)
      expect(column).toBeGreaterThanOrEqual(1)
    }
    return undefined
  }
}

/** Whatever compiles can be shown and compared: no later step falls over it. */
function use(text: string): void {
  const contract = read(text)
  if (contract === undefined) return
  expect(contractPage(contract)).toContain('## Columns')
  expect(diffContracts(contract, contract)).toEqual([])
}

fuzz(
  'contract: a preset with things changed in it compiles, or is refused with places',
  fc.record({
    preset: fc.nat(documents.length - 1),
    list: fc.array(changes(words), { minLength: 1, maxLength: 4 }),
  }),
  (cases) => {
    for (const { preset, list } of cases) {
      const data = list.reduce<Data>((all, one) => changed(all, one), documents[preset] as Data)
      use(JSON.stringify(data))
    }
  },
)

fuzz(
  'contract: a text with slips in it compiles, or is refused with places',
  fc.record({
    preset: fc.nat(documents.length - 1),
    list: fc.array(slip, { minLength: 1, maxLength: 4 }),
  }),
  (cases) => {
    for (const { preset, list } of cases) {
      // The smallest part that is a contract by itself: reading YAML is most of the time.
      use(list.reduce(slipped, small[preset] as string))
    }
  },
)

const small = documents.map((data) => {
  const { schema, ...head } = data as unknown as { schema: { properties: Data[] }[] }
  const kept = schema.map((object) => ({ ...object, properties: object.properties.slice(0, 6) }))
  return stringify({ ...head, schema: kept })
})
