/**
 * JSON (RFC 8259) without loss: a number keeps the digits it was written with.
 *
 * Objects are plain objects as `JSON.parse` makes them (fast to build and to read; a `__proto__` is an own
 * key like any other), so a reader looks at own keys only. Keys that are whole numbers come first, as in any
 * object of JavaScript; where the order of the text matters, use `compactText`.
 */

/** A number that a double would change: `9007199254740993`, `1.0`, `1e39`. */
export class ExactNumber {
  /** As written. */
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export interface JsonObject {
  [key: string]: JsonValue
}
export type JsonValue = null | boolean | number | string | ExactNumber | JsonValue[] | JsonObject

export const isJsonObject = (value: JsonValue): value is JsonObject =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof ExactNumber)

/** Containers within containers; a text with more is refused, as recursion must end before the stack does. */
const MAX_DEPTH = 1000

/** Sets an own key, whatever its name. */
export function setKey(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') target[key] = value
  else
    Object.defineProperty(target, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    })
}

/** A double where `String` gives the same text back and no integer is beyond 2^53, else the text. */
export function exactNumber(text: string): number | ExactNumber {
  const value = Number(text)
  if (String(value) !== text) return new ExactNumber(text)
  // Beyond 2^53 a double may print the digits of the text and yet be another integer.
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? new ExactNumber(text) : value
}

/** Control characters: as white space they may stand between tokens, never in a string (RFC 8259 §7). */
const CONTROL = /[^ -\uffff]/

/**
 * Reads one JSON text. Of a key given twice the last value counts. Throws `SyntaxError` for what is not
 * RFC 8259, and for more than 1000 containers within each other.
 */
export function parseExact(text: string): JsonValue {
  let at = 0
  let depth = 0

  const fail = (): never => {
    const what = at < text.length ? `Unexpected ${JSON.stringify(text[at])}` : 'Unexpected end'
    throw new SyntaxError(`${what} at position ${at} of JSON text`)
  }
  const skipSpace = (): void => {
    for (;;) {
      const code = text.charCodeAt(at)
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return
      at += 1
    }
  }
  // Most texts hold neither; what is not there need not be looked for in every string.
  const controls = CONTROL.test(text)
  let backslash = text.indexOf('\\')
  const readString = (): string => {
    const start = at
    const end = text.indexOf('"', at + 1)
    if (end < 0) {
      at = text.length
      return fail()
    }
    if (backslash >= 0 && backslash < start) backslash = text.indexOf('\\', start)
    if (controls || (backslash >= 0 && backslash < end)) return readEscaped(start)
    at = end + 1
    return text.slice(start + 1, end)
  }
  const readEscaped = (start: number): string => {
    at += 1
    while (text.charCodeAt(at) !== 34) {
      // NaN at the end of the text fails this comparison as well.
      if (!(text.charCodeAt(at) >= 32)) return fail()
      at += text.charCodeAt(at) === 92 ? 2 : 1
    }
    at += 1
    // A string by itself has no keys to mix up: the built-in parser checks and reads the escapes.
    return JSON.parse(text.slice(start, at)) as string
  }
  const digits = (): void => {
    const start = at
    while (isDigit(text.charCodeAt(at))) at += 1
    if (at === start) fail()
  }
  const readNumber = (): number | ExactNumber => {
    const start = at
    if (text.charCodeAt(at) === 45) at += 1
    if (text.charCodeAt(at) === 48) at += 1
    else digits()
    const next = text.charCodeAt(at)
    // 15 digits fit a double whole; minus zero does not print as it is written.
    if (next !== 46 && (next | 32) !== 101 && at - start <= 15) {
      const integer = +text.slice(start, at)
      return integer === 0 && at - start > 1 ? new ExactNumber('-0') : integer
    }
    if (next === 46) {
      at += 1
      digits()
    }
    if ((text.charCodeAt(at) | 32) === 101) {
      at += 1
      const sign = text.charCodeAt(at)
      if (sign === 43 || sign === 45) at += 1
      digits()
    }
    return exactNumber(text.slice(start, at))
  }
  const readWord = <T>(word: string, value: T): T => {
    if (!text.startsWith(word, at)) return fail()
    at += word.length
    return value
  }
  const enter = (): void => {
    at += 1
    depth += 1
    if (depth > MAX_DEPTH) {
      throw new SyntaxError(`JSON text holds more than ${MAX_DEPTH} containers within each other`)
    }
    skipSpace()
  }
  const readArray = (): JsonValue[] => {
    const items: JsonValue[] = []
    enter()
    if (text.charCodeAt(at) === 93) at += 1
    else {
      for (;;) {
        items.push(readValue())
        skipSpace()
        const code = text.charCodeAt(at)
        if (code !== 44 && code !== 93) fail()
        at += 1
        if (code === 93) break
        skipSpace()
      }
    }
    depth -= 1
    return items
  }
  const readObject = (): JsonObject => {
    const object: JsonObject = {}
    enter()
    if (text.charCodeAt(at) === 125) at += 1
    else {
      for (;;) {
        if (text.charCodeAt(at) !== 34) fail()
        const key = readString()
        skipSpace()
        if (text.charCodeAt(at) !== 58) fail()
        at += 1
        skipSpace()
        setKey(object, key, readValue())
        skipSpace()
        const code = text.charCodeAt(at)
        if (code !== 44 && code !== 125) fail()
        at += 1
        if (code === 125) break
        skipSpace()
      }
    }
    depth -= 1
    return object
  }
  const readValue = (): JsonValue => {
    switch (text.charCodeAt(at)) {
      case 34:
        return readString()
      case 123:
        return readObject()
      case 91:
        return readArray()
      case 116:
        return readWord('true', true)
      case 102:
        return readWord('false', false)
      case 110:
        return readWord('null', null)
      default:
        return readNumber()
    }
  }

  skipSpace()
  const value = readValue()
  skipSpace()
  if (at < text.length) fail()
  return value
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57

/**
 * A number that may not print as it is written: 16 digits and more (integers: from 9·10^15 on), an exponent, a
 * decimal that ends in 0, a very small one, minus zero. What looks like one inside a string costs time, nothing else.
 */
const INEXACT =
  /[ :,[\n\r\t](?=[-\d])-?(?:0(?:\.0{6}|(?<=-0)(?![.\d]))|[\d.]{17}|9\d{15}|\d+(?:\.\d+)?[eE]|\d+\.\d*0(?!\d))/

/** Whether an escape stands in a key: V8 13.6 can give such a key the name of a like one it has seen before. */
function hasEscapedKey(text: string): boolean {
  let at = text.indexOf('\\')
  while (at >= 0) {
    while (at < text.length && text.charCodeAt(at) !== 34) at += text.charCodeAt(at) === 92 ? 2 : 1
    at += 1
    while (/\s/.test(text.charAt(at))) at += 1
    if (text.charCodeAt(at) === 58) return true
    at = text.indexOf('\\', at)
  }
  return false
}

/** Whether brackets may be open more deeply than `parseExact` takes; those in strings are counted too. */
function mayBeDeep(text: string): boolean {
  if (text.length <= 2 * MAX_DEPTH) return false
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    // `[` and `{`, `]` and `}` differ in this one bit.
    const code = text.charCodeAt(at) | 32
    if (code === 123) {
      depth += 1
      if (depth > MAX_DEPTH) return true
    } else if (code === 125) depth -= 1
  }
  return false
}

/** The same as `parseExact`, by the built-in parser where that loses nothing. */
export function parseRecord(text: string): JsonValue {
  // Only within an object or array does something stand before every number.
  const contained = text.startsWith('{') || text.startsWith('[')
  if (!contained || INEXACT.test(text) || hasEscapedKey(text) || mayBeDeep(text))
    return parseExact(text)
  return JSON.parse(text) as JsonValue
}

/** Quotes, backslashes, control characters and halves of pairs (RFC 8259 §7, §8.2). */
const TO_ESCAPE = /["\\]|[^ -\ud7ff\ue000-\uffff]/

/** A string as JSON text; half a surrogate pair is escaped. */
export const stringText = (value: string): string =>
  TO_ESCAPE.test(value) ? JSON.stringify(value) : `"${value}"`

/** JSON text without white space; numbers keep their digits. Numbers that JSON lacks (NaN) become null. */
export function jsonText(value: JsonValue | bigint): string {
  if (value === null) return 'null'
  switch (typeof value) {
    case 'string':
      return stringText(value)
    case 'number':
      return Number.isFinite(value) ? String(value) : 'null'
    case 'boolean':
    case 'bigint':
      return String(value)
  }
  if (value instanceof ExactNumber) return value.text
  let text = ''
  if (Array.isArray(value)) {
    for (const item of value) text += text === '' ? jsonText(item) : `,${jsonText(item)}`
    return `[${text}]`
  }
  for (const key of Object.keys(value)) {
    const part = `${stringText(key)}:${jsonText(value[key] as JsonValue)}`
    text += text === '' ? part : `,${part}`
  }
  return `{${text}}`
}

const isSpace = (code: number): boolean => code === 32 || code === 10 || code === 13 || code === 9

/** Where the string that begins at a quote ends: just after its closing quote, or at the end of the text. */
function afterString(text: string, quote: number): number {
  for (let end = text.indexOf('"', quote + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end
    while (text.charCodeAt(before - 1) === 92) before -= 1
    if ((end - before) % 2 === 0) return end + 1
  }
  return text.length
}

/**
 * The same JSON text without white space between its tokens: digits, escapes, order and repeated keys stay.
 * The text must be valid JSON; it is not checked.
 */
export function compactText(text: string): string {
  let compact = ''
  let copied = 0
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at)
    if (code === 34) at = afterString(text, at)
    else if (!isSpace(code)) at += 1
    else {
      compact += text.slice(copied, at)
      do at += 1
      while (isSpace(text.charCodeAt(at)))
      copied = at
    }
  }
  return copied === 0 ? text : compact + text.slice(copied)
}
