import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { colored } from './terminal.ts'
import { textWidth } from './text-width.ts'
import { hangingText, wrapText } from './wrap-text.ts'

describe('wrapText', () => {
  it('breaks at blanks', () => {
    expect(wrapText('one two three', 8)).toEqual(['one two', 'three'])
    expect(wrapText('one two three', 13)).toEqual(['one two three'])
    expect(wrapText('one two three', 13, 3)).toEqual(['one', 'two three'])
  })

  it('leaves alone what fits', () => {
    expect(wrapText('    ^  x', 8)).toEqual(['    ^  x'])
  })

  it('breaks a key behind a slash, and a word without one where the line ends', () => {
    expect(wrapText('auctions/y=2023/m=01/part-0.gz: damaged', 24)).toEqual([
      'auctions/y=2023/m=01/',
      'part-0.gz: damaged',
    ])
    expect(wrapText('abcdefgh', 3)).toEqual(['abc', 'def', 'gh'])
    expect(wrapText('世界世', 4)).toEqual(['世界', '世'])
    expect(wrapText('世', 1)).toEqual(['世', ''])
  })

  it('loses nothing, and keeps every line within its width', () => {
    const words = fc.array(fc.stringMatching(/^[a-z/]{1,30}$/), { maxLength: 12 })
    fc.assert(
      fc.property(words, fc.integer({ min: 1, max: 40 }), (list, width) => {
        const text = list.join(' ')
        const lines = wrapText(text, width)
        for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(width)
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''))
      }),
    )
  })
})

describe('hangingText', () => {
  it('indents what follows to where the text began, colours aside', () => {
    expect(hangingText(`  ${colored('red', 'code')}  `, 'one two three four', 24)).toBe(
      `  ${colored('red', 'code')}  one two three\n        four`,
    )
  })

  it('begins below a lead that leaves no room', () => {
    expect(hangingText('  over_budget_of_objects  ', 'one two three', 30)).toBe(
      '  over_budget_of_objects\n    one two three',
    )
  })

  it('leaves a pipe its one line', () => {
    expect(hangingText('a: ', 'x '.repeat(200), undefined)).toBe(`a: ${'x '.repeat(200)}`)
  })
})
