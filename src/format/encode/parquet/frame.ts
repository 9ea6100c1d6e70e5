import type { LeafColumn } from './leaf-column.ts'

/**
 * Rows on their way into a row group: the columns of some rows, one behind the other, so that those of a whole row
 * group can be read one at a time. A frame is its size, its rows, and for each leaf four numbers (32 bits,
 * little-endian): levels, bytes of definition levels (0 where all values are there), bytes of repetition
 * levels, bytes of values; then these bytes, leaf by leaf.
 */
export interface Frame {
  /** Where it begins, in bytes of what holds it. */
  readonly at: number
  readonly bytes: number
  readonly rows: number
  readonly runs: readonly Run[]
}

/** Where one leaf's part of a frame lies. */
export interface Run {
  readonly levels: number
  /** Of the definition levels; the rest follows. */
  readonly at: number
  readonly definitions: number
  readonly repetitions: number
  readonly values: number
}

const WORD = 4
const HEAD_WORDS = 2
const RUN_WORDS = 4

/** The frame of what the columns hold. */
export function frameOf(columns: readonly LeafColumn[], rows: number): Buffer<ArrayBuffer> {
  const head = WORD * (HEAD_WORDS + RUN_WORDS * columns.length)
  const runs = columns.map(({ absent, count, leaf, values }) => ({
    definitions: absent > 0 ? count : 0,
    repetitions: leaf.max_repetition > 0 ? count : 0,
    values: values.at,
  }))
  const size = runs.reduce((sum, run) => sum + run.definitions + run.repetitions + run.values, head)
  const frame = Buffer.allocUnsafeSlow(size)
  frame.writeUInt32LE(size, 0)
  frame.writeUInt32LE(rows, WORD)
  let at = head
  columns.forEach((column, index) => {
    const { definitions, repetitions, values } = runs[index] as (typeof runs)[number]
    const place = WORD * (HEAD_WORDS + RUN_WORDS * index)
    frame.writeUInt32LE(column.count, place)
    frame.writeUInt32LE(definitions, place + WORD)
    frame.writeUInt32LE(repetitions, place + 2 * WORD)
    frame.writeUInt32LE(values, place + 3 * WORD)
    frame.set(column.definitions.subarray(0, definitions), at)
    at += definitions
    frame.set(column.repetitions.subarray(0, repetitions), at)
    at += repetitions
    frame.set(column.values.written, at)
    at += values
  })
  return frame
}

/** The frames in a segment that begins at `at` of what will hold it. */
export function framesIn(segment: Uint8Array, at: number, leaves: number): Frame[] {
  const { buffer, byteOffset, length } = segment
  const view = new DataView(buffer, byteOffset, length)
  const frames: Frame[] = []
  for (let from = 0; from < length; ) {
    const word = (index: number) => view.getUint32(from + WORD * index, true)
    const bytes = word(0)
    let place = at + from + WORD * (HEAD_WORDS + RUN_WORDS * leaves)
    const runs = Array.from({ length: leaves }, (_, leaf) => {
      const first = HEAD_WORDS + RUN_WORDS * leaf
      const run = {
        levels: word(first),
        at: place,
        definitions: word(first + 1),
        repetitions: word(first + 2),
        values: word(first + 3),
      }
      place += run.definitions + run.repetitions + run.values
      return run
    })
    frames.push({ at: at + from, bytes, rows: word(1), runs })
    from += bytes
  }
  return frames
}
