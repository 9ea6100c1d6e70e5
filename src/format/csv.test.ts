import { readFileSync } from 'node:fs'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GateBench, openGateBench, passed } from '../../test/try-gate.ts'

let bench: GateBench
beforeAll(async () => {
  bench = await openGateBench()
})
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

const csv = { type: 'csv' }

async function rowsOf(bytes: Uint8Array | string, settings: object = {}): Promise<unknown[]> {
  const { result } = await bench.pass(bytes, { ...csv, ...settings })
  return (await bench.read(passed(result))).map((row) => Object.values(row))
}

describe('the CSV gate', () => {
  it('numbers records by physical line and refuses bad lines one by one', async () => {
    const text = [
      'a,b,c',
      '1,"x,y",',
      '',
      '2,"q""q","multi',
      'line"\r',
      '3,4',
      '"5",6,""',
      '7,"unclosed,8',
      '9,10,"11"',
      '12,"a"b,13',
      '14,15,16,17',
      '18,a"b,"',
    ].join('\n')
    const { result, refused } = await bench.pass(text, csv)
    expect(refused.map(({ row, code, raw }) => [row, code, raw])).toEqual([
      [6, 'wrong_field_count', '3,4'],
      [8, 'unclosed_quote', '7,"unclosed,8'],
      [10, 'unclosed_quote', '12,"a"b,13'],
      [11, 'wrong_field_count', '14,15,16,17'],
      [12, 'unclosed_quote', '18,a"b,"'],
    ])
    expect(passed(result)).toMatchObject({ rows_read: 9, rows_refused: 5 })
    expect((await bench.read(passed(result))).map((row) => Object.values(row))).toEqual([
      [2, '1', 'x,y', null],
      [4, '2', 'q"q', 'multi\nline'],
      [7, '5', '6', ''],
      [9, '9', '10', '11'],
    ])
  })

  it('tells a quote from an escape that begins with the same byte', async () => {
    const settings = { ...csv, quote: '§', escape: '¦' }
    const { result } = await bench.pass('a\n§x¦¦y¦§,§\n', settings)
    expect(await bench.read(passed(result), ['a'])).toEqual([{ _row: 2, a: 'x¦y§,' }])
  })

  it('counts strings and nulls of the rows that passed', async () => {
    const { result } = await bench.pass('a,b\n1,\n2\n3,""\n', csv)
    const none = { integers: 0, numbers: 0, booleans: 0, nested: 0, long_integers: 0 }
    expect(passed(result).fields).toEqual([
      { ...none, name: 'a', strings: 2, nulls: 0 },
      { ...none, name: 'b', strings: 1, nulls: 1 },
    ])
  })

  it('reads every byte a field can hold as it is', async () => {
    const values = [
      '\r',
      '\n',
      '\r\n',
      '"',
      '""',
      ',',
      '\\',
      '\t',
      ' x ',
      "'",
      '#',
      'NULL',
      '\0',
      'é😀',
    ]
    const text = `v,w\n${values.map((value) => `"${value.replaceAll('"', '""')}",1\n`).join('')}`
    expect((await rowsOf(text)).map((row) => (row as unknown[])[1])).toEqual(values)
  })

  it('knows line breaks of three kinds', async () => {
    const rows = [
      [2, '1', '2'],
      [3, '3', 'x'],
    ]
    expect(await rowsOf('a,b\r\n1,2\r\n3,x')).toEqual(rows)
    expect(await rowsOf('\ufeffa,b\n1,2\n"3","x"\n\n')).toEqual(rows)
    expect(await rowsOf('a,b\r1,2\r3,x\r')).toEqual(rows)
    // A carriage return within a line is text.
    expect(await rowsOf('a,b\n1,x\ry\n')).toEqual([[2, '1', 'x\ry']])
  })

  it('takes delimiter, quote, escape, null texts, header and skipped lines from the feed', async () => {
    const text = "# made by x\n\n1|'it\\'s \\\\ ''here'' \\n'|NULL\n2|'NULL'|\n"
    const settings = {
      delimiter: '|',
      quote: "'",
      escape: '\\',
      null_text: ['NULL', '\\N'],
      header: ['x', 'y', 'z'],
      skip_lines: 2,
    }
    expect(await rowsOf(text, settings)).toEqual([
      [3, '1', "it's \\ 'here' \\n", null],
      [4, '2', 'NULL', ''],
    ])
    expect(await rowsOf('a¦b\n§x¦§§y§¦1\n', { delimiter: '¦', quote: '§', escape: '§' })).toEqual([
      [2, 'x¦§y', '1'],
    ])
    expect(await rowsOf('a\tb\n\t\n \t1\n', { delimiter: '\t' })).toEqual([
      [2, null, null],
      [3, ' ', '1'],
    ])
  })

  it.each([
    ['a,A\n1,2\n', 'twice'],
    ['a,,b\n1,2,3\n', 'Column 2'],
    ['\na,b\n', 'empty'],
    ['  \na,b\n', 'empty'],
    ['a,"b\n1,2\n', 'not closed'],
    ['a,"b"c\n1,2\n', 'broken'],
    ['# only', 'no header'],
  ])('refuses the header of %j', async (text, told) => {
    const settings = text.startsWith('#') ? { ...csv, skip_lines: 1 } : csv
    const { result } = await bench.pass(text, settings)
    expect(result.refused).toMatchObject({ code: 'header', message: expect.stringContaining(told) })
  })

  it('a header alone has no rows, and an archive of nothing neither', async () => {
    const { result } = await bench.pass('a,b', csv)
    expect(passed(result)).toMatchObject({ rows_read: 0 })
    expect(await bench.read(passed(result))).toEqual([])
    const nothing = await bench.pass(gzipSync(''), csv)
    expect(await bench.read(passed(nothing.result))).toEqual([])
  })

  it('refuses bytes that are not text of the declared encoding, row by row', async () => {
    const bytes = Buffer.from('a,b\n1,\u00b0\u00a1\n2,\u0080\u00ff\n3,x\n', 'latin1')
    const utf8 = await bench.pass(bytes, csv)
    expect(utf8.refused).toMatchObject([
      { row: 2, code: 'invalid_utf8', message: 'Byte 3 is not UTF-8.', raw: '1,\\xB0\\xA1' },
      { row: 3, code: 'invalid_utf8' },
    ])
    const korean = await bench.pass(bytes, { ...csv, encoding: 'euc-kr' })
    expect(korean.refused).toMatchObject([{ row: 3, code: 'invalid_utf8', raw: '2,\\x80\\xFF' }])
    expect(await rowsOf(bytes, { encoding: 'euc-kr' })).toEqual([
      [2, '1', '가'],
      [4, '3', 'x'],
    ])
    expect(await rowsOf(bytes, { encoding: 'latin1' })).toHaveLength(3)
  })

  it('tells of a record that is too long its own bytes and no others, however it comes', async () => {
    const long = 'x'.repeat(500)
    // What another object left in memory must not show.
    await bench.pass(`a\n${'secret'.repeat(5000)}\n`, csv)
    for (const cut of [0, 3, 90, 400]) {
      const bytes = Buffer.from(`a\n${long}`)
      const frames = [bytes.subarray(0, cut), bytes.subarray(cut)].map((part) =>
        zstdCompressSync(part),
      )
      const { refused } = await bench.pass(Buffer.concat(frames), { ...csv, max_row_bytes: 40 })
      expect(refused).toMatchObject([{ row: 2, code: 'line_too_long', raw: long }])
    }
  })

  it('a record that is too long is one row where a file is cut within a character of its encoding', async () => {
    const long = 'é가x'.repeat(60)
    const bytes = Buffer.from(`\ufeffa\n${long}\n1`, 'utf16le')
    for (const encoding of ['utf-16le', 'utf-16be']) {
      const text = encoding === 'utf-16le' ? bytes : Buffer.from(bytes).swap16()
      for (let cut = 160; cut < 172; cut++) {
        const frames = [text.subarray(0, cut), text.subarray(cut)].map((part) =>
          zstdCompressSync(part),
        )
        const settings = { ...csv, max_row_bytes: 30, encoding }
        const { result, refused } = await bench.pass(Buffer.concat(frames), settings)
        expect(refused, `${cut}`).toMatchObject([{ row: 2, code: 'line_too_long', raw: long }])
        expect(await bench.read(passed(result))).toMatchObject([{ _row: 3 }])
      }
    }
  })

  it('refuses a record that is too long, on one line or over several, wherever a file is cut', async () => {
    const long = 'x'.repeat(3000)
    const lines = `"${'y\n'.repeat(600)}"`
    const bytes = Buffer.from(
      `a,b\n1,${long}\n2,${lines}\n3,4\n5,${'z'.repeat(600_000)}\n6,"${'q\n'.repeat(490)}"\n`,
    )
    for (const cut of [0, 3500, 4400]) {
      const frames = [bytes.subarray(0, cut), bytes.subarray(cut)].map((part) =>
        zstdCompressSync(part),
      )
      const settings = { ...csv, max_row_bytes: 1000 }
      const { result, refused } = await bench.pass(Buffer.concat(frames), settings)
      const codes = new Map(refused.map(({ row, code }) => [row, code]))
      expect(codes.get(2)).toBe('line_too_long')
      // Over several lines only the first can be known to belong to it.
      expect(codes.get(3)).toBe('unclosed_quote')
      expect(codes.get(4)).toBe('wrong_field_count')
      expect(codes.get(605)).toBe('line_too_long')
      expect((await bench.read(passed(result))).map((row) => row._row)).toEqual([604, 606])
      expect(refused).toHaveLength(603)
    }
  })

  it('a quote that is never closed costs one line, however long the file', async () => {
    const good = '1,2\n'.repeat(50_000)
    const { result, refused } = await bench.pass(`a,b\n0,"\n${good}`, {
      ...csv,
      max_row_bytes: 4096,
    })
    expect(refused).toMatchObject([{ row: 2, code: 'unclosed_quote', raw: '0,"' }])
    expect(passed(result)).toMatchObject({ rows_read: 50_001, rows_refused: 1 })
  })

  it('lines that each open a quote anew are refused in linear time', async () => {
    const text = `a,b\n${'a","b\n'.repeat(100_000)}`
    const started = performance.now()
    const { result } = await bench.pass(text, csv)
    expect(passed(result).rows_read).toBe(passed(result).rows_refused)
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  it('gives the same result wherever a file is cut into chunks', async () => {
    const bytes = Buffer.from('a,b\r\n"1","é""😀\r\nx"\r\n\r\n2\r\n3,"x"y\r\n4,"\n5,6\r\n"",\n7,"8')
    const whole = await bench.pass(bytes, csv)
    const file = readFileSync(passed(whole.result).path)
    for (let cut = 1; cut < bytes.length; cut++) {
      const frames = [bytes.subarray(0, cut), bytes.subarray(cut)].map((part) =>
        zstdCompressSync(part),
      )
      const { result, refused } = await bench.pass(Buffer.concat(frames), csv)
      expect(refused).toEqual(whole.refused)
      expect(readFileSync(passed(result).path)).toEqual(file)
    }
    expect(whole.refused.map(({ row, code }) => [row, code])).toEqual([
      [5, 'wrong_field_count'],
      [6, 'unclosed_quote'],
      [7, 'unclosed_quote'],
      [10, 'unclosed_quote'],
    ])
  })
})
