import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Partition, partitionAt } from '../partition.ts'
import { type Layout, parseKey, parseLayout, writeKey } from './layout.ts'
import { mayBeEmpty } from './pattern.ts'

const zones = ['UTC', 'Asia/Seoul', 'America/New_York', 'Australia/Lord_Howe']

const templates = [
  'dt={yyyy}-{MM}-{dd}/{file}.parquet',
  'y={yyyy}/m={MM}/d={dd}/H={HH}/{file}.gz',
  '{yyyy}{MM}{dd}{HH}{mm}/{file}',
  'timestamp={yyyy}-{MM}-{dd}/…',
  '{yyyy}/{yyyy}{MM}/region={region}/{file}.csv',
  'region={region}/kind={kind}/{yyyy}-{MM}-{dd}/{file}',
  '{region}/{yyyy}-{MM}-{dd}/{kind}-{file}.{ext}',
  '{yyyy}/{region}_{kind}.{yyyy}/{file}-{region}',
  '{dd}.{MM}.{yyyy}/{file}',
  'events-{yyyy}-{MM}-{dd}T{HH}.csv',
  '{yyyy}-{MM}-{region}.{kind}.json',
]

interface Written {
  readonly layout: Layout
  readonly partition: Partition
  readonly file: string
  readonly variables: Readonly<Record<string, string | null>>
}

const sign = fc.constantFrom(
  '-',
  '_',
  '.',
  '%',
  '/',
  '=',
  ' ',
  'x',
  '0',
  'é',
  '世',
  '+',
  '~',
  "'",
  '\n',
)
const text = fc.oneof(
  fc.string({ unit: sign, maxLength: 6 }),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.constantFrom('__HIVE_DEFAULT_PARTITION__', '..', '%2F', '.crc', '_temporary'),
)

const written: fc.Arbitrary<Written> = fc
  .record({
    template: fc.constantFrom(...templates),
    zone: fc.constantFrom(...zones),
    at: fc.date({
      min: new Date('1901-01-01'),
      max: new Date('2199-12-31'),
      noInvalidDate: true,
    }),
    file: text.map((t) => t.replaceAll('/', '') || 'f'),
    value: fc.array(fc.oneof(text, fc.constant(null)), { minLength: 3, maxLength: 3 }),
  })
  .map(({ template, zone, at, file, value }) => {
    const layout = parseLayout(template, { zone })
    const full = (name: string) =>
      layout.levels.some(
        (l) => !mayBeEmpty(l) && l.some((p) => 'variable' in p && p.variable === name),
      )
    const entries = layout.variables.map((name, index) => {
      const v = value[index] ?? null
      return [name, v === '' && full(name) ? 'v' : v] as const
    })
    const has_file = template.includes('{file}') || template.endsWith('…')
    return {
      layout,
      partition: partitionAt(at, layout.grain, zone),
      file: has_file ? file : '',
      variables: Object.fromEntries(entries),
    }
  })

const keyOf = ({ layout, partition, file, variables }: Written) =>
  writeKey(layout, partition, { file, variables })

test('what is written is read back', () => {
  fc.assert(
    fc.property(written, (w) => {
      expect(parseKey(w.layout, keyOf(w))).toEqual({
        partition: w.partition,
        file: w.file,
        variables: w.variables,
      })
    }),
    { numRuns: 2000 },
  )
})

test('a written key never has an empty, hidden or parent directory', () => {
  fc.assert(
    fc.property(written, (w) => {
      const directories = keyOf(w).split('/').slice(0, -1)
      expect(directories.filter((name) => name === '' || name.startsWith('.'))).toEqual([])
    }),
  )
})

test('every stray has a reason that shows what was expected', () => {
  const layout = parseLayout('y={yyyy}/m={MM}/d={dd}/H={HH}/{file}.gz')
  const level = fc.oneof(
    fc.constantFrom('y=2015', 'm=10', 'm=1', 'd=17', 'd=31', 'H=09', 'H=24', 'f.gz', '.gz', 'f'),
    fc.string({ maxLength: 4 }).map((t) => t.replaceAll('/', '')),
  )
  fc.assert(
    fc.property(fc.array(level, { minLength: 1, maxLength: 6 }), (levels) => {
      const parsed = parseKey(layout, levels.join('/'))
      if ('code' in parsed) expect(parsed.message.length).toBeGreaterThan(10)
      else expect(writeKey(layout, parsed.partition, parsed)).toBe(levels.join('/'))
    }),
    { numRuns: 2000 },
  )
})
