import fc from 'fast-check'

/** Texts of JSON values as no writer alone would write them: any white space, escapes and digits. */

export const space = fc.constantFrom('', '', '', ' ', '\t', ' \r')

export const jsonNumber = fc.stringMatching(/^-?(0|[1-9]\d{0,19})(\.\d{1,18})?([eE][-+]?\d{1,3})?$/)

/** A string's text: characters as they are, or escaped. */
export const jsonString: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc
        .string({ unit: 'grapheme', minLength: 1, maxLength: 6 })
        .map((text) => JSON.stringify(text).slice(1, -1)),
      fc.constantFrom(
        '\\n',
        '\\"',
        '\\\\',
        '\\/',
        '\\u00e9',
        '\\ud83d\\ude00',
        '\\u0022',
        '\\b',
        '\\t\\r\\f',
        "'",
        ',',
      ),
    ),
    { maxLength: 4 },
  )
  .map((pieces) => `"${pieces.join('')}"`)

const scalar = fc.oneof(jsonNumber, jsonString, fc.constantFrom('null', 'true', 'false'))

export const jsonValue: fc.Arbitrary<string> = fc.letrec<{ value: string; object: string }>(
  (tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      scalar,
      fc
        .tuple(space, fc.array(tie('value'), { maxLength: 3 }), space)
        .map(([before, items, after]) => `[${before}${items.join(`${after},${before}`)}${after}]`),
      tie('object'),
    ),
    object: objectOf(tie('value')),
  }),
).value

/** An object's text; no name is given twice. */
export function objectOf(value: fc.Arbitrary<string>, name = jsonString): fc.Arbitrary<string> {
  return fc
    .tuple(
      space,
      space,
      fc.uniqueArray(fc.tuple(name, value), {
        selector: ([key]) => JSON.parse(key) as string,
        maxLength: 5,
      }),
    )
    .map(([before, after, members]) => {
      const texts = members.map(([key, text]) => `${key}${after}:${before}${text}`)
      return `{${before}${texts.join(`${after},${before}`)}${after}}`
    })
}

/** A RECORD message's line: its parts in any order, with what else the protocol allows. */
export function recordLine(parts: {
  readonly stream: string
  readonly namespace?: string
  readonly data: fc.Arbitrary<string>
}): fc.Arbitrary<{
  readonly line: string
  readonly data: string
  readonly emitted_at: number
  readonly changes?: string
}> {
  const { stream, namespace, data } = parts
  const emitted = fc.oneof(
    fc.integer({ min: 1_000_000_000_000, max: 2_000_000_000_000 }),
    fc.integer({ min: -5, max: 5 }),
  )
  const changes = fc.option(
    fc
      .array(fc.constant('{"field":"a","change":"NULLED","reason":"SOURCE_RETRIEVAL_ERROR"}'), {
        maxLength: 2,
      })
      .map((items) => `[${items.join(', ')}]`),
    { nil: undefined },
  )
  return fc
    .record({
      data,
      emitted,
      changes,
      other: fc.option(jsonValue, { nil: undefined }),
      before: space,
      after: space,
    })
    .chain(({ data, emitted, changes, other, before, after }) => {
      const members = [
        ['"stream"', JSON.stringify(stream)],
        ['"data"', data],
        ['"emitted_at"', String(emitted)],
        ...(namespace === undefined ? [] : [['"namespace"', JSON.stringify(namespace)]]),
        ...(changes === undefined ? [] : [['"meta"', `{"changes":${changes}}`]]),
        ...(other === undefined ? [] : [['"file_reference"', other]]),
      ]
      const object = (texts: readonly (readonly string[])[]) =>
        `{${before}${texts.map(([key, text]) => `${key}${after}:${before}${text}`).join(`${after},`)}${after}}`
      return fc
        .tuple(fc.shuffledSubarray(members, { minLength: members.length }), fc.boolean())
        .map(([record, type_first]) => {
          const message = [
            ['"type"', '"RECORD"'],
            ['"record"', object(record)],
          ]
          return {
            line: object(type_first ? message : message.reverse()),
            data,
            emitted_at: emitted,
            ...(changes === undefined ? {} : { changes }),
          }
        })
    })
}
