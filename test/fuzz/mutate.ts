import fc from 'fast-check'

/** A document as plain data. */
export type Data =
  | null
  | boolean
  | number
  | string
  | readonly Data[]
  | { readonly [name: string]: Data }

/** One change of a document: where (a path of shares of each level's children) and what. */
interface Change {
  readonly path: readonly number[]
  readonly how: 'remove' | 'replace' | 'rename' | 'repeat' | 'wrap' | 'move'
  readonly value: Data
  readonly name: string
}

/** Values and names that belong nowhere, and those that a document of the kind may hold elsewhere. */
export function changes(words: readonly string[]): fc.Arbitrary<Change> {
  const scalar = fc.constantFrom<Data>(
    ...[null, true, false, 0, 1, -1, 0.5, 1e21, 1e308, -0, '', ' ', '\0', '\n', 'é', '😀'],
    ...[
      '2024-01-01',
      '25:00',
      "'; DROP TABLE x; --",
      '"',
      '#{x}',
      '../..',
      '__proto__',
      'constructor',
    ],
    ...['x'.repeat(2000), '(a+)+$', '[', '{', '*', '0x10', '1_000', 'NaN', '.inf', '~'],
    ...words,
  )
  const value = fc.oneof(
    { weight: 6, arbitrary: scalar },
    { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) as fc.Arbitrary<Data> },
    {
      weight: 1,
      arbitrary: fc.dictionary(fc.constantFrom(...words), scalar, {
        maxKeys: 3,
      }) as fc.Arbitrary<Data>,
    },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Data> },
  )
  return fc.record({
    path: fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
      minLength: 1,
      maxLength: 9,
    }),
    how: fc.constantFrom('remove', 'replace', 'replace', 'rename', 'repeat', 'wrap', 'move'),
    value,
    name: fc.oneof(
      fc.constantFrom(...words),
      fc.constantFrom('', '__proto__', 'constructor', 'x y', '0'),
    ),
  })
}

/** The document with one change; the same data where the path leads nowhere. */
export function changed(data: Data, change: Change, depth = 0): Data {
  if (typeof data !== 'object' || data === null) return depth === 0 ? change.value : data
  const list = Array.isArray(data)
  const entries: (readonly [string, Data])[] = Object.entries(data as Record<string, Data>)
  if (entries.length === 0) return change.value
  const at = Math.floor((change.path[depth] ?? 0) * entries.length)
  const [name, value] = entries[at] as readonly [string, Data]
  const deeper = depth + 1 < change.path.length && typeof value === 'object' && value !== null
  const next: (readonly [string, Data])[] = deeper
    ? entries.with(at, [name, changed(value, change, depth + 1)])
    : edited(entries, at, change)
  return list ? next.map(([, item]) => item) : plain(next)
}

function edited(
  entries: readonly (readonly [string, Data])[],
  at: number,
  { how, value, name }: Change,
): (readonly [string, Data])[] {
  const [old, was] = entries[at] as readonly [string, Data]
  switch (how) {
    case 'remove':
      return entries.toSpliced(at, 1)
    case 'replace':
      return entries.with(at, [old, value])
    case 'rename':
      return entries.with(at, [name, was])
    case 'repeat':
      return entries.toSpliced(at, 0, [`${old}_`, was], [name, value])
    case 'wrap':
      return entries.with(at, [old, [was]])
    case 'move':
      return [...entries.toSpliced(at, 1), [old, was]]
  }
}

/** Own properties only, also of the name `__proto__`. */
function plain(entries: readonly (readonly [string, Data])[]): Data {
  const object: Record<string, Data> = {}
  for (const [name, value] of entries)
    Object.defineProperty(object, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  return object
}

/** A piece of a text cut out and another put in, as a slip of an editor would. */
interface Slip {
  readonly at: number
  readonly cut: number
  readonly put: string
}

export const slip: fc.Arbitrary<Slip> = fc.record({
  at: fc.nat(),
  cut: fc.oneof(fc.constant(0), fc.nat(40)),
  put: fc.oneof(
    fc.constantFrom(
      ...[
        '',
        '\t',
        '\n',
        ': ',
        '- ',
        '? ',
        '&a ',
        '*a',
        '<<: *a\n',
        '!!set ',
        '!!binary ',
        '!!js/function ',
        '%YAML 1.1\n---\n',
      ],
      ...[
        '---\n',
        '...\n',
        '|\n',
        '>-\n',
        '"',
        "'",
        '{',
        '[',
        '#',
        '\0',
        '\uFEFF',
        '\u2028',
        '[[[[[[',
        '[*a,*a,*a,*a]',
      ],
    ),
    fc.string({ unit: 'binary', maxLength: 6 }),
  ),
})

export const slipped = (text: string, { at, cut, put }: Slip): string => {
  const place = at % (text.length + 1)
  return text.slice(0, place) + put + text.slice(place + cut)
}

/** Every name and text in a document: what a mutation may put where it does not belong. */
export function wordsOf(data: Data, into: Set<string> = new Set()): Set<string> {
  if (typeof data === 'string') into.add(data)
  else if (Array.isArray(data)) for (const item of data) wordsOf(item, into)
  else if (typeof data === 'object' && data !== null)
    for (const [name, value] of Object.entries(data)) wordsOf(value, into.add(name))
  return into
}
