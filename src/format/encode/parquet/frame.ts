import { readSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import type { LeafColumn } from './leaf-column.ts'
import { ROW_ID_BYTES } from './leaves.ts'

/**
 * Rows on their way into a row group: the columns of some rows, one behind the other, so that those of a whole row
 * group can be read one at a time. A frame is its size, its rows, their `plain_bytes`, and for each leaf four numbers
 * (32 bits, little-endian): levels, bytes of definition levels (0 where all values are there), bytes of repetition
 * levels, bytes of values; then these bytes, leaf by leaf.
 */
export interface Frame {
  /** Where it begins, in bytes of what holds it. */
  readonly at: number
  readonly bytes: number
  readonly rows: number
  /** Bytes of its levels and values, with those that are made only when the column is written. */
  readonly plain_bytes: number
}

/** Where one leaf's parts of some frames lie, a number for each frame. */
export interface Runs {
  readonly levels: Uint32Array
  /** Where each part begins, with its definition levels; the rest follows. */
  readonly at: Float64Array
  readonly definitions: Uint32Array
  readonly repetitions: Uint32Array
  readonly values: Uint32Array
}

const WORD = 4
const HEAD_WORDS = 3
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
  const made = columns.reduce(
    (sum, { count, leaf }) => sum + (leaf.row_id ? count * ROW_ID_BYTES : 0),
    0,
  )
  const frame = Buffer.allocUnsafeSlow(size)
  frame.writeUInt32LE(size, 0)
  frame.writeUInt32LE(rows, WORD)
  frame.writeUInt32LE(size + made, 2 * WORD)
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
export function framesIn(segment: Uint8Array, at: number): Frame[] {
  const { buffer, byteOffset, length } = segment
  const view = new DataView(buffer, byteOffset, length)
  const frames: Frame[] = []
  for (let from = 0; from < length; ) {
    const bytes = view.getUint32(from, true)
    frames.push({
      at: at + from,
      bytes,
      rows: view.getUint32(from + WORD, true),
      plain_bytes: view.getUint32(from + 2 * WORD, true),
    })
    from += bytes
  }
  return frames
}

/**
 * For each leaf where its parts of the frames lie, as the file that holds them says: kept in memory for all
 * frames of all parts, this would be more than the rows of narrow ones.
 */
export function runsOf(
  file: Pick<FileHandle, 'fd'>,
  frames: readonly Frame[],
  leaves: number,
): Runs[] {
  const count = frames.length
  const runs = Array.from({ length: leaves }, () => ({
    levels: new Uint32Array(count),
    at: new Float64Array(count),
    definitions: new Uint32Array(count),
    repetitions: new Uint32Array(count),
    values: new Uint32Array(count),
  }))
  const head = new DataView(new ArrayBuffer(WORD * (HEAD_WORDS + RUN_WORDS * leaves)))
  for (const [index, frame] of frames.entries()) {
    // Read at once: it has just been written, and there may be very many small ones.
    const read = readSync(file.fd, head, 0, head.byteLength, frame.at)
    if (read !== head.byteLength) throw new Error('the rows of a part end within a frame')
    let at = frame.at + head.byteLength
    let place = WORD * HEAD_WORDS
    for (const run of runs) {
      const definitions = head.getUint32(place + WORD, true)
      const repetitions = head.getUint32(place + 2 * WORD, true)
      const values = head.getUint32(place + 3 * WORD, true)
      run.levels[index] = head.getUint32(place, true)
      run.at[index] = at
      run.definitions[index] = definitions
      run.repetitions[index] = repetitions
      run.values[index] = values
      at += definitions + repetitions + values
      place += WORD * RUN_WORDS
    }
  }
  return runs
}
