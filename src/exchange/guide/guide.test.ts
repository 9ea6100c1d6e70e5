import { describe, expect, it } from 'vitest'
import { elementsOf, textOf } from '../../../test/support/html-page.ts'
import { contractOf } from '../../../test/support/workspace.ts'
import { FeedSettings } from '../../core/config.ts'
import { parseContract } from '../../core/odcs/odcs.ts'
import { resolveFeed } from '../../core/resolve-feed.ts'
import { contractGuide } from './guide.ts'
import type { GuideInput } from './guide-input.ts'
import { escapeHtml, html, shellWord, sizeText, spanText } from './markup.ts'

const id = { name: 'id', logicalType: 'string', required: true, primaryKey: true }

/** A page of a feed with the given settings, as text. */
function pageOf(
  settings: Record<string, unknown>,
  contract = contractOf([id]),
  more: Partial<GuideInput> = {},
): string {
  const feed = resolveFeed('clicks', FeedSettings.parse({ store: 'x', ...settings }), {
    contract: parseContract(contract).contract,
    contract_text: contract,
    store_prefix: '',
    hash: () => '',
  })
  const page = contractGuide({
    feed,
    name: 'clicks',
    document: { file: 'clicks.odcs.yaml', text: contract },
    prose: { channels: [] },
    place: { type: 's3', bucket: 'acme', region: 'eu-west-1' },
    policies: [],
    now: new Date('2026-03-01T00:20:00Z'),
    suffix: '.csv',
    sample: { impossible: 'not asked for.' },
    check_config: 'stores: {}\n',
    ...more,
  })
  expect(elementsOf(page).length).toBeGreaterThan(100)
  return textOf(page).replace(/\u00a0/g, ' ')
}

describe('where files go', () => {
  it.each([
    ['{yyyy}/{file}.csv', '2025/part-00000.csv', 'the last year that is over'],
    ['{yyyy}-{MM}/{file}', '2026-02/part-00000.csv', 'the last month that is over'],
    ['dt={yyyy}-{MM}-{dd}/{file}', 'dt=2026-02-28/part-00000.csv', 'the last day that is over'],
    [
      '{yyyy}{MM}{dd}/{HH}/{file}.json',
      '20260228/23/part-00000.json',
      'the last hour that is over',
    ],
    [
      'd={yyyy}-{MM}-{dd}/{HH}{mm}/{file}.gz',
      'd=2026-03-01/0000/part-00000.gz',
      'the last quarter of an hour',
    ],
    ['{region}/{yyyy}-{MM}-{dd}.parquet', 'sample/2026-02-28.parquet', 'it becomes a column'],
  ])('%s', (layout, key, words) => {
    const page = pageOf({ layout, prefix: 'in' })
    expect(page).toContain(`in/${key}`)
    expect(page).toContain(words)
    expect(page).toContain(`s3://acme/in/${key}`)
  })

  it('cuts partitions in the zone of the feed', () => {
    const page = pageOf({ layout: '{yyyy}-{MM}-{dd}/{file}', partition_zone: 'Asia/Seoul' })
    expect(page).toContain(
      '2026-02-28 runs from 2026-02-27 15:00 UTC up to, not including, 2026-02-28 15:00 UTC',
    )
  })

  it('shows keys that are not read, with the reader’s own reason', () => {
    const page = pageOf({ layout: 'dt={yyyy}-{MM}-{dd}/{file}.csv', ignore: ['old/**'] })
    expect(page).toContain('dt=2026-1-4/part-00000.csv"dt=2026-1-4" should have two digits')
    expect(page).toContain('The partition 2027-02-28 starts more than one day from now.')
    expect(page).toContain('old/**')
  })
})

describe('completion, lateness, delivering again', () => {
  const layout = 'dt={yyyy}-{MM}-{dd}/{file}.csv'
  it.each([
    [
      { type: 'marker', name: 'DONE' },
      ['an empty object named DONE', 'dt=2026-02-28/DONE', ': > DONE'],
    ],
    [{ type: 'marker', name: 'DONE', allow_content: true }, ['write an object named DONE']],
    [{ type: 'manifest' }, ['{ "files": ["part-00000.csv", "part-00001.csv"] }']],
    [{ type: 'quiet_period', quiet: '90m' }, ['has changed for 90 minutes']],
    [{ type: 'immediate' }, ['each file is loaded as it appears']],
  ])('%j', (completion, sentences) => {
    const page = pageOf({ layout, completion })
    for (const sentence of sentences) expect(page).toContain(sentence)
  })

  it.each([
    ['replace', 'Each day is loaded as a whole'],
    ['append', 'The same rows under another key are loaded again. Give'],
    ['upsert', 'deliver it again, whole, with a greater time'],
  ])('publish %s', (publish, sentence) => {
    expect(pageOf({ layout, publish })).toContain(sentence)
  })

  it('says when, in both clocks, and how much may be refused', () => {
    const contract = contractOf(
      [id],
      {},
      {
        slaProperties: [
          {
            property: 'timeOfAvailability',
            value: '06:30 America/New_York',
            valueExt: 2,
            unit: 'd',
          },
          { property: 'latency', value: 90, unit: 'm' },
          { property: 'errorRate', value: 2.5, unit: 'percent' },
        ],
      },
    )
    const page = pageOf({ layout, max_rejected_rows_per_object: 7 }, contract)
    expect(page).toContain('due by 06:30 America/New_York 2 days later')
    expect(page).toContain('due 90 minutes after its end')
    expect(page).toContain(
      '2026-02-28 is due at 2026-03-01 01:30 UTC (2026-02-28 20:30 in America/New_York)',
    )
    expect(page).toContain(
      'If more than 2.5 % of a partition’s rows, or more than 7 rows of one object are refused',
    )
  })
})

describe('columns and rules', () => {
  const option = (name: string, more: Record<string, unknown>) => ({
    name,
    logicalType: 'string',
    ...more,
  })
  const property = (name: string, value: unknown) => ({ property: name, value })
  it.each([
    [
      option('a', { logicalTypeOptions: { minLength: 2, maxLength: 5 } }),
      'It has at least 2 and at most 5 characters.',
    ],
    [
      option('a', { logicalTypeOptions: { pattern: '[A-Z]{2}' } }),
      'the regular expression [A-Z]{2}.',
    ],
    [option('a', { enum: [{ value: 'x' }, { value: 'y' }, { value: 'z' }] }), 'One of x, y or z.'],
    [
      option('a', { logicalType: 'integer', logicalTypeOptions: { minimum: 1, maximum: 9 } }),
      'The value is at least 1 and at most 9.',
    ],
    [
      option('a', { logicalType: 'integer', physicalType: 'SMALLINT' }),
      'whole number from -32768 to 32767',
    ],
    [
      option('a', { logicalType: 'number', physicalType: 'DECIMAL(9, 2)' }),
      'up to 7 digits before the point and 2 after',
    ],
    [option('a', { unique: true }), 'No value may come twice in a partition.'],
    [
      option('a', {
        logicalType: 'timestamp',
        logicalTypeOptions: { defaultTimezone: 'Asia/Seoul' },
      }),
      'A time that names no zone is taken as Asia/Seoul.',
    ],
    [option('a', { logicalType: 'array', items: { logicalType: 'date' } }), 'list of dates'],
    [
      option('a', { customProperties: [property('acceptedNames', ['b', 'c'])] }),
      'May also be called b or c.',
    ],
    [
      option('a', {
        logicalType: 'object',
        properties: [{ name: 'in', logicalType: 'string', required: true }],
      }),
      'object with the field in (text)',
    ],
    [
      option('a', {
        logicalType: 'map',
        map: { key: { logicalType: 'string' }, value: { logicalType: 'integer' } },
        customProperties: [
          property('requiredKeys', ['k', ['l', 'm']]),
          property('declaredKeys', ['k', 'n']),
        ],
      }),
      'Every row has the keys k and l (or m), with a value that is not null.',
    ],
  ])('%j', (column, sentence) => {
    expect(pageOf({ layout: '{yyyy}/{file}' }, contractOf([column]))).toContain(sentence)
  })

  it('calls columns as they are delivered', () => {
    const columns = [
      { ...id, physicalName: 'Event Id' },
      {
        name: 'at',
        physicalName: 'Event Time',
        logicalType: 'timestamp',
        partitioned: true,
      },
    ]
    const page = pageOf({ layout: '{yyyy}/{file}' }, contractOf(columns))
    expect(page).toContain('The key is Event Id.')
    expect(page).toContain('Every row lies in its year by Event Time, in UTC.')
  })

  it('tells what holds for the whole partition', () => {
    const contract = contractOf([id], {
      quality: [
        { name: 'full', type: 'library', metric: 'rowCount', mustBeGreaterOrEqualTo: 1000 },
        {
          name: 'told',
          type: 'library',
          metric: 'duplicateValues',
          arguments: { properties: ['id'] },
          mustBeLessThan: 5,
          unit: 'percent',
          severity: 'warning',
        },
      ],
    })
    const page = pageOf(
      { layout: '{yyyy}/{file}', columns: 'reject', deduplicate: { scope: 'days', days: 3 } },
      contract,
    )
    expect(page).toContain(
      'The partition has at least 1,000 rows. Otherwise nothing of the partition is published.',
    )
    expect(page).toContain('Repetitions of id are less than 5 %. Otherwise we are warned')
    expect(page).toContain('in partitions up to 3 days apart one is published')
    expect(page).toContain('A row with any other column is refused.')
  })
})

it('shows policies instead of permissions where there are some', () => {
  const layout = '{yyyy}/{file}'
  const page = pageOf({ layout }, undefined, {
    policies: [{ title: 'Paste <this>', text: '{ "a": "kms:Decrypt" }' }],
  })
  expect(page).toContain('Paste <this>{ "a": "kms:Decrypt" }')
  expect(page).not.toContain('s3:GetObject')
  expect(pageOf({ layout })).toContain('s3:GetObject')
})

describe('markup', () => {
  it('escapes whatever is no markup', () => {
    expect(escapeHtml(`<&>"'\u0000\u202e\ud800`)).toBe(
      '&lt;&amp;&gt;&quot;&#39;\\u0000\\u202e\ufffd',
    )
    expect(
      html`<p title="${'"'}">${['<', html`<b>${'&'}</b>`, undefined, false, 3]}</p>`.html,
    ).toBe('<p title="&quot;">&lt;<b>&amp;</b>3</p>')
  })
  it('writes words, sizes and spans', () => {
    expect(shellWord("it's $HOME")).toBe("'it'\\''s $HOME'")
    expect([sizeText(999), sizeText(999_960), sizeText(50_000_000)]).toEqual([
      '999 B',
      '1 MB',
      '50 MB',
    ])
    expect([spanText(1500), spanText(60_000), spanText(172_800_000)]).toEqual([
      '1500 ms',
      '1 minute',
      '2 days',
    ])
  })
})
