/**
 * Keys that break careless clients: quoting, URL encoding, XML, normalisation, path joining.
 * The label names the case in test output and in a server's list of differences.
 */
export const HOSTILE_KEYS: Readonly<Record<string, string>> = {
  space: 'with space/a b.json',
  'space at the ends': ' lead and trail ',
  plus: 'a+b/c+d',
  ampersand: 'a&b&amp;c',
  percent: '100%',
  'percent escape': 'a%20b%2Fc',
  'half a percent escape': 'a%2',
  hash: 'a#b',
  question: 'a?b=c&d',
  tilde: '~a/~',
  quotes: `single'double"back\`tick`,
  'angle brackets': '<a>&lt;/b</a>',
  'equals and semicolon': 'dt=2024-01-01;v=1/x',
  'at and colon and comma': 'a@b:c,d',
  'star and pipe': 'a*b|c',
  brackets: '[a]{b}(c)',
  backslash: 'a\\b',
  dollar: '$HOME/$(x)',
  exclamation: 'a!b^c',
  'dots in a name': 'a..b/c...d/.hidden/..x',
  accents: 'naïve/Ünïcödé',
  cjk: '日本語/中文/한국어',
  emoji: '🎉/👩‍👩‍👧/x',
  'right to left': 'مرحبا/שלום',
  'private use and beyond': '\ue000/\uffee/\u{10fffe}',
  'zero width': 'a\u200bb\ufeffc',
  tab: 'a\tb',
  newline: 'a\nb',
  'carriage return': 'a\rb',
  'control character': 'a\u0001b',
  'next line': 'a\u0085b\u2028c',
  'windows names': 'con/aux/nul.txt',
  'a segment of 200 bytes': `${'s'.repeat(200)}/x`,
  'a long key': `${'0123456789abcdef/'.repeat(45)}end`,
}

/** Keys that are no path below a folder: stores whose `features.keys` is `paths` must refuse them. */
export const UNPATHLIKE_KEYS: Readonly<Record<string, string>> = {
  'trailing slash': 'folder/',
  'double slash': 'double//slash',
  'dot segment': 'a/./b',
  'dotdot segment': 'a/../b',
  'a segment of 300 bytes': `${'s'.repeat(300)}/x`,
}
