import { describe, expect, it } from 'vitest'
import { Config } from './config.ts'
import { Duration, Format } from './settings.ts'

describe('Duration', () => {
  it.each([
    ['90s', 90_000],
    ['15m', 900_000],
    ['7 d', 604_800_000],
  ])('reads %s', (text, ms) => expect(Duration.parse(text)).toBe(ms))
  it.each(['', '5', '1w', '-1s', '1.5h'])('refuses "%s"', (text) =>
    expect(Duration.safeParse(text).success).toBe(false),
  )
})

describe('Format', () => {
  const faults = (format: unknown) => Format.safeParse(format).error?.issues.map((i) => i.message)
  it('refuses what no file could be read with', () => {
    expect(faults({ type: 'csv', delimiter: '"' })).toEqual(['is the same character as the quote'])
    expect(faults({ type: 'csv', times: { zone: 'Mars/Base' } })?.join()).toContain('IANA zone')
    expect(faults({ type: 'jsonl', encoding: 'klingon' })?.join()).toContain('is no encoding')
  })
  it('takes a pipe, a tab and another quote', () => {
    expect(faults({ type: 'csv', delimiter: '|', quote: "'" })).toBeUndefined()
    expect(faults({ type: 'auto', delimiter: '\t' })).toBeUndefined()
  })
})

describe('memory_limit', () => {
  const limit = (memory_limit: string) =>
    Config.safeParse({ memory_limit, stores: {}, feeds: {} }).success
  it('is a size in which a thread can work', () => {
    expect(['128MB', '1GB', '0.5GB', '999 MiB'].map(limit)).toEqual([true, true, true, true])
    expect(['64MB', '127MB', '512', '900KB', 'much'].map(limit)).toEqual([
      false,
      false,
      false,
      false,
      false,
    ])
  })
})
