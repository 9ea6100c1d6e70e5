import { describe, expect, it } from 'vitest'
import { encodingWith } from '../../../test/support/encoding.ts'
import type { CsvDialect, Output } from '../../core/destination/output.ts'
import { csvHead } from './csv-rows.ts'
import type { Encoding } from './encode.ts'
import { textBlocks } from './text-blocks.ts'

const DIALECT: CsvDialect = {
  delimiter: ',',
  quote: '"',
  line_ending: '\r\n',
  header: true,
  byte_order_mark: false,
}
const csv = (flatten: boolean, dialect: Partial<CsvDialect> = {}): Output => ({
  type: 'csv',
  flatten,
  compression: 'none',
  dialect: { ...DIALECT, ...dialect },
})
const jsonl = (flatten: boolean): Output => ({ type: 'jsonl', flatten, compression: 'none' })

const encoding = (
  output: Output,
  more: Partial<Encoding> = {},
  properties: readonly string[] = [],
): Encoding =>
  encodingWith({
    stream: {
      name: 's',
      json_schema: {
        type: 'object',
        properties: Object.fromEntries(properties.map((name) => [name, {}])),
      },
    },
    output,
    keep_additional_properties: true,
    sync_id: 42,
    generation_id: 314,
    ...more,
  })
const V2 = { output_schema: 'v2' } as const

const line = (data: string, { emitted_at = '1700000000001', meta = '' } = {}) =>
  `{"type":"RECORD","record":{"stream":"s","data":${data},"emitted_at":${emitted_at}${meta}}}`
const block = (...lines: readonly string[]) => ({
  bytes: new Uint8Array(Buffer.from(lines.map((text) => `${text}\n`).join(''))),
  records: lines.length,
})

const UUID4 = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g
const UUID7 = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g

/** The text of the lines, read twice so that they have known shapes the second time; ids written `ID`. */
function textOf(of: Encoding, ...lines: readonly string[]): string {
  const encode = textBlocks(of)
  const uuid = of.output_schema === 'v1' ? UUID4 : UUID7
  const ids = new Set<string>()
  const [first, second] = [1, 2].map(() => {
    const { segments } = encode(block(...lines))
    const text = segments.map(({ bytes }) => Buffer.from(bytes).toString()).join('')
    for (const [id] of text.matchAll(uuid)) ids.add(id)
    return text.replaceAll(uuid, 'ID')
  })
  expect(second).toBe(first)
  expect(ids.size).toBe(2 * lines.length)
  return first ?? ''
}

const head = (of: Encoding): string =>
  Buffer.from(csvHead(of, of.output as Output & { type: 'csv' })).toString()

describe('JSON lines', () => {
  const data = '{ "id": 9007199254740993, "x": 1.0, "n": {"a":[1,  2]}, "t":"é\\n" }'

  it('hold the data as the source wrote them', () => {
    expect(textOf(encoding(jsonl(false)), line(data), line('{}'))).toBe(
      `{"_airbyte_ab_id":"ID","_airbyte_emitted_at":1700000000001,"_airbyte_data":${data}}\n` +
        '{"_airbyte_ab_id":"ID","_airbyte_emitted_at":1700000000001,"_airbyte_data":{}}\n',
    )
  })

  it('hold the members of the data beside the built-in ones when flattened', () => {
    expect(textOf(encoding(jsonl(true)), line(data), line('{}'), line('{ }'))).toBe(
      `{"_airbyte_ab_id":"ID","_airbyte_emitted_at":1700000000001,${data.slice(1)}\n` +
        '{"_airbyte_ab_id":"ID","_airbyte_emitted_at":1700000000001}\n'.repeat(2),
    )
  })

  it('hold what the second version adds', () => {
    const changes = '[{"field":"a","change":"NULLED","reason":"SOURCE_RETRIEVAL_ERROR"}]'
    const built_in = (list: string) =>
      `{"_airbyte_raw_id":"ID","_airbyte_extracted_at":1700000000001,"_airbyte_meta":{"sync_id":42,"changes":${list}},"_airbyte_generation_id":314`
    const lines = [line(data), line('{"a":null}', { meta: `,"meta":{"changes":${changes}}` })]
    expect(textOf(encoding(jsonl(false), V2), ...lines)).toBe(
      `${built_in('[]')},"_airbyte_data":${data}}\n${built_in(changes)},"_airbyte_data":{"a":null}}\n`,
    )
    expect(textOf(encoding(jsonl(true), V2), ...lines)).toBe(
      `${built_in('[]')},${data.slice(1)}\n${built_in(changes)},"a":null}\n`,
    )
  })

  it('keep both a built-in value and a member of that name', () => {
    const clash =
      '{"a":1,"_airbyte_ab_id":"x","\\u005fairbyte_emitted_at":[2],"_airbyte_ab_id_1":3}'
    expect(textOf(encoding(jsonl(true)), line(clash))).toBe(
      '{"_airbyte_ab_id":"ID","_airbyte_emitted_at":1700000000001,"a":1,"_airbyte_ab_id_2":"x","_airbyte_emitted_at_1":[2],"_airbyte_ab_id_1":3}\n',
    )
  })

  it('write a time as a whole number however it was written', () => {
    const times = ['1.7e12', '-5', '0', '17E1'].map((emitted_at) => line('{}', { emitted_at }))
    expect(textOf(encoding(jsonl(true)), ...times).match(/-?\d+(?=})/g)).toEqual([
      '1700000000000',
      '-5',
      '0',
      '170',
    ])
  })
})

describe('CSV', () => {
  it('holds the data in one column, with quotes doubled', () => {
    const of = encoding(csv(false))
    expect(head(of)).toBe('"_airbyte_ab_id","_airbyte_emitted_at","_airbyte_data"\r\n')
    expect(textOf(of, line('{"id":"1","t":"a\\"b"}'))).toBe(
      '"ID",1700000000001,"{""id"":""1"",""t"":""a\\""b""}"\r\n',
    )
  })

  it('of the first version sorts the columns and quotes every field', () => {
    const of = encoding(csv(true), {}, ['b', 'c', 'A', 'a', 'B', 'C', '\uff5e', '😀'])
    expect(head(of)).toBe(
      '"_airbyte_ab_id","_airbyte_emitted_at","A","B","C","a","b","c","\uff5e","😀"\r\n',
    )
    const data =
      '{"C":3,"B":"value B","A":{"Field 41": 15},"b":"value b","a":1.50,"z":"dropped","😀":null}'
    expect(textOf(of, line(data))).toBe(
      '"ID",1700000000001,"{""Field 41"":15}","value B","3","1.50","value b","","","null"\r\n',
    )
  })

  it('of the second version keeps the order and leaves numbers bare', () => {
    const of = encoding(csv(true), V2, ['yes', 'int', 'dec', 'text', 'list', 'none', 'missing'])
    expect(head(of)).toBe(
      '"_airbyte_raw_id","_airbyte_extracted_at","_airbyte_meta","_airbyte_generation_id","yes","int","dec","text","list","none","missing"\r\n',
    )
    const data =
      '{"none":null,"yes":true,"int":99999999999999999999999,"dec":-50000.0000000000000001,"text":"2025-06-17","list":["a", "b"]}'
    expect(textOf(of, line(data))).toBe(
      '"ID",1700000000001,"{""sync_id"":42,""changes"":[]}",314,"true",99999999999999999999999,-50000.0000000000000001,"2025-06-17","[""a"",""b""]","",""\r\n',
    )
  })

  it('takes the last of a member given twice, and reads escaped names and texts', () => {
    const of = encoding(csv(true), V2, ['a', 'é"'])
    const data =
      '{"a":1,"\\u0061":"\\ud83d\\ude00 \\"\\n\\u00e9 \\ud800!\\/","\\u00e9\\"":[ "\\"]", {"k" : 2} ]}'
    expect(textOf(of, line(data))).toBe(
      '"ID",1700000000001,"{""sync_id"":42,""changes"":[]}",314,"😀 ""\né \ufffd!/","[""\\""]"",{""k"":2}]"\r\n',
    )
    expect(head(of)).toContain('"a","é"""\r\n')
  })

  it('names a column apart that is called as a built-in one', () => {
    const of = encoding(csv(true), {}, ['_airbyte_ab_id', 'a'])
    expect(head(of)).toBe('"_airbyte_ab_id","_airbyte_emitted_at","_airbyte_ab_id_1","a"\r\n')
    expect(textOf(of, line('{"_airbyte_ab_id":"x","a":"y"}'))).toBe(
      '"ID",1700000000001,"x","y"\r\n',
    )
  })

  it('has no column but the built-in ones where the schema has no property', () => {
    const of = encoding(csv(true))
    expect(head(of)).toBe('"_airbyte_ab_id","_airbyte_emitted_at"\r\n')
    expect(textOf(of, line('{"a":1}'))).toBe('"ID",1700000000001\r\n')
  })

  it('follows its dialect', () => {
    const signs = {
      delimiter: '\t',
      quote: "'",
      line_ending: '\n',
      byte_order_mark: true,
      null_value: '\\N',
    } as const
    const of = encoding(csv(true, signs), {}, ['a', 'b', 'c'])
    expect(head(of)).toBe("\ufeff'_airbyte_ab_id'\t'_airbyte_emitted_at'\t'a'\t'b'\t'c'\n")
    expect(textOf(of, line('{"a":"it\'s \\"it\\"","b":null}'))).toBe(
      "'ID'\t1700000000001\t'it''s \"it\"'\t\\N\t\\N\n",
    )
    expect(head(encoding(csv(true, { ...signs, header: false, byte_order_mark: false })))).toBe('')
  })

  it('quotes a number in which the delimiter stands, and a null text that needs it', () => {
    const of = encoding(csv(true, { delimiter: '.', null_value: 'n.a.' }), V2, ['a', 'b'])
    expect(textOf(of, line('{"a":1.5}'))).toBe(
      '"ID"."1700000000001"."{""sync_id"":42,""changes"":[]}"."314"."1.5"."n.a."\r\n',
    )
  })

  it('doubles a quote of several bytes', () => {
    const of = encoding(csv(true, { quote: '’' }), {}, ['a', '’'])
    expect(head(of)).toBe('’_airbyte_ab_id’,’_airbyte_emitted_at’,’a’,’’’’\r\n')
    expect(textOf(of, line('{"a":"it’s ’","’":["’"]}'))).toBe(
      '’ID’,1700000000001,’it’’s ’’’,’["’’"]’\r\n',
    )
  })
})

describe('what is refused', () => {
  const refused: readonly (readonly [string, string, string])[] = [
    ['no JSON', '{"type":"RECORD"', 'no valid JSON'],
    ['an empty line', ' ', 'empty'],
    ['another type', line('{}').replace('RECORD', 'STATE'), 'its type is STATE'],
    ['another stream', line('{}').replace('"s"', '"t"'), 'of the stream t'],
    ['a namespace', line('{}', { meta: ',"namespace":"n"' }), 'of the stream n.s'],
    ['no data', line('{}').replace('"data"', '"date"'), 'no data'],
    ['data that are no object', line('[]'), 'data is no object'],
    ['no time', line('{}').replace('emitted_at', 'emitted'), 'no emitted_at'],
    ['a broken time', line('{}', { emitted_at: '1.5' }), 'emitted_at is no whole number'],
    ['data given twice', line('{}', { meta: ',"data":{}' }), 'data stands twice'],
    ['changes that are no list', line('{}', { meta: ',"meta":{"changes":{}}' }), 'no array'],
    ['more after the message', `${line('{}')}x`, 'text follows'],
  ]
  it.each(refused)('%s', (_, text, why) => {
    const encode = textBlocks(encoding(jsonl(false)))
    const attempt = () => encode(block(line('{"a":1}'), text))
    expect(attempt).toThrow(expect.objectContaining({ code: 'record_invalid' }))
    expect(attempt).toThrow(why)
  })

  it('bytes that are not UTF-8', () => {
    const { bytes } = block(line('{"a":"?"}'))
    bytes[bytes.indexOf(0x3f)] = 0xff
    expect(() => textBlocks(encoding(jsonl(false)))({ bytes, records: 1 })).toThrow('not UTF-8')
  })
})

it('writes a segment for each partition, records in their order', () => {
  const of = encoding(jsonl(true), {
    partition_by: [
      { kind: 'field', field: 'country' },
      { kind: 'event', field: 'at', pattern: 'yyyy-MM-dd/HH' },
    ],
  })
  const lines = [
    '{"i":0,"country":"KR","at":"2024-02-29T23:30:00+09:00"}',
    '{"i":1,"country":"a/b","at":1709217000}',
    '{"i":2,"country":"KR","at":1709217000000}',
    '{"i":3,"country":null,"at":"never"}',
    '{"i":4,"at":"2024-02-29"}',
  ]
  const { segments } = textBlocks(of)(block(...lines.map((data) => line(data))))
  const told = segments.map(({ partition, records, bytes }) => [
    ...partition,
    records,
    Buffer.from(bytes)
      .toString()
      .match(/(?<="i":)\d/g)
      ?.join(''),
  ])
  const none = '__HIVE_DEFAULT_PARTITION__'
  expect(told).toEqual([
    ['KR', '2024-02-29/14', 2, '02'],
    ['a%2Fb', '2024-02-29/14', 1, '1'],
    [none, none, 1, '3'],
    [none, '2024-02-29/00', 1, '4'],
  ])
})
