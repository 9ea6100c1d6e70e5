import { expect, it } from 'vitest'
import { lintContract } from './lint.ts'

const document = (properties: string) => `apiVersion: v3.2.0
kind: DataContract
id: c
version: 1.0.0
schema:
  - name: events
    properties:
${properties}
`

it('gives the problems of a document that cannot be used', () => {
  const report = lintContract(document('      - { name: a, logicalType: text }'))
  expect(report).toEqual({
    valid: false,
    problems: [
      {
        path: 'schema[0].properties[0].logicalType',
        line: 8,
        column: 33,
        message: expect.stringContaining('is one of string, date'),
      },
    ],
    not_executed: [],
    notes: [],
  })
})

it('gives what is not executed, and what a good contract would also say', () => {
  const report = lintContract(
    document('      - { name: ts, logicalType: timestamp, partitioned: true, encryptedName: x }'),
  )
  expect(report).toEqual({
    valid: true,
    problems: [],
    not_executed: [expect.objectContaining({ path: 'schema[0].properties[0].encryptedName' })],
    notes: [
      'ts is not required, though it decides which partition a row belongs to.',
      'There is no primary key, so rows that come twice are kept twice.',
      'There is no `frequency`, so a partition that never comes is not missed.',
      'Without a description: ts.',
    ],
  })
})

it('has nothing to say where there is nothing to say', () => {
  const properties = `      - { name: id, logicalType: string, primaryKey: true, description: who }
      - { name: ts, logicalType: timestamp, partitioned: true, required: true, description: when }
slaProperties: [{ property: frequency, value: daily }]`
  expect(lintContract(document(properties))).toEqual({
    valid: true,
    problems: [],
    not_executed: [],
    notes: [],
  })
})
