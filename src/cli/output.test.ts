import { describe, expect, it } from 'vitest'
import { memoryTerminal } from '../../test/memory-terminal.ts'
import { ExchangeError } from '../core/errors.ts'
import { csvLine } from './csv-output.ts'
import { asExchangeError, errorReport, errorText, exitCodeOf } from './error-output.ts'
import { writeJson, writeJsonLine } from './json-output.ts'
import { colored, plain } from './terminal.ts'

async function* countTo(last: number) {
  for (let n = 1; n <= last; n += 1) yield { n }
}

describe('writeJson', () => {
  it('writes one document, items of lists a line each', async () => {
    const terminal = memoryTerminal()
    const when = new Date('2023-01-01T00:00:00Z')
    await writeJson(terminal, { loads: [{ bytes: 2n ** 60n, when }, { bytes: 1 }], none: [], n: 1 })
    expect(terminal.written.out).toBe(
      '{\n  "loads": [\n    {"bytes":"1152921504606846976","when":"2023-01-01T00:00:00.000Z"},\n    {"bytes":1}\n  ],\n  "none": [],\n  "n": 1\n}\n',
    )
    expect(JSON.parse(terminal.written.out).loads).toHaveLength(2)
  })

  it('writes long lists as they come, and stops when the reader has gone', async () => {
    const terminal = memoryTerminal({ closes_after: 200 })
    let asked = 0
    async function* endless() {
      for (;;) yield { n: asked++ }
    }
    await writeJson(terminal, { rejects: endless() })
    expect(asked).toBeLessThan(30)
  })

  it('writes async lists as documents that parse', async () => {
    const terminal = memoryTerminal()
    await writeJson(terminal, { rejects: countTo(3) })
    expect(JSON.parse(terminal.written.out)).toEqual({ rejects: [{ n: 1 }, { n: 2 }, { n: 3 }] })
  })

  it('writes an empty document, and lines', async () => {
    const terminal = memoryTerminal()
    await writeJson(terminal, { absent: undefined })
    await writeJsonLine(terminal, { a: 'x\ny' })
    expect(terminal.written.out).toBe('{}\n{"a":"x\\ny"}\n')
  })
})

describe('csvLine', () => {
  it('quotes what needs it and tells null from empty', () => {
    expect(csvLine(['a', null, '', 'b,c', 'd"e', 'f\ng', 1n, undefined])).toBe(
      'a,,"","b,c","d""e","f\ng",1,\n',
    )
  })
})

describe('errors', () => {
  it('takes an unknown error for a defect and shows its stack', () => {
    const error = asExchangeError(new TypeError('x is not a function'))
    expect(error.code).toBe('internal')
    expect(exitCodeOf(error)).toBe(1)
    expect(errorText(error, plain)).toMatch(
      /^error\[internal\]: x is not a function\nhint: .+\n.*TypeError/s,
    )
    expect(asExchangeError('thrown text').message).toBe('thrown text')
  })

  it('reports what a program needs', () => {
    expect(Object.keys(errorReport(asExchangeError(new Error('x'))))).toEqual([
      'code',
      'message',
      'hint',
      'retryable',
      'details',
    ])
  })

  it('wraps on a terminal, line by line', () => {
    const error = new ExchangeError('usage', 'one two three four\n    ^ five', {
      hint: 'six seven',
    })
    expect(errorText(error, plain, 22)).toBe(
      'error[usage]:\n    one two three four\n    ^ five\nhint: six seven\n',
    )
    expect(errorText(error, plain, 30)).toMatch(/^error\[usage\]: one two three\n {14}four\n/)
  })

  it('colours only where it is asked to', () => {
    const error = asExchangeError(new Error('x'))
    expect(errorText(error, plain)).not.toContain('\u001b[')
    expect(errorText(error, colored)).toContain('\u001b[31m')
  })
})
