import { describe, expect, it } from 'vitest'
import { skipValue } from '../../format/encode/json-skip.ts'
import { wrapLines } from './wrap-lines.ts'

const NOW = 1_700_000_000_000

async function wrapped(
  text: string | Buffer,
  piece = 1 << 20,
  stream: { readonly name: string; readonly namespace?: string } = { name: 'events' },
) {
  const bytes = Buffer.from(text as string)
  async function* input() {
    // One buffer for all pieces, as some streams have it.
    const shared = Buffer.alloc(piece)
    for (let at = 0; at < bytes.length; at += piece) {
      const size = bytes.copy(shared, 0, at, at + piece)
      yield shared.subarray(0, size)
    }
  }
  const parts: Buffer[] = []
  const options = { stream, name: 'in.jsonl', now: () => new Date(NOW), endOfValue: skipValue }
  for await (const part of wrapLines(input(), options)) parts.push(Buffer.from(part))
  return Buffer.concat(parts).toString()
}
const message = (data: string, stream = '"stream":"events"') =>
  `{"type":"RECORD","record":{${stream},"emitted_at":${NOW},"data":${data}}}\n`

describe('lines as messages', () => {
  it('keep their text, whatever is around it', async () => {
    const text = '\ufeff{"a":1.0}\r\n\n  {"b":{"}":"é\\n"}}\t \n\r\n{ "c" : 12345678901234567890 }'
    const expected =
      message('{"a":1.0}') +
      message('{"b":{"}":"é\\n"}}') +
      message('{ "c" : 12345678901234567890 }')
    expect(await wrapped(text)).toBe(expected)
    for (const piece of [1, 2, 3, 7, 20]) expect(await wrapped(text, piece)).toBe(expected)
  })

  it('say whose they are, in JSON', async () => {
    expect(await wrapped('{}\n', 9, { name: 'a"b', namespace: 'n\n' })).toBe(
      message('{}', '"stream":"a\\"b","namespace":"n\\n"'),
    )
  })

  it('of any number and length fit into what is made for them', async () => {
    const lines = [
      ...Array.from({ length: 500 }, () => '{}'),
      `{"a":"${'x'.repeat(5000)}"}`,
      ...Array.from({ length: 500 }, () => '{}'),
    ]
    for (const piece of [100, 1 << 20])
      expect(await wrapped(lines.join('\n'), piece)).toBe(
        lines.map((line) => message(line)).join(''),
      )
  })

  it('are none where nothing is', async () => {
    expect(await wrapped('')).toBe('')
    expect(await wrapped('\n \r\n')).toBe('')
    expect(await wrapped('\ufeff')).toBe('')
  })

  it.each([
    ['{"a":1},"stream":"other"', 'has text behind its object: ,"stream":"other"'],
    ['{"a":1}}', 'has text behind its object: }'],
    ['"text"', 'is no JSON object: "text"'],
    ['{"a":', 'is no valid JSON'],
    ['{"a":tru}', 'is no valid JSON: tru}'],
    ['{"a":1', 'is no valid JSON'],
  ])('that are not one object are refused, with their number: %s', async (line, why) => {
    for (const piece of [3, 1 << 20])
      await expect(wrapped(`{}\n\n{}\n${line}\n{}`, piece)).rejects.toMatchObject({
        code: 'record_invalid',
        message: `in.jsonl, line 4, ${why}`,
      })
  })
})
