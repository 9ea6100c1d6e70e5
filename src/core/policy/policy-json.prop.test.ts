import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { escapePattern, literalStart, matchesPattern } from './glob.ts'
import { lintPolicies } from './lint.ts'
import { type JsonNode, readJson } from './policy-json.ts'

/** The value that a node stands for. */
function meantBy(node: JsonNode): unknown {
  if (node.type === 'object')
    return Object.fromEntries(node.members.map(({ name, value }) => [name, meantBy(value)]))
  if (node.type === 'array') return node.items.map(meantBy)
  return node.type === 'string' ? node.value : JSON.parse(node.text)
}

const parses = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** JSON with a few places cut out, doubled or replaced. */
const damaged = fc
  .tuple(
    fc.jsonValue({ maxDepth: 4 }),
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat(3),
        fc.constantFrom(',', '}', ']', '"', '{', ':', ' ', '<x>', '\n', '1'),
      ),
    ),
  )
  .map(([value, changes]) =>
    changes.reduce((text, [at, cut, put]) => {
      const place = at % (text.length + 1)
      return text.slice(0, place) + put + text.slice(place + cut)
    }, JSON.stringify(value)),
  )

describe('readJson', () => {
  it('reads what is JSON as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 2), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent)
        const { node, complete, faults } = readJson(text)
        expect([complete, faults, node.end]).toEqual([true, [], text.length])
        expect(JSON.stringify(meantBy(node))).toBe(JSON.stringify(JSON.parse(text)))
      }),
    )
  })

  it('has a fault for everything that is not, and none beside', () => {
    fc.assert(
      fc.property(damaged, (text) => {
        const { node, complete, faults } = readJson(text)
        expect(node.end).toBeLessThanOrEqual(text.length)
        const clean =
          complete &&
          // A name twice is JSON, and no policy.
          faults.every(({ message }) => message.includes('stands twice')) &&
          text.slice(node.end).trim() === ''
        expect(clean).toBe(parses(text))
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('lintPolicies', () => {
  it('has something to say of any text, with a place that is in it', () => {
    const words = fc.constantFrom(
      '{',
      '}',
      '"Statement":',
      '[',
      ']',
      '"Version"',
      ':',
      ',',
      '"x"',
      '\n',
      'storage.objects.get',
      '{ "Statement": [{ "Effect": "Allow", "Action": "s3:*" }] }',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string())), (parts) => {
        const text = parts.join(' ')
        const lines = text.split('\n')
        const findings = lintPolicies(text, { job: 'receive' })
        expect(findings.length).toBeGreaterThan(0)
        for (const { line, column } of findings) {
          expect(column).toBeGreaterThan(0)
          expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? -1) + 1)
        }
      }),
    )
  })
})

describe('patterns', () => {
  const signs = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '$', '{', '}', '/', '.') })
  it('of a literal text match it and nothing else', () => {
    fc.assert(
      fc.property(signs, signs, (text, other) => {
        expect(matchesPattern(escapePattern(text), other)).toBe(text === other)
        expect(matchesPattern(escapePattern(text), text)).toBe(true)
        expect(literalStart(escapePattern(text))).toBe(text)
        expect(matchesPattern(`${escapePattern(text)}*`, text + other)).toBe(true)
      }),
    )
  })

  it('match as the regular expression of the same meaning does', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 8 })
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '?'), maxLength: 8 })
    fc.assert(
      fc.property(pattern, letters, (glob, text) => {
        const same = new RegExp(`^${glob.replaceAll('*', '.*').replaceAll('?', '.')}$`)
        expect(matchesPattern(glob, text)).toBe(same.test(text))
      }),
      { numRuns: 1_000 },
    )
  })

  it('with many stars are answered at once', () => {
    expect(matchesPattern(`${'*a'.repeat(200)}b`, 'a'.repeat(2_000))).toBe(false)
  })
})
