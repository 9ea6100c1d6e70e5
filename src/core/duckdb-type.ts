/** DuckDB's names of types, read into a tree: `MAP(VARCHAR, DECIMAL(24,6)[])`. */
export type TypeName =
  | { readonly name: string; readonly arguments: readonly number[] }
  | { readonly list: TypeName }
  | { readonly map: { readonly key: TypeName; readonly value: TypeName } }
  | { readonly struct: readonly { readonly name: string; readonly type: TypeName }[] }

/** Undefined for what cannot be read, such as a UNION. */
export function readTypeName(text: string): TypeName | undefined {
  const tokens = text.match(/"(?:[^"]|"")*"|'(?:[^']|'')*'|\w+|\S/g) ?? []
  let at = 0
  const eat = (token: string) => {
    if (tokens[at]?.toUpperCase() !== token) return false
    at += 1
    return true
  }
  const type = (): TypeName | undefined => {
    let found = atom()
    while (found && eat('[')) {
      // `INTEGER[3]` is an array of fixed length.
      if (/^\d+$/.test(tokens[at] ?? '')) at += 1
      if (!eat(']')) return undefined
      found = { list: found }
    }
    return found
  }
  const atom = (): TypeName | undefined => {
    if (eat('MAP')) {
      if (!eat('(')) return undefined
      const key = type()
      const comma = eat(',')
      const value = type()
      return key && comma && value && eat(')') ? { map: { key, value } } : undefined
    }
    if (eat('STRUCT')) {
      if (!eat('(')) return undefined
      const fields: { name: string; type: TypeName }[] = []
      do {
        const name = tokens[at] ?? ''
        at += 1
        const of = type()
        if (!of) return undefined
        fields.push({
          name: name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name,
          type: of,
        })
      } while (eat(','))
      return eat(')') ? { struct: fields } : undefined
    }
    const words: string[] = []
    while (/^[A-Za-z_]\w*$/.test(tokens[at] ?? '')) {
      words.push(tokens[at] ?? '')
      at += 1
    }
    if (words.length === 0 || words[0]?.toUpperCase() === 'UNION') return undefined
    const values: number[] = []
    if (eat('(')) {
      while (at < tokens.length && !eat(')')) {
        const token = tokens[at] ?? ''
        at += 1
        if (/^\d+$/.test(token)) values.push(Number(token))
      }
    }
    return { name: words.join(' ').toUpperCase(), arguments: values }
  }
  const found = type()
  return at === tokens.length ? found : undefined
}
