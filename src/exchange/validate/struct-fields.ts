/** Field names and types of a STRUCT type as DuckDB prints it. */
export function structFields(type: string): Map<string, string> {
  const fields = new Map<string, string>()
  const body = type.slice('STRUCT('.length, -1)
  let at = 0
  while (at < body.length) {
    const quoted = body[at] === '"'
    const end = quoted ? closingQuote(body, at) : body.indexOf(' ', at)
    const name = quoted ? body.slice(at + 1, end).replaceAll('""', '"') : body.slice(at, end)
    at = skipSpace(body, quoted ? end + 1 : end)
    const start = at
    at = typeEnd(body, at)
    fields.set(name, body.slice(start, at).trim())
    at = skipSpace(body, at + 1)
  }
  return fields
}

/** Index of the comma that ends a type, or of the end of the text. */
function typeEnd(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at += 1) {
    const c = text[at]
    if (c === '"') at = closingQuote(text, at)
    else if (c === '(') depth += 1
    else if (c === ')') depth -= 1
    else if (c === ',' && depth === 0) return at
  }
  return text.length
}

function closingQuote(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at += 1) {
    if (text[at] !== '"') continue
    if (text[at + 1] !== '"') return at
    at += 1
  }
  return text.length
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (text[at] === ' ') at += 1
  return at
}
