/** A text as a regular expression that matches just it. */
const escapePattern = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

/**
 * Globs of keys: `*` and `?` stay inside a level, `**` crosses levels, `{a,b}` is either. A glob with
 * a slash is matched from the start of the key; one without is matched against each level's name,
 * so `_temporary` also takes in all that lies below such a directory.
 */
export function globPattern(glob: string): RegExp {
  let source = ''
  let depth = 0
  for (const [piece] of glob.matchAll(/\*\*\/|\*\*|[\s\S]/g)) {
    if (piece === '**/') source += '(?:[^/]*/)*'
    else if (piece === '**') source += '[\\s\\S]*'
    else if (piece === '*') source += '[^/]*'
    else if (piece === '?') source += '[^/]'
    else if (piece === '{' && glob.includes('}')) {
      source += '(?:'
      depth += 1
    } else if (piece === '}' && depth > 0) {
      source += ')'
      depth -= 1
    } else if (piece === ',' && depth > 0) source += '|'
    else source += escapePattern(piece)
  }
  if (depth > 0) throw new RangeError(`"${glob}" has a { without its }`)
  const anchored = glob.includes('/')
  return new RegExp(anchored ? `^${source}$` : `(?:^|/)${source}(?:/|$)`)
}
