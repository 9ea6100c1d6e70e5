import { readFileSync } from 'node:fs'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GateBench, openGateBench, passed } from '../../test/try-gate.ts'
import { MARK } from './read-passed.ts'

let bench: GateBench
beforeAll(async () => {
  bench = await openGateBench()
})
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

const jsonl = { type: 'jsonl' }

/** Code, and part of the message, with which a line between two good ones is refused; or it passes. */
const LINES: readonly (readonly [line: string | Buffer, code: string, told: string])[] = [
  ['{"a":1,"b":', 'invalid_json', 'Byte 12: a value is expected, the line ends there'],
  ['{"a":"7', 'invalid_json', 'Byte 8: the line ends inside a string'],
  ['[1]', 'not_an_object', 'not an object'],
  ['"x"', 'not_an_object', 'not an object'],
  ['5', 'not_an_object', 'not an object'],
  ['null', 'not_an_object', 'not an object'],
  ['[1', 'invalid_json', 'Byte 3'],
  ['{"a":1,"a":2}', 'duplicate_key', '"a"'],
  ['{"a":1,"\\u0061":2}', 'duplicate_key', '"a"'],
  ['{"a":{"x":1,"x":2}}', 'duplicate_key', '"x"'],
  ['{"a":[{"x":{"y":1,"\\u0079":2}}]}', 'duplicate_key', '"y"'],
  ['{"a":1,"A":2}', 'key_conflict', '"A"'],
  ['{"a":1,"a":2,}', 'invalid_json', 'a comma stands before a closing bracket'],
  ['{"a":NaN}', 'invalid_json', 'Byte 6: NaN is not a JSON value'],
  ['{"a":-NaN}', 'invalid_json', 'Byte 7'],
  ['{"a":Infinity}', 'invalid_json', 'Infinity is not a JSON value'],
  ['{"a":True}', 'invalid_json', 'True is not a JSON value'],
  ['{"a":"\\ud800"}', 'invalid_json', 'half of a surrogate pair'],
  ['{"a":"\\udc00\\ud800"}', 'invalid_json', 'half of a surrogate pair'],
  ['{"\\ud800":1}', 'invalid_json', 'half of a surrogate pair'],
  ['{"a":"\\x41"}', 'invalid_json', 'an escape is not one of JSON’s'],
  ['{"a":"\\u00g0"}', 'invalid_json', 'an escape is not one of JSON’s'],
  ['{"a":"\t"}', 'invalid_json', 'control character'],
  ['{"a":1} x', 'invalid_json', 'Byte 9: text follows the object'],
  ['{"a":1}{"a":2}', 'invalid_json', 'text follows the object'],
  ['{"a":1}\r{"a":2}', 'invalid_json', 'text follows the object'],
  ['{"a":01}', 'invalid_json', 'a comma or } is expected'],
  ['{"a":+1}', 'invalid_json', 'a value is expected'],
  ['{"a":.5}', 'invalid_json', 'a value is expected'],
  ['{"a":1.}', 'invalid_json', 'a digit is expected after the point'],
  ['{"a":1e}', 'invalid_json', 'a digit is expected in the exponent'],
  ['{"a":-}', 'invalid_json', 'a digit is expected'],
  ["{'a':1}", 'invalid_json', 'a name in quotes is expected'],
  ['{a:1}', 'invalid_json', 'a name in quotes is expected'],
  ['{"a" 1}', 'invalid_json', 'a colon is expected'],
  ['{"a":[1,,2]}', 'invalid_json', 'a value is expected'],
  ['{"a":[,1]}', 'invalid_json', 'a value is expected'],
  ['{,}', 'invalid_json', 'a name in quotes is expected'],
  ['{"a":1 /* c */}', 'invalid_json', 'a comma or } is expected'],
  ['{"a":1]', 'invalid_json', 'a comma or } is expected'],
  ['\f{"a":1}', 'invalid_json', 'byte 0x0c'],
  ['{"a":\u00a01}', 'invalid_json', 'a value is expected'],
  ['{"bundle" : ,"a":1}', 'invalid_json', 'repair: [empty_value]'],
  ['{"bundle":}', 'invalid_json', 'repair: [empty_value]'],
  ['{"a":[1,2,],"b":1}', 'invalid_json', 'repair: [trailing_comma]'],
  ['{"":1}', 'invalid_name', '""'],
  ['{"a\\u0000b":1}', 'invalid_name', 'U+0000'],
  [`{"a":${'['.repeat(128)}${']'.repeat(128)}}`, 'too_deep', '128 levels'],
  [Buffer.from('7b2261223a22ff227d', 'hex'), 'invalid_utf8', 'Byte 7 is not UTF-8'],
  [Buffer.from('7b2261223a22c0af227d', 'hex'), 'invalid_utf8', 'Byte 7'],
  [Buffer.from('7b2261223a22eda080227d', 'hex'), 'invalid_utf8', 'Byte 7'],
  [Buffer.from('7b2261223a22f4908080227d', 'hex'), 'invalid_utf8', 'Byte 7'],
  [Buffer.from('7b2261223a22c3227d', 'hex'), 'invalid_utf8', 'Byte 7'],
  [Buffer.from('7b2261ff', 'hex'), 'invalid_utf8', 'Byte 4'],
  ['{"a":1,"b":"7"}', 'passes', ''],
  ['{"a":{"x":1,"X":2}}', 'passes', ''],
  ['{"a":{"":1}}', 'passes', ''],
  ['{}', 'passes', ''],
  [' \t{ "a" :\r1 , "b" : [ ] } \t', 'passes', ''],
  ['{"a":"\\u0000\\ud83d\\ude00é😀\\/\\b\\f\\n\\r\\t\\"\\\\\u007f\u2028"}', 'passes', ''],
  [`{"a":${'['.repeat(127)}${']'.repeat(127)}}`, 'passes', ''],
]

describe('the JSON lines gate', () => {
  it.each(LINES)('%s is %s', async (line, code, told) => {
    const bytes = Buffer.concat([
      Buffer.from('{"n":1}\n'),
      Buffer.from(line),
      Buffer.from('\n{"n":3}\n'),
    ])
    const { result, refused } = await bench.pass(bytes, jsonl)
    const object = passed(result)
    const rows = await bench.read(object, ['n'])
    if (code === 'passes') {
      expect(refused).toEqual([])
      expect(rows.map((row) => row._row)).toEqual([1, 2, 3])
    } else {
      expect(refused).toHaveLength(1)
      expect(refused[0]).toMatchObject({ row: 2, code })
      expect(refused[0]?.message).toContain(told)
      expect(rows).toEqual([
        { _row: 1, n: '1' },
        { _row: 3, n: '3' },
      ])
    }
    expect(object.rows_read).toBe(3)
    expect(object.rows_refused).toBe(refused.length)
  })

  it.each([
    ['none', (text: string) => Buffer.from(text)],
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)(
    'hands out a clean %s file as it was delivered, expanded',
    async (compression, compress) => {
      const text = '{"a":1}\r\n{"a":0.30000000000000004}'
      const { result, object } = await bench.pass(compress(text), jsonl)
      expect(result).toMatchObject({
        holes: false,
        marked: false,
        rows_read: 2,
        rows_refused: 0,
      })
      expect(passed(result).path === object.path).toBe(compression === 'none')
      expect(readFileSync(passed(result).path, 'utf8').trimEnd()).toBe(text)
      expect(await bench.read(passed(result), ['a'])).toEqual([
        { _row: 1, a: '1' },
        { _row: 2, a: '0.30000000000000004' },
      ])
    },
  )

  it('keeps physical line numbers over blank lines and a byte order mark', async () => {
    const text = '\ufeff\n{"a":1}\n\n\t\r\n{"a":2}\n\n'
    const { result } = await bench.pass(text, jsonl)
    expect(result).toMatchObject({ rows_read: 2, holes: true, marked: false })
    expect(await bench.read(passed(result))).toEqual([
      { _row: 2, a: '1' },
      { _row: 5, a: '2' },
    ])
  })

  it('marks values that DuckDB would change, and only those', async () => {
    const values = [
      '1.00000000000000000001',
      '0.1234567890123456789',
      '1e400',
      '1e-400',
      '-0',
      '123456789012345678901234567890.5',
      '[1,{"x":2.00000000000000000001}]',
      '"\\u0001[1]"',
    ]
    const kept = [
      '1e2',
      '1.10',
      '12345678901234567890123',
      '0.1',
      '2.2250738585072014e-308',
      '{"x":-1}',
    ]
    const lines = [...values, ...kept].map((value) => `{"a":${value}}`)
    const { result } = await bench.pass(lines.join('\n'), jsonl)
    const rows = await bench.read(passed(result))
    expect(rows.slice(0, values.length).map((row) => JSON.parse(row.a as string))).toEqual(
      values.map((value) => MARK + value),
    )
    expect(rows.slice(values.length).map((row) => row.a)).toEqual([
      '100.0',
      '1.1',
      '12345678901234567890123',
      '0.1',
      '2.2250738585072014e-308',
      '{"x":-1}',
    ])
  })

  it('repairs what the feed says, counts it, and refuses the rest', async () => {
    const text = '{"bundle" : ,"a":1}\n{"a":[1,2, ],"b":{"x": ,"y":1,},}\n{"a":[,]}\n{"bundle":}\n'
    const settings = { type: 'jsonl', repair: ['empty_value', 'trailing_comma'] }
    const { result, refused } = await bench.pass(text, settings)
    expect(refused).toMatchObject([{ row: 3, code: 'invalid_json' }])
    expect(await bench.read(passed(result))).toEqual([
      { _row: 1, bundle: null, a: '1', b: null },
      { _row: 2, bundle: null, a: '[1,2]', b: '{"x":null,"y":1}' },
      { _row: 4, bundle: null, a: null, b: null },
    ])
    expect(passed(result).notes).toMatchObject([
      { code: 'empty_value', count: 3 },
      { code: 'trailing_comma', count: 3 },
    ])
  })

  it('repairs inside a value that is marked', async () => {
    const settings = { type: 'jsonl', repair: ['empty_value', 'trailing_comma'] }
    const line = '{"a":[1.00000000000000000001,{"x": ,},],"b": , "c":-0,}'
    const { result } = await bench.pass(line, settings)
    const [row] = await bench.read(passed(result))
    expect(JSON.parse(row?.a as string)).toBe(`${MARK}[1.00000000000000000001,{"x": null}]`)
    expect(row).toMatchObject({ b: null, c: JSON.stringify(`${MARK}-0`) })
  })

  it('takes a field that is named like a hole for what it is', async () => {
    const text = '{"_bucketline_hole":1,"a":1}\nbad\n{"_bucketline_hole":"1","a":2}\n{"a":3}\n'
    const { result } = await bench.pass(text, jsonl)
    const rows = await bench.read(passed(result), ['a', '_bucketline_hole'])
    expect(rows.map((row) => [row._row, row.a])).toEqual([
      [1, '1'],
      [3, '2'],
      [4, '3'],
    ])
    expect(JSON.parse(rows[0]?._bucketline_hole as string)).toBe(`${MARK}1`)
  })

  it('takes it for what it is also in a line that must be written for another reason', async () => {
    const text =
      '{"a":"\\u0001","_bucketline_hole":1}\n{"_bucketline_hole":1,"b":1e400}\n{"_bucketline_hole":null}\n'
    const { result } = await bench.pass(text, jsonl)
    const rows = await bench.read(passed(result), ['a', '_bucketline_hole'])
    expect(rows.map((row) => row._row)).toEqual([1, 2, 3])
    expect(rows[2]?._bucketline_hole).toBeNull()
  })

  it('refuses nested values of flat rows, except where they are declared', async () => {
    const text = '{"a":[1],"Tags":{"x":1}}\n{"a":1,"tags":[]}\n{"b":{}}\n'
    const options = { flat: true, nested_fields: ['tags'] }
    const { refused, result } = await bench.pass(text, jsonl, options)
    expect(refused).toMatchObject([
      { row: 1, code: 'nested_value', column: 'a' },
      { row: 3, code: 'nested_value', column: 'b' },
    ])
    expect(await bench.read(passed(result), ['tags'])).toEqual([{ _row: 2, tags: '[]' }])
  })

  it('reads two spellings of a name as one column', async () => {
    const text = '{"Email":1,"x~/y":"q"}\n\n{"email":2}\n{"email":null}\n{}\n'
    const { result } = await bench.pass(text, jsonl)
    expect(passed(result).fields.map(({ name }) => name)).toEqual(['Email', 'x~/y', 'email'])
    const columns = [{ as: 'email', from: ['Email', 'email'] }, 'x~/y']
    expect(await bench.read(passed(result), columns)).toEqual([
      { _row: 1, email: '1', 'x~/y': '"q"' },
      { _row: 3, email: '2', 'x~/y': null },
      { _row: 4, email: null, 'x~/y': null },
      { _row: 5, email: null, 'x~/y': null },
    ])
  })

  it('counts fields by kind over the rows that passed', async () => {
    const text = '{"a":1,"b":1.5,"c":true}\n{"c":"x","a":null,"d":{}}\n{"a":1,"a":2}\n{"e":1} x\n'
    const { result } = await bench.pass(text, jsonl)
    const none = {
      strings: 0,
      integers: 0,
      numbers: 0,
      booleans: 0,
      nulls: 0,
      nested: 0,
      long_integers: 0,
    }
    expect(passed(result).fields).toEqual([
      { ...none, name: 'a', integers: 1, nulls: 1 },
      { ...none, name: 'b', numbers: 1 },
      { ...none, name: 'c', booleans: 1, strings: 1 },
      { ...none, name: 'd', nested: 1 },
    ])
  })

  it('counts lines of a known shape as it counts those it scans', async () => {
    const line = (n: number) =>
      `{"n":${n},"s":"x${n}","f":${n % 5 === 0 ? n : n + 0.5},"o":${n % 7 === 0 ? 'null' : '"y"'}}`
    const odd: Record<number, string> = {
      500: '{"n":"500","s":"a","f":1,"o":null}',
      900: '{"n":900,"s":"\\u0041","f":1e3,"o":"y"}',
      1200: '{"n":1200,"s":"a","f":1.5,"o":"y"',
      1500: '{"n":12345678901234567,"s":"a","f":-0.5,"o":"y"}',
    }
    const lines = Array.from({ length: 2000 }, (_, n) => odd[n] ?? line(n + 1))
    const { result, refused } = await bench.pass(lines.join('\n'), jsonl)
    expect(refused).toMatchObject([{ row: 1201, code: 'invalid_json' }])
    const [n, s, f, o] = passed(result).fields
    expect(n).toMatchObject({ integers: 1998, strings: 1, long_integers: 1 })
    expect(s).toMatchObject({ strings: 1999 })
    expect(f && f.integers + f.numbers).toBe(1999)
    expect(f?.numbers).toBeGreaterThan(1000)
    expect(o && o.strings + o.nulls).toBe(1999)
    const rows = await bench.read(passed(result), ['n', 's'])
    expect(rows).toHaveLength(1999)
    expect(rows[500]).toEqual({ _row: 501, n: '"500"', s: '"a"' })
    expect(rows[1199]).toEqual({ _row: 1200, n: '1200', s: '"x1200"' })
    expect(rows[1200]).toEqual({ _row: 1202, n: '1202', s: '"x1202"' })
  })

  it('refuses a line that is too long, wherever it ends, and reads on', async () => {
    for (const size of [1001, 5000, 600_000]) {
      const long = `{"a":"${'x'.repeat(size - 8)}"}`
      const fits = `{"a":"${'y'.repeat(992)}"}`
      const settings = { type: 'jsonl', max_row_bytes: 1000 }
      const { result, refused } = await bench.pass(`${fits}\r\n${long}\n${fits}\n${long}`, settings)
      expect(refused).toMatchObject([
        { row: 2, code: 'line_too_long', message: expect.stringContaining(`${size} bytes`) },
        { row: 4, code: 'line_too_long' },
      ])
      expect(refused[0]?.raw.length).toBeLessThan(9000)
      expect(refused[0]?.raw.startsWith('{"a":"xxx')).toBe(true)
      expect((await bench.read(passed(result))).map((row) => row._row)).toEqual([1, 3])
    }
  })

  it('tells of a line that is too long its own bytes and no others', async () => {
    // What another object left in memory must not show.
    await bench.pass(`{"a":"${'secret'.repeat(5000)}"}`, jsonl)
    const long = `{"a":"${'x'.repeat(500)}"}`
    const { refused } = await bench.pass(long, { type: 'jsonl', max_row_bytes: 40 })
    expect(refused).toMatchObject([{ row: 1, code: 'line_too_long', raw: long }])
  })

  it('reads a field that DuckDB takes for the one that marks refused lines', async () => {
    const text = '{"_Bucketline_hole":1,"a":2}\n{"a":\n{"a":3}\n'
    const { result, refused } = await bench.pass(text, jsonl)
    expect(refused).toMatchObject([{ row: 2 }])
    expect(await bench.read(passed(result), ['a', '_Bucketline_hole'])).toEqual([
      { _row: 1, a: '2', _Bucketline_hole: '1' },
      { _row: 3, a: '3', _Bucketline_hole: null },
    ])
  })

  it('tells bytes that are not UTF-8 in raw', async () => {
    const line = Buffer.concat([Buffer.from('{"é":"'), Buffer.of(0xff, 0xc3), Buffer.from('"}')])
    const { refused } = await bench.pass(line, jsonl)
    expect(refused[0]?.raw).toBe('{"é":"\\xFF\\xC3"}')
  })

  it('reads other encodings; a line that is not in one is one row', async () => {
    const bad = Buffer.concat([
      Buffer.from('{"a":"'),
      Buffer.of(0xb0, 0xa1),
      Buffer.from('"}\n{"a":"'),
      Buffer.of(0x80, 0xff),
      Buffer.from('"}\n{"a":2}\n'),
    ])
    const { result, refused } = await bench.pass(bad, { type: 'jsonl', encoding: 'euc-kr' })
    expect(refused).toMatchObject([{ row: 2, code: 'invalid_utf8', raw: '{"a":"\\x80\\xFF"}' }])
    expect(await bench.read(passed(result))).toEqual([
      { _row: 1, a: '"가"' },
      { _row: 3, a: '2' },
    ])
    // UTF-8 text that happens to stand in a file of another encoding is not taken for granted.
    const utf8 = await bench.pass('{"a":"é"}\n', { type: 'jsonl', encoding: 'utf-16be' })
    expect(utf8.refused).toHaveLength(1)
  })

  it('reads UTF-16 when the feed says so, and names it when it does not', async () => {
    const text = '\ufeff{"a":"é\u0a0a😀"}\n{"a":2}\n'
    const little = Buffer.from(text, 'utf16le')
    const big = Buffer.from(little).swap16()
    for (const [encoding, bytes] of [
      ['utf-16le', little],
      ['utf-16be', big],
    ] as const) {
      const { result } = await bench.pass(bytes, { type: 'jsonl', encoding })
      expect(await bench.read(passed(result))).toEqual([
        { _row: 1, a: '"é\u0a0a😀"' },
        { _row: 2, a: '2' },
      ])
      expect((await bench.pass(bytes, jsonl)).result.refused?.code).toBe('encoding')
    }
    // The settings' own schema refuses it, before any object is read.
    await expect(bench.pass('{}', { type: 'jsonl', encoding: 'klingon' })).rejects.toThrow(
      'is no encoding',
    )
  })

  it.each([
    ['', 'part.jsonl', 'empty_object'],
    ['PAR1 and so on PAR1', 'part.jsonl', 'wrong_format'],
    ['Obj\u0001', 'part.jsonl', 'wrong_format'],
    ['<?xml version="1.0"?>', 'part.jsonl', 'wrong_format'],
    ['not gzip', 'part.gz', 'corrupt_object'],
    ['\0\0\0\0\0\0', 'part.json.zst', 'corrupt_object'],
  ])('refuses %j under %s as %s', async (bytes, key, code) => {
    const { result } = await bench.pass(bytes, jsonl, { key })
    expect(result.refused?.code).toBe(code)
  })

  it('refuses what is compressed otherwise than the feed says, or twice', async () => {
    const gz = gzipSync('{"a":1}\n')
    const code = async (bytes: Uint8Array | string, compression: string) =>
      (await bench.pass(bytes, { type: 'jsonl', compression })).result.refused?.code
    expect(await code(gz, 'none')).toBe('wrong_format')
    expect(await code(gz, 'zstd')).toBe('wrong_format')
    expect(await code('{"a":1}', 'gzip')).toBe('corrupt_object')
    expect(await code(gzipSync(gz), 'auto')).toBe('wrong_format')
    expect(await code(gz, 'gzip')).toBeUndefined()
  })

  it('takes plain lines under a key that ends in .gz', async () => {
    const { result } = await bench.pass('{"a":1}\n', jsonl, { key: 'H=01/part.gz' })
    expect(passed(result).rows_read).toBe(1)
  })

  it('an archive of nothing has no rows', async () => {
    const { result } = await bench.pass(gzipSync(''), jsonl)
    expect(passed(result)).toMatchObject({ rows_read: 0, fields: [] })
    expect(await bench.read(passed(result))).toEqual([])
  })

  it('refuses an object of endless field names before they fill the memory', async () => {
    const lines = Array.from({ length: 10_001 }, (_, n) => `{"f${n}":1}`)
    const { result } = await bench.pass(lines.join('\n'), jsonl)
    expect(result.refused).toMatchObject({ code: 'unreadable' })
    expect(passed((await bench.pass(lines.slice(1).join('\n'), jsonl)).result).rows_read).toBe(
      10_000,
    )
  })

  it('finds a repeated name among hundreds of an object', async () => {
    const names = Array.from({ length: 300 }, (_, n) => `"k${n}":${n}`)
    const twice = [...names, '"k7":0'].join(',')
    const { refused } = await bench.pass(`{"m":{${names.join(',')}}}\n{"m":{${twice}}}`, jsonl)
    expect(refused).toMatchObject([
      { row: 2, code: 'duplicate_key', message: expect.stringContaining('"k7"') },
    ])
  })

  it('gives the same result wherever a file is cut into chunks', async () => {
    const text =
      '{"a":"é😀\\u00e9"}\n\nbad\r\n{"a":1.00000000000000000001}\n{"b":[true,null]}\n \n{"a":2}'
    const bytes = Buffer.from(text)
    const whole = await bench.pass(bytes, jsonl)
    const rows = await bench.read(passed(whole.result))
    for (let cut = 1; cut < bytes.length; cut++) {
      // The frames of a zstd file are expanded one by one.
      const frames = [bytes.subarray(0, cut), bytes.subarray(cut)].map((part) =>
        zstdCompressSync(part),
      )
      const { result, refused } = await bench.pass(Buffer.concat(frames), jsonl)
      expect(refused).toEqual(whole.refused)
      expect(passed(result).fields).toEqual(passed(whole.result).fields)
      expect(readFileSync(passed(result).path)).toEqual(readFileSync(passed(whole.result).path))
    }
    expect(rows.map((row) => row._row)).toEqual([1, 4, 5, 7])
  })
})
