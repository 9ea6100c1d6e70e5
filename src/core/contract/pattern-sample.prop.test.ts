import fc from 'fast-check'
import { expect, it } from 'vitest'
import { patternSample } from './pattern-sample.ts'
import { randomOf } from './sample-random.ts'

it.each([
  '[A-Z]{2}\\d{4}',
  '^(GET|POST) /[a-z0-9_-]+$',
  '(?:ab|c(?<name>d|e))*f?',
  '[^0-9]{3,}',
  '\\w+@\\w+\\.com',
  'a|b||c',
  '\\$\\d{1,3}(,\\d{3})*\\.\\d\\d',
  '',
  '.+?x',
  '[\\d\\-a-c]+',
  '한글{2}',
])('/%s/ is matched by every text made up for it', (pattern) => {
  const whole = new RegExp(`^(?:${pattern})$`, 'u')
  fc.assert(
    fc.property(fc.integer(), fc.nat(1000), (seed, row) => {
      const text = patternSample(pattern, randomOf(seed, row))
      expect(text).toMatch(whole)
    }),
    { numRuns: 50 },
  )
})

it.each(['(?=a)b', '(a)\\1', '\\p{L}', '\\bx', 'a{99999}'])('/%s/ is not known', (pattern) => {
  expect(patternSample(pattern, randomOf(1, 1))).toBeUndefined()
})

it('makes up texts for patterns of its own', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^([a-c]|\[x-z\]|\\d|\(a\|b\)){1,4}[*+?]?$/),
      fc.nat(),
      (pattern, row) => {
        const text = patternSample(pattern, randomOf(7, row))
        expect(text).toMatch(new RegExp(`^(?:${pattern})$`, 'u'))
      },
    ),
  )
})
