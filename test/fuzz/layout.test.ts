import fc from 'fast-check'
import { expect } from 'vitest'
import { ExchangeError } from '../../src/core/errors.ts'
import { keyReader } from '../../src/core/layout/key-role.ts'
import {
  type Layout,
  parseDirectory,
  parseKey,
  parseLayout,
  writeKey,
} from '../../src/core/layout/layout.ts'
import { mayBeEmpty } from '../../src/core/layout/pattern.ts'
import { partitionAt } from '../../src/core/partition.ts'
import { Completion } from '../../src/core/settings.ts'
import { fuzz, watchForHangs } from './fuzz.ts'

watchForHangs()

/** The longest key that S3 and GCS take, in bytes. */
const LONGEST_KEY = 1024
/** Milliseconds of this thread's work that one key may take; a hundredth of it is usual. */
const MOST_MS = 500
const worked = () => process.threadCpuUsage().user / 1000

const part = fc.oneof(
  fc.constantFrom(
    '{yyyy}',
    '{MM}',
    '{dd}',
    '{HH}',
    '{mm}',
    '{file}',
    '{region}',
    '{kind}',
    '{a}',
    '{b}',
  ),
  fc.constantFrom(
    '-',
    '.',
    '_',
    '=',
    'dt=',
    'y',
    '0',
    '%',
    '+',
    '(',
    ' ',
    'é',
    '$',
    '^',
    '\\',
    '.*',
    '[a]',
  ),
)
const level = fc.array(part, { minLength: 1, maxLength: 7 }).map((parts) => parts.join(''))
/** As people write them: most of these are layouts. */
const likely = fc
  .tuple(
    fc.constantFrom('', 'region={region}/', '{kind}/', '{a}-{b}/', '{a}.{b}_{kind}-{region}/'),
    fc.constantFrom(
      'dt={yyyy}-{MM}-{dd}/',
      'y={yyyy}/m={MM}/d={dd}/H={HH}/',
      '{yyyy}{MM}{dd}{HH}{mm}/',
      '{yyyy}/{yyyy}-{MM}/',
      '{a}.{yyyy}-{b}.{MM}/',
      '{dd}.{MM}.{yyyy}-',
    ),
    fc.constantFrom('', 'k={kind}/', '{kind}+{region}+{a}/', 'x{a}y/'),
    fc.constantFrom(
      '{file}',
      '{file}.gz',
      '{a}-{file}',
      '{file}-{region}.{kind}',
      '…',
      'p{file}-{b}',
    ),
  )
  .map((parts) => parts.join(''))
const template = fc.oneof(
  { weight: 4, arbitrary: likely },
  { weight: 2, arbitrary: fc.array(level, { minLength: 1, maxLength: 4 }).map((l) => l.join('/')) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
)

/** The layout, or nothing where it is refused by name. */
function layoutOf(text: string, zone = 'UTC'): Layout | undefined {
  try {
    return parseLayout(text, { zone })
  } catch (error) {
    if (!(error instanceof ExchangeError)) throw error
    expect(error.code).toBe('layout_invalid')
    return undefined
  }
}

const text = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'-_.%/= x0é世+~\'\n\0{}\\"'), maxLength: 6 }),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.constantFrom(
    '__HIVE_DEFAULT_PARTITION__',
    '..',
    '.',
    '%2F',
    '%',
    '_SUCCESS',
    '../../etc/passwd',
  ),
)

fuzz(
  'layout: what is written is read back, for any layout there can be',
  fc.record({
    template,
    zone: fc.constantFrom('UTC', 'Asia/Seoul', 'America/New_York', 'Australia/Lord_Howe'),
    at: fc.date({ min: new Date('1901-01-01'), max: new Date('2199-12-31'), noInvalidDate: true }),
    file: text,
    values: fc.array(fc.oneof(text, fc.constant(null)), { minLength: 4, maxLength: 4 }),
  }),
  (cases) => {
    for (const { template, zone, at, file, values } of cases) {
      const layout = layoutOf(template, zone)
      if (layout === undefined) continue
      const filled = (name: string) =>
        layout.levels.some(
          (l) => !mayBeEmpty(l) && l.some((p) => 'variable' in p && p.variable === name),
        )
      const variables = Object.fromEntries(
        layout.variables.map((name, index) => {
          const value = values[index] ?? null
          return [name, value === '' && filled(name) ? 'v' : value]
        }),
      )
      const has_file = layout.levels.flat().some((p) => 'variable' in p && p.variable === 'file')
      const written = {
        partition: partitionAt(at, layout.grain, zone),
        file: has_file ? file.replaceAll('/', '') || 'f' : '',
        variables,
      }
      const key = writeKey(layout, written.partition, written)
      expect(parseKey(layout, key), `${template} ${JSON.stringify(key)}`).toEqual(written)
    }
  },
)

const piece = fc.oneof(
  fc.constantFrom(
    ...[
      '../',
      './',
      '//',
      '/',
      '..',
      '.',
      '-',
      '_',
      '=',
      '%',
      '%2F',
      '%00',
      '%zz',
      '\0',
      '\n',
      '\r',
      ' ',
      '+',
    ],
    ...[
      '2023',
      '01',
      '31',
      '02',
      '30',
      '1',
      '99',
      '24',
      '59',
      'dt=',
      'y=',
      'm=',
      'd=',
      'H=',
      'region=',
    ],
    ...[
      '__HIVE_DEFAULT_PARTITION__',
      '_SUCCESS',
      '_temporary/',
      'a',
      'é',
      '😀',
      "'",
      '"',
      ';--',
      '$(x)',
      '`',
    ],
  ),
  fc.string({ unit: 'binary', maxLength: 4 }),
)
const hostileKey = fc.oneof(
  fc.array(piece, { minLength: 1, maxLength: 20 }).map((pieces) => pieces.join('')),
  // Long runs of one sign: what makes a pattern that backtracks stand still.
  fc
    .tuple(
      fc.oneof(fc.constant([]), fc.array(piece, { minLength: 1, maxLength: 6 })),
      fc.oneof(
        fc.array(piece, { minLength: 1, maxLength: 2 }).map((some) => some.join('')),
        fc.constantFrom('a-', 'a.b_c-', '-', 'x.y.', '+'),
      ),
      fc.nat(LONGEST_KEY),
      fc.array(piece, { maxLength: 4 }),
    )
    .map(([head, one, times, tail]) =>
      [...head, one.repeat(times), ...tail].join('').slice(0, LONGEST_KEY),
    ),
)
const now = new Date('2024-06-01T00:00:00Z')

fuzz(
  'layout: any key is read, or has a reason; none takes long',
  fc.record({ template: likely, key: hostileKey, marker: fc.boolean() }),
  (cases) => {
    for (const { template, key, marker } of cases) {
      const layout = layoutOf(template)
      if (layout === undefined) continue
      const begun = worked()
      const read = parseKey(layout, key, now)
      if ('code' in read) expect(read.message.length).toBeGreaterThan(10)
      else {
        expect(key).not.toMatch(/(^|\/)\.\.?(\/|$)/)
        expect(Object.keys(read.variables)).toEqual(layout.variables)
      }
      const slash = key.lastIndexOf('/')
      if (slash >= 0) parseDirectory(layout, key.slice(0, slash + 1), now)
      if (!marker || layout.time_level < layout.levels.length - 1) {
        const completion = Completion.parse({ type: marker ? 'marker' : 'immediate' })
        const role = keyReader({ layout, completion, ignore: ['**/tmp*/**'] }).key(key, 1, now)
        expect(['data', 'marker', 'ignored', 'stray']).toContain(role.role)
      }
      const took = worked() - begun
      expect(took, `${template} took ${took} ms for ${JSON.stringify(key)}`).toBeLessThan(MOST_MS)
    }
  },
)
