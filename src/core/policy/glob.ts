/** A literal text as a pattern: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html */
export const escapePattern = (text: string): string =>
  text.replace(/[*?$]/g, (sign) => `\${${sign}}`)

/** What a pattern consists of: any text, any sign, or the sign itself. */
type Token = '*' | '?' | { readonly sign: string }

function tokensOf(pattern: string): readonly Token[] {
  const parts = pattern.matchAll(/\$\{([*?$])\}|\$\{[^{}]*\}|./gsu)
  return [...parts].map(([text, escaped]) => {
    if (escaped !== undefined) return { sign: escaped }
    // What a variable such as `${aws:username}` stands for is not known here.
    if (text.startsWith('${')) return '*'
    return text === '*' || text === '?' ? text : { sign: text }
  })
}

/** Whether a pattern with `*` and `?` matches a whole text; in time that no pattern can blow up. */
export function matchesPattern(pattern: string, text: string, ignore_case = false): boolean {
  const tokens = tokensOf(ignore_case ? pattern.toLowerCase() : pattern)
  const signs = [...(ignore_case ? text.toLowerCase() : text)]
  let token = 0
  let sign = 0
  /** The last star, and where the text after what it takes begins. */
  let star = -1
  let after = 0
  while (sign < signs.length) {
    const wanted = tokens[token]
    if (wanted === '*') {
      star = token
      after = sign
      token += 1
    } else if (wanted === '?' || (wanted !== undefined && wanted.sign === signs[sign])) {
      token += 1
      sign += 1
    } else if (star >= 0) {
      after += 1
      sign = after
      token = star + 1
    } else return false
  }
  return tokens.slice(token).every((rest) => rest === '*')
}

/** The text before the first sign of a pattern: what all it matches begin with. */
export function literalStart(pattern: string): string {
  let start = ''
  for (const token of tokensOf(pattern)) {
    if (token === '*' || token === '?') break
    start += token.sign
  }
  return start
}

export const hasSigns = (pattern: string): boolean =>
  tokensOf(pattern).some((token) => token === '*' || token === '?')
