import { describe, expect, it } from 'vitest'
import { textWidth, truncate, truncateStart, visible } from './text-width.ts'

describe('textWidth', () => {
  it.each([
    ['plain', 5],
    ['naïve', 5],
    ['e\u0301', 1],
    ['世界', 4],
    ['한국어', 6],
    ['ﾊﾝｶｸ', 4],
    ['👩‍👩‍👧', 2],
    ['❤️', 2],
    ['🇰🇷', 2],
    ['a\u200bb', 2],
    ['\u001b[31mred\u001b[39m', 3],
    ['', 0],
  ])('%j is %i columns', (text, width) => {
    expect(textWidth(text)).toBe(width)
  })
})

describe('truncate', () => {
  it.each([
    ['short', 5, 'short'],
    ['longer', 5, 'long…'],
    ['世界地図', 5, '世界…'],
    ['世界地図', 4, '世…'],
    ['👩‍👩‍👧👩‍👩‍👧', 3, '👩‍👩‍👧…'],
    ['any', 0, ''],
  ])('%j to %i is %j', (text, width, cut) => {
    expect(truncate(text, width)).toBe(cut)
    expect(textWidth(truncate(text, width))).toBeLessThanOrEqual(width)
  })
})

describe('truncateStart', () => {
  it('keeps the end', () => {
    expect(truncateStart('a/世界/part-0.gz', 10)).toBe('…part-0.gz')
    expect(truncateStart('a/世界', 4)).toBe('…界')
    expect([truncateStart('same', 4), truncateStart('any', 0)]).toEqual(['same', ''])
  })
})

describe('visible', () => {
  it('shows what would move the cursor or hide text', () => {
    expect(visible('a\tb\r\nc\u001b[2J\u202e')).toBe('a\\tb\\r\\nc\\u001b[2J\\u202e')
  })
  it('leaves text alone', () => {
    expect(visible('Hello, 世界 "\\n"')).toBe('Hello, 世界 "\\n"')
  })
})
