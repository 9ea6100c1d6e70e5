import { eventValue, fieldValue } from '../../core/destination/partition-value.ts'
import type { PartitionBy } from '../../core/destination/path-format.ts'
import { bytesText, textOfBytes } from './envelope-scanner.ts'
import { instantOf } from './event-time.ts'
import type { RecordReader } from './record-reader.ts'

/** Values that are kept, so that each is worked out once. */
const MAX_KNOWN = 10_000
const MINUTE_MS = 60_000
const QUOTE = 0x22

/** `text`: the member's JSON text, each byte of its UTF-8 a character; undefined where there is none. */
type TextOf = (text: string | undefined) => string

interface Source {
  /** Name of the member, as `Fields` has it; undefined for the time of extraction. */
  readonly name: string | undefined
  readonly textOf: TextOf
}

const WHOLE: readonly string[] = []

/**
 * Tells the partition of the reader's record: a value for each of `partition_by`, as it stands in the key. One
 * partition is always the same array within a block.
 */
export function partitionReader(
  partition_by: readonly PartitionBy[],
): (reader: RecordReader) => readonly string[] {
  if (partition_by.length === 0) return () => WHOLE
  const sources = partition_by.map((by): Source => {
    const name = by.field === undefined ? undefined : bytesText(by.field)
    return { name, textOf: by.kind === 'field' ? fieldValues() : eventValues(by.pattern) }
  })
  const partitions = new Map<string, readonly string[]>()
  return (reader) => {
    const { names, start, end } = reader.fields()
    const values = sources.map(({ name, textOf }) => {
      if (name === undefined) return textOf(String(reader.emittedAt()))
      const field = names.lastIndexOf(name)
      return textOf(field < 0 ? undefined : reader.text.slice(start[field], end[field]))
    })
    // No value holds a NUL.
    const id = values.join('\0')
    const known = partitions.get(id)
    if (known !== undefined) return known
    partitions.set(id, values)
    return values
  }
}

function fieldValues(): TextOf {
  const known = new Map<string, string>()
  return (text) => {
    if (text === undefined) return fieldValue(null)
    const before = known.get(text)
    if (before !== undefined) return before
    if (known.size === MAX_KNOWN) known.clear()
    const value = fieldValue(plainText(text))
    // A slice of the block would keep all of it in memory.
    known.set(Buffer.from(text, 'latin1').toString('latin1'), value)
    return value
  }
}

function eventValues(pattern: string): TextOf {
  const write = eventValue(pattern)
  const known = new Map<number, string>()
  return (text) => {
    const plain = text === undefined ? null : plainText(text)
    const instant = plain === null ? undefined : instantOf(plain, text?.charCodeAt(0) !== QUOTE)
    if (instant === undefined) return write(null)
    // Patterns go down to minutes.
    const minute = Math.floor(instant / MINUTE_MS)
    const before = known.get(minute)
    if (before !== undefined) return before
    if (known.size === MAX_KNOWN) known.clear()
    const value = write(instant)
    known.set(minute, value)
    return value
  }
}

/** What a JSON text says: a string its characters, other values as they are written; null for null. */
function plainText(json: string): string | null {
  if (json === 'null') return null
  const text = textOfBytes(json)
  return text.startsWith('"') ? (JSON.parse(text) as string) : text
}
