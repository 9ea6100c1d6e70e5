import { zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GateBench, openGateBench, passed } from '../../test/try-gate.ts'

let bench: GateBench
beforeAll(async () => {
  bench = await openGateBench()
})
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

const field = fc.option(
  fc
    .array(fc.constantFrom(...'ab"\n\r,;\\ \té#\0'.split(''), '\r\n', '""', '😀', 'NULL'), {
      maxLength: 5,
    })
    .map((parts) => parts.join('')),
  { nil: null },
)

/** Text cut at some byte into two frames: that is how it reaches the gate. */
function inTwo(text: string, cut: number): Buffer {
  const bytes = Buffer.from(text)
  const at = cut % (bytes.length + 1)
  return Buffer.concat(
    [bytes.subarray(0, at), bytes.subarray(at)].map((part) => zstdCompressSync(part)),
  )
}

describe('the CSV gate', () => {
  it('reads back what a simple encoder wrote, with its lines', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(field, field, field), { maxLength: 25 }),
        fc.constantFrom('\n', '\r\n'),
        fc.infiniteStream(fc.boolean()),
        fc.nat(),
        async (rows, end, quoted, cut) => {
          let line = 2
          let text = `a,b,c${end}`
          const model: unknown[] = []
          for (const row of rows) {
            const fields = row.map((value) => {
              if (value === null) return ''
              const plain = value !== '' && !/[",\r\n]/.test(value)
              if (plain && quoted.next().value) return value
              return `"${value.replaceAll('"', '""')}"`
            })
            const record = fields.join(',') + end
            model.push([line, ...row])
            text += record
            line += record.split('\n').length - 1
          }
          const { result, refused } = await bench.pass(inTwo(text, cut), { type: 'csv' })
          expect(refused).toEqual([])
          const read = await bench.read(passed(result))
          expect(read.map((row) => Object.values(row))).toEqual(model)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('agrees with the rule told slowly, on any text', async () => {
    const text = fc
      .array(fc.constantFrom('"', '"', ',', '\n', '\n', '\r\n', 'a', ' ', '"",', '",'), {
        maxLength: 60,
      })
      .map((parts) => parts.join(''))
    await fc.assert(
      fc.asyncProperty(text, fc.nat(), async (body, cut) => {
        const { result, refused } = await bench.pass(inTwo(`x,y\n${body}`, cut), { type: 'csv' })
        const object = passed(result)
        const read = await bench.read(object)
        const got = [
          ...read.map((row) => Object.values(row)),
          ...refused.map(({ row, code }) => [row, code]),
        ].sort((one, other) => Number(one[0]) - Number(other[0]))
        expect(got, body).toEqual(slowly(body))
        expect(object.rows_read).toBe(got.length)
      }),
      { numRuns: 500 },
    )
  })
})

/** Records of a text of two columns, read character by character as the gate documents it. */
function slowly(body: string): unknown[] {
  const lines = body.split('\n').map((line) => `${line}\n`)
  if (lines.at(-1) === '\n') lines.pop()
  const out: unknown[] = []
  let at = 0
  while (at < lines.length) {
    const row = at + 2
    if (/^[ \t\r]*\n$/.test(lines[at] as string)) {
      at++
      continue
    }
    const record = oneRecord(lines.slice(at))
    if (typeof record === 'string') {
      out.push([row, record])
      at++
      continue
    }
    out.push(record.fields.length === 2 ? [row, ...record.fields] : [row, 'wrong_field_count'])
    at += record.lines
  }
  return out
}

function oneRecord(lines: string[]): string | { fields: (string | null)[]; lines: number } {
  const text = lines.join('')
  const fields: (string | null)[] = []
  let rest = text
  for (;;) {
    if (rest.startsWith('"')) {
      const quoted = /^"((?:[^"]|"")*)"(?!")/.exec(rest)
      const content = quoted?.[1] ?? rest
      if (fields.length >= 2 && content.includes('\n')) return 'wrong_field_count'
      if (quoted === null) return 'unclosed_quote'
      rest = rest.slice(quoted[0].length)
      if (!/^(,|\r?\n)/.test(rest)) return 'unclosed_quote'
      fields.push(content.replaceAll('""', '"'))
    } else {
      const plain = /^[^,\n]*/.exec(rest)?.[0] ?? ''
      rest = rest.slice(plain.length)
      const value = rest.startsWith('\n') ? plain.replace(/\r$/, '') : plain
      fields.push(value === '' ? null : value)
    }
    if (rest.startsWith(',')) {
      rest = rest.slice(1)
      continue
    }
    rest = rest.replace(/^\r?\n/, '')
    return { fields, lines: text.slice(0, text.length - rest.length).split('\n').length - 1 }
  }
}
