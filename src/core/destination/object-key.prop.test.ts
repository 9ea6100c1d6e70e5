// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the path, not of the program.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { streamMatcher } from './key-matcher.ts'
import { objectKey, PART_MARK } from './object-key.ts'
import { eventValue, fieldValue } from './partition-value.ts'
import { parseDestinationPath } from './path-format.ts'
import { sanitizeName, tidyKey } from './sanitize.ts'

const sign = fc.constantFrom(...[...'a1_-./+*^$([{ é世\\\n\0#'], '..', '${UUID}', '{date}')
const name = fc.oneof(
  fc.string({ unit: sign, minLength: 1, maxLength: 6 }),
  fc.string({ minLength: 1, unit: 'grapheme' }),
)
const stream = fc
  .record({ name, namespace: fc.option(name, { nil: undefined }) })
  .map(({ name, namespace }) => ({ name, ...(namespace === undefined ? {} : { namespace }) }))

const apart = [
  '${NAMESPACE}/${STREAM_NAME}/${YEAR}_${MONTH}_${DAY}_${EPOCH}_',
  'ns=${NAMESPACE}/name=${STREAM_NAME}/${SYNC_ID}/${HOUR}${MINUTE}${SECOND}${MILLISECOND}/',
  '${NAMESPACE}/${STREAM_NAME}/dt={event:yyyy-MM-dd}/c=${field:c}/',
  '${UUID}/ns=${NAMESPACE}/${STREAM_NAME}/${UUID}/{event:yyyy/MM}/${YEAR}${YEAR}/',
]
const path_format = fc.constantFrom(
  ...apart,
  '',
  '_',
  '${STREAM_NAME}',
  '../${NAMESPACE}/./${STREAM_NAME}.${BIRD_DOG}//',
  '${SYNC_ID}/${SYNC_ID}/${STREAM_NAME}_${EPOCH}',
)
const file_name_pattern = fc.constantFrom(
  '{part_number}{format_extension}',
  '{date}-{date:yyyy_MM}-{timestamp}-{part_number}-{sync_id}{format_extension}',
  'p{part_number}_{timestamp:micros}_{part_number}',
  "{date:yyMd'T'hmsS a E MMMM}x{part_number}",
  '{timestamp}{part_number}{format_extension}',
)
const bucket_path = fc.constantFrom('', 'p', '/a//b/', '..', 'x-${NAMESPACE}', '[(*')

const written = fc
  .record({
    bucket_path,
    path_format,
    file_name_pattern,
    stream,
    started: fc.date({
      min: new Date('2001-09-10'),
      max: new Date('2286-11-20'),
      noInvalidDate: true,
    }),
    uploaded: fc.date({
      min: new Date('2001-09-10'),
      max: new Date('2286-11-20'),
      noInvalidDate: true,
    }),
    sync_id: fc.constantFrom('', '42', 'nightly-7'),
    part_number: fc.nat(),
    uuid: fc.uuid(),
    extension: fc.constantFrom('.csv', '.csv.gz', '.jsonl.zst', '.avro', '.parquet'),
    field: fc.option(fc.string({ unit: sign })),
    event: fc.option(fc.integer({ min: 0, max: 4_102_444_800_000 })),
  })
  .map(({ started, uploaded, uuid, field, event, ...made }) => {
    const path = parseDestinationPath(made)
    const facts = {
      ...made,
      started_at: started,
      uploaded_at_micros: BigInt(uploaded.getTime()) * 1000n + 7n,
      uuid: () => uuid,
      partition: path.partition_by.map((by) =>
        by.kind === 'field' ? fieldValue(field) : eventValue(by.pattern)(event),
      ),
    }
    return { path, facts, key: objectKey(path, facts) }
  })

test('every key is known again as its stream’s, with its number and group', () => {
  fc.assert(
    fc.property(written, fc.boolean(), ({ path, facts, key }, told) => {
      const matcher = streamMatcher(path, facts.stream, told ? facts.extension : undefined)
      expect(key.startsWith(matcher.prefix)).toBe(true)
      expect(matcher.match(key)).toEqual({
        part_number: facts.part_number,
        group: objectKey(path, { ...facts, part_number: PART_MARK }),
      })
    }),
    { numRuns: 2000 },
  )
})

test('no key has an empty, hidden or outward level, or a control character', () => {
  fc.assert(
    fc.property(written, ({ key }) => {
      expect(key).not.toMatch(/\p{Cc}|\p{Cs}/u)
      expect(key.split('/').filter((level) => ['', '.', '..'].includes(level))).toEqual([])
    }),
    { numRuns: 1000 },
  )
})

/** What a name comes to in a level of its own. */
const level = (text: string | undefined): string => tidyKey(sanitizeName(text ?? ''))

test('where both names have levels of their own, no key is another stream’s', () => {
  const flat = (text: string) => text.replaceAll('/', '')
  fc.assert(
    fc.property(
      fc.constantFrom(...apart),
      file_name_pattern,
      fc.tuple(stream, stream).map((pair) =>
        pair.map(({ name, namespace }) => ({
          name: `n${flat(name)}`,
          ...(namespace === undefined ? {} : { namespace: `s${flat(namespace)}` }),
        })),
      ),
      (path_format, file_name_pattern, [one, other]) => {
        if (one === undefined || other === undefined) throw new Error('two wanted')
        fc.pre(
          level(one.name) !== level(other.name) || level(one.namespace) !== level(other.namespace),
        )
        const path = parseDestinationPath({ bucket_path: 'p', path_format, file_name_pattern })
        const key = objectKey(path, {
          stream: one,
          started_at: new Date('2024-01-02T03:04:05.006Z'),
          uploaded_at_micros: 1_700_000_000_000_000n,
          sync_id: '5',
          part_number: 3,
          uuid: () => '6d1b2c3d-0000-4000-8000-00000000000a',
          extension: '.csv',
          partition: path.partition_by.map((by) =>
            by.kind === 'field' ? 'v' : eventValue(by.pattern)(0),
          ),
        })
        expect(streamMatcher(path, other).match(key)).toBeUndefined()
      },
    ),
    { numRuns: 2000 },
  )
})
