import type { Random } from './sample-random.ts'

/** Most repetitions made up where a pattern sets no limit. */
const FREE_REPEATS = 4

/**
 * A text that matches a regular expression as a whole; undefined where the pattern uses something
 * that this small reader does not know (look-around, references, `\p{…}`, `\b`).
 */
export function patternSample(pattern: string, random: Random): string | undefined {
  const whole = new RegExp(`^(?:${pattern})$`, 'u')
  try {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const reader = newReader(pattern, random)
      const text = reader.alternatives()
      if (reader.rest() === '' && whole.test(text)) return text
    }
  } catch (error) {
    if (error instanceof UnknownSyntax) return undefined
    throw error
  }
  return undefined
}

class UnknownSyntax extends Error {}

const range = (from: string, to: string): string[] => {
  const [low, high] = [from.codePointAt(0) ?? 0, to.codePointAt(0) ?? 0]
  return Array.from({ length: Math.min(high - low + 1, 200) }, (_, index) =>
    String.fromCodePoint(low + index),
  )
}
const digits = range('0', '9')
const letters = [...range('a', 'z'), ...range('A', 'Z')]
const classes: Record<string, string[]> = {
  d: digits,
  w: [...letters, ...digits, '_'],
  s: [' '],
  D: letters,
  W: ['-', '.', ' '],
  S: [...letters, ...digits],
}
const controls: Record<string, string> = { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v', 0: '\0' }

function newReader(pattern: string, random: Random) {
  const signs = [...pattern]
  let at = 0
  const eat = (sign: string) => {
    if (signs[at] !== sign) return false
    at += 1
    return true
  }
  /** Reads every alternative and keeps the text of one. */
  const alternatives = (): string => {
    const texts = [sequence()]
    while (eat('|')) texts.push(sequence())
    return random.pick(texts)
  }
  const sequence = (): string => {
    let text = ''
    while (at < signs.length && signs[at] !== '|' && signs[at] !== ')') {
      if (eat('^') || eat('$')) continue
      text += repeated()
    }
    return text
  }
  const repeated = (): string => {
    const start = at
    let text = atom()
    const [low, high] = quantifier()
    const end = at
    const times = low + random.below(high - low + 1)
    if (times === 0) return ''
    // The atom is read again for each repetition, so that each has a text of its own.
    for (let count = 1; count < times; count += 1) {
      at = start
      text += atom()
    }
    at = end
    return text
  }
  const quantifier = (): [number, number] => {
    let bounds: [number, number] = [1, 1]
    if (eat('*')) bounds = [0, FREE_REPEATS]
    else if (eat('+')) bounds = [1, FREE_REPEATS]
    else if (eat('?')) bounds = [0, 1]
    else if (signs[at] === '{') {
      const close = signs.indexOf('}', at)
      const [, low = '', comma, high = ''] =
        /^(\d+)(,)?(\d*)$/.exec(signs.slice(at + 1, close).join('')) ?? []
      if (low === '') throw new UnknownSyntax()
      at = close + 1
      const least = Number(low)
      bounds = [
        least,
        comma === undefined ? least : high === '' ? least + FREE_REPEATS : Number(high),
      ]
    }
    eat('?')
    if (bounds[1] > 10_000) throw new UnknownSyntax()
    return bounds
  }
  const atom = (): string => {
    const sign = signs[at]
    at += 1
    if (sign === undefined) throw new UnknownSyntax()
    if (sign === '.') return random.pick(letters)
    if (sign === '(') {
      if (eat('?')) {
        if (eat('<')) {
          if (signs[at] === '=' || signs[at] === '!') throw new UnknownSyntax()
          at = signs.indexOf('>', at) + 1
        } else if (!eat(':')) throw new UnknownSyntax()
      }
      const text = alternatives()
      if (!eat(')')) throw new UnknownSyntax()
      return text
    }
    if (sign === '[') return random.pick(charClass())
    if (sign === '\\') return random.pick(escaped())
    return sign
  }
  const escaped = (): string[] => {
    const sign = signs[at] ?? ''
    at += 1
    const known = classes[sign] ?? (controls[sign] === undefined ? undefined : [controls[sign]])
    if (known) return known
    if (/[A-Za-z0-9]/.test(sign)) throw new UnknownSyntax()
    return [sign]
  }
  const charClass = (): string[] => {
    const negated = eat('^')
    const members: string[] = []
    while (signs[at] !== undefined && signs[at] !== ']') {
      const sign = signs[at] ?? ''
      at += 1
      const from = sign === '\\' ? escaped() : [sign]
      const [single] = from
      if (from.length === 1 && single !== undefined && signs[at] === '-' && signs[at + 1] !== ']') {
        at += 1
        const end = signs[at] ?? ''
        at += 1
        members.push(...range(single, end === '\\' ? (escaped()[0] ?? '') : end))
      } else members.push(...from)
    }
    if (!eat(']')) throw new UnknownSyntax()
    const usable = negated
      ? [...letters, ...digits, '-', ' '].filter((sign) => !members.includes(sign))
      : members
    if (usable.length === 0) throw new UnknownSyntax()
    return usable
  }
  return { alternatives, rest: () => signs.slice(at).join('') }
}
