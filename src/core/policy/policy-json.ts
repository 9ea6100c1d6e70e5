/**
 * JSON (RFC 8259) with the place of everything in it, read on past the faults that people make by
 * hand, so that one run names all of them.
 */
export type JsonNode = {
  /** Offsets in the text; the end is exclusive. */
  readonly at: number
  readonly end: number
} & (
  | { readonly type: 'object'; readonly members: readonly JsonMember[] }
  | { readonly type: 'array'; readonly items: readonly JsonNode[] }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'plain'; readonly text: string }
)

export interface JsonMember {
  readonly name: string
  readonly at: number
  readonly value: JsonNode
}

export interface JsonFault {
  readonly at: number
  readonly message: string
  /** What to write. */
  readonly instead: string
}

export interface ReadJson {
  /** As much as could be read. */
  readonly node: JsonNode
  /** False where reading had to end before the value did. */
  readonly complete: boolean
  readonly faults: readonly JsonFault[]
}

/** A policy is five levels deep: what goes on below is no policy. */
const MOST_LEVELS = 64

const blank = /[ \t\r\n]*/y
const plain = /true\b|false\b|null\b|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 forbids them in strings
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y

/** Reads one value; what follows it is left alone. Never throws for what is in the text. */
export function readJson(text: string, start = 0): ReadJson {
  const faults: JsonFault[] = []
  let at = start
  let broken = false

  const taken = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    at += found?.length ?? 0
    return found
  }
  const fault = (message: string, instead: string, place = at) => {
    faults.push({ at: place, message, instead })
  }
  const stop = (message: string, instead: string) => {
    fault(message, instead)
    broken = true
  }
  const isNext = (sign: string) => {
    if (text[at] !== sign) return false
    at += 1
    return true
  }

  function readValue(level: number): JsonNode {
    taken(blank)
    const from = at
    if (level > MOST_LEVELS) stop('nested too deeply for a policy', 'a policy of five levels')
    else if (text[at] === '{') return readObject(level)
    else if (text[at] === '[') return readArray(level)
    else if (text[at] === '"') return { type: 'string', value: readString(), at: from, end: at }
    else {
      const found = taken(plain)
      if (found !== undefined && found !== '')
        return { type: 'plain', text: found, at: from, end: at }
      stop(...unreadable(text, at))
    }
    return { type: 'plain', text: '', at: from, end: at }
  }

  function readString(): string {
    const found = taken(string)
    if (found !== undefined) return JSON.parse(found) as string
    const [, instead] = unreadable(text, at)
    stop('a text does not end, or holds a character that JSON does not allow in one', instead)
    return ''
  }

  /** Reads what is separated by commas up to the closing sign. */
  function readList(close: '}' | ']', readOne: () => void): void {
    at += 1
    taken(blank)
    if (isNext(close)) return
    while (!broken) {
      readOne()
      if (broken) return
      taken(blank)
      const comma = at
      if (isNext(',')) {
        taken(blank)
        if (!isNext(close)) continue
        fault(`a comma before the closing ${close}`, `leave the comma out`, comma)
        return
      }
      if (isNext(close)) return
      if (/["{[]/.test(text[at] ?? '')) fault('a comma is missing', 'put a comma before this')
      else stop(`neither a comma nor the closing ${close}`, `close what is open with ${close}`)
    }
  }

  function readObject(level: number): JsonNode {
    const from = at
    const members: JsonMember[] = []
    readList('}', () => {
      taken(blank)
      const place = at
      if (text[at] !== '"') {
        stop(...unreadable(text, at))
        return
      }
      const name = readString()
      taken(blank)
      if (!broken && !isNext(':')) stop('a colon is missing after a name', `"${name}": …`)
      if (broken) return
      if (members.some((each) => each.name === name))
        fault(`"${name}" stands twice in one object`, 'keep one of them, or join them', place)
      members.push({ name, at: place, value: readValue(level + 1) })
    })
    return { type: 'object', members, at: from, end: at }
  }

  function readArray(level: number): JsonNode {
    const from = at
    const items: JsonNode[] = []
    readList(']', () => items.push(readValue(level + 1)))
    return { type: 'array', items, at: from, end: at }
  }

  const node = readValue(0)
  return { node, complete: !broken, faults }
}

/** What stands where a value or a name should, and what to write. */
function unreadable(text: string, at: number): [message: string, instead: string] {
  const sign = text[at]
  if (sign === undefined) return ['the text ends here, before the policy does', 'the rest of it']
  if (/[“”„‘’']/.test(sign)) return [`the quotation mark ${sign}`, 'straight double quotes: "…"']
  if (text.startsWith('//', at) || text.startsWith('/*', at) || sign === '#')
    return ['a comment, which JSON does not have', 'leave it out']
  if (sign === '"') return ['a text that is not closed', 'close it with "']
  const word = /^[^\s,:[\]{}"]*/.exec(text.slice(at, at + 80))?.[0] || sign
  return [`${word} where a text in double quotes is wanted`, `"${word}"`]
}
