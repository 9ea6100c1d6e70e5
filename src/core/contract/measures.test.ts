import { expect, it } from 'vitest'
import { parseContract } from '../odcs/odcs.ts'
import { expressionColumns, offeredMeasures } from './measures.ts'

it.each([
  ['sum(revenue) / nullif(sum("imp ""x"""), 0)', ['revenue', 'imp "x"']],
  ["count(*) FILTER (WHERE country = 'a b' AND bid_cnt > 1e3)", ['country', 'bid_cnt']],
  ['CASE WHEN a IS NULL THEN 0 ELSE b::DOUBLE END', ['a', 'b']],
  ['cast(a AS bigint) -- comment c\n + /* d */ e', ['a', 'e']],
  ["'it''s'", []],
  ['sum(x) + sum(x)', ['x']],
])('%s names its columns', (expression, columns) => {
  expect(expressionColumns(expression)).toEqual(columns)
})

it('offers sums, and ratios whose columns are there', () => {
  const { contract } = parseContract(`apiVersion: v3.2.0
kind: DataContract
id: c
version: 1.0.0
schema:
  - name: d
    properties:
      - { name: cnt, logicalType: integer, semanticType: measure, description: how many }
      - { name: fill, semanticType: measure, transformLogic: sum(imp_cnt) / sum(CNT) }
`)
  const cnt = { name: 'cnt', semantic: 'measure' } as const
  const dimension = { name: 'country', semantic: 'dimension' } as const
  const sum = { name: 'cnt', expression: 'sum("cnt")', description: 'how many' }
  expect(offeredMeasures(contract, [cnt, dimension])).toEqual([sum])
  expect(offeredMeasures(contract, [cnt, { name: 'imp_cnt', semantic: 'measure' }])).toEqual([
    sum,
    { name: 'imp_cnt', expression: 'sum("imp_cnt")' },
    { name: 'fill', expression: 'sum(imp_cnt) / sum(CNT)' },
  ])
})
