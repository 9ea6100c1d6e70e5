import { describe, expect, it } from 'vitest'
import { parseContract } from '../odcs/odcs.ts'
import { Completion } from '../settings.ts'
import { contractPage } from './page.ts'
import { showContract } from './show.ts'

const { contract } = parseContract(`apiVersion: v3.2.0
kind: DataContract
id: orders
name: Orders | all
version: 1.2.0
servers: [{ server: s, type: s3 }]
schema:
  - name: orders
    customProperties:
      - { property: newColumns, value: reject }
      - { property: deduplicate, value: { days: 7 } }
      - { property: ignoreCase, value: true }
      - { property: fileRows, value: 1000 }
    quality:
      - { metric: rowCount, mustBeBetween: [1, 9], severity: warning, name: size }
    properties:
      - name: id
        logicalType: string
        physicalType: UUID
        primaryKey: true
        description: Which one.
      - name: at
        logicalType: timestamp
        partitioned: true
        required: true
        customProperties: [{ property: truncateTo, value: seconds }]
      - name: price
        logicalType: number
        physicalType: DECIMAL(10, 2)
        logicalTypeOptions: { minimum: 0, exclusiveMaximum: 1000 }
        quality: [{ metric: nullValues, mustBeLessThan: 5, unit: percent }]
      - name: tags
        logicalType: map
        map: { key: { logicalType: string }, value: { logicalType: string } }
        customProperties:
          - { property: requiredKeys, value: [[os, platform]] }
          - { property: declaredKeys, value: [os] }
          - { property: lowerCaseKeys, value: true }
          - { property: acceptJsonText, value: true }
      - name: total
        businessName: Total
        semanticType: measure
        transformLogic: sum(price)
slaProperties:
  - { property: timeOfAvailability, value: '06:30 Europe/Berlin' }
  - { property: latency, value: 90, unit: m }
  - { property: errorRate, value: 2 }
`)

describe('showContract', () => {
  it('is plain data, ready to print', () => {
    expect(showContract(contract)).toEqual({
      id: 'orders',
      name: 'Orders | all',
      version: '1.2.0',
      columns: [
        { name: 'id', type: 'uuid', required: true, key: 1, rules: [], description: 'Which one.' },
        {
          name: 'at',
          type: 'timestamp',
          required: true,
          rules: ['names its partition', 'cut to seconds'],
        },
        {
          name: 'price',
          type: 'decimal(10, 2)',
          required: false,
          rules: ['at least 0', 'less than 1000'],
        },
        {
          name: 'tags',
          type: 'map of string',
          required: false,
          rules: [
            'needs the key os (or platform)',
            'keys as columns: os',
            'keys are lower-cased',
            'may come as JSON text',
          ],
        },
      ],
      settings: [
        { name: 'deduplicate', value: '7 days' },
        { name: 'new_columns', value: 'reject' },
        { name: 'ignore_case', value: 'true' },
        { name: 'file_rows', value: '1000' },
      ],
      service_levels: [
        { name: 'available_by', value: '06:30 Europe/Berlin, 1 day after' },
        { name: 'latency', value: '90 m' },
        { name: 'error_rate', value: '2 %' },
      ],
      quality: [
        { name: 'size', rule: 'rows between 1 and 9', severity: 'warning' },
        { name: 'price nullValues', rule: 'null values of price < 5 %', severity: 'error' },
      ],
      measures: [{ name: 'total', title: 'Total', expression: 'sum(price)' }],
      not_executed: [expect.objectContaining({ path: 'servers[0]', line: 6 })],
      notes: ['The required key os is also accepted under the name platform.'],
    })
  })
})

describe('contractPage', () => {
  it('is Markdown a partner can follow', () => {
    const page = contractPage(contract, {
      layout: 'dt={yyyy}-{MM}-{dd}/{file}.parquet',
      format: 'parquet',
      completion: Completion.parse({ type: 'marker' }),
    })
    expect(page).toContain('# Orders \\| all\n')
    expect(page).toContain(
      '- A partition is complete when an empty object `_SUCCESS` lies in it; write it last.',
    )
    expect(page).toContain('| `id` | uuid | key 1 |  | Which one. |')
    expect(page).toContain('A row with any other field is refused. Names match in any case.')
    expect(page).toContain('- available by: 06:30 Europe/Berlin, 1 day after')
    expect(page).toContain('- size: rows between 1 and 9 (a warning only)')
    expect(page).toContain('| Total | `sum(price)` |  |')
    expect(page).toContain('- `servers[0]`: where data lies')
    const rows = page.split('\n').filter((line) => line.startsWith('|'))
    const cells = rows.map((row) => row.match(/(?<!\\)\|/g)?.length)
    expect(new Set(cells)).toEqual(new Set([6, 4]))
  })

  it('says only what is known', () => {
    const page = contractPage({
      ...contract,
      measures: [],
      quality: [],
      notes: [],
      not_executed: [],
      service_levels: {},
    })
    expect(page.match(/^## .*$/gm)).toEqual(['## Columns'])
  })
})
