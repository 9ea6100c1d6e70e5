import type { ByteBuffer } from './byte-buffer.ts'
import { Kernel, SLACK } from './kernel/kernel.ts'
import { ShapeRuns } from './kernel/shape-runs.ts'
import type { RecordReader } from './record-reader.ts'
import type { Shape } from './record-shapes.ts'
import type { RowTemplate } from './row-writer.ts'
import { UUID_LENGTH, type UuidWriter } from './uuid-writer.ts'

interface Calls {
  readonly end: WebAssembly.Global
  readonly written: WebAssembly.Global
  open(texts: number, id: number, quote: number, skipped: number): void
  run(
    from: number,
    to: number,
    shapes: number,
    shape_count: number,
    out: number,
    room: number,
  ): number
}

/** What a run writes at most, in bytes; a row that is longer is written by other means. */
const OUT_BYTES = 1 << 20

const WORD = 4
const SHAPE_WORDS = 8
const HOLE_WORDS = 3
const TEXT_WORDS = 2
const NO_QUOTE = 0

/** The shapes that rows of a template can be of. */
interface Program {
  readonly shapes: readonly Shape[]
  readonly template: RowTemplate
}

/** Where things lie in the kernel's memory, in bytes. */
interface Places {
  readonly shapes: number
  readonly id: number
  readonly out: number
  readonly input: number
}

/** One kernel for a thread, which encodes one block after the other; with what it has loaded. */
let kernel: Kernel<Calls> | undefined
let loaded: Program | undefined
let places: Places = { shapes: 0, id: 0, out: 0, input: 0 }
let block: Uint8Array | undefined

/** Writes runs of lines that have known shapes as rows of text. What a run cannot take ends it. */
export class RowRuns {
  private readonly runs: ShapeRuns<Program>
  private readonly ids: UuidWriter

  constructor(template: RowTemplate, ids: UuidWriter) {
    this.ids = ids
    this.runs = new ShapeRuns((known) => {
      // What a source says it changed stands in a row of its own kind.
      const shapes = known.filter(
        ({ changes_start, names }) => changes_start === 0 && template.fits(names),
      )
      return shapes.length === 0 ? undefined : { shapes, template }
    })
  }

  /** Writes records from the reader's place on, and takes it past them: how many. */
  take(reader: RecordReader, out: ByteBuffer, now: number): number {
    if (reader.has_returns) return 0
    const program = this.runs.next(reader)
    if (program === undefined) return 0
    kernel ??= new Kernel<Calls>('rows.wasm')
    if (program !== loaded) load(kernel, program)
    const { calls } = kernel
    const { bytes } = reader
    if (bytes !== block) {
      kernel.room(places.input + bytes.length + SLACK)
      kernel.bytes.set(bytes, places.input)
      block = bytes
    }
    const id = this.ids.next(now)
    kernel.bytes.set(id, places.id)
    const rows = calls.run(
      places.input + reader.at,
      places.input + bytes.length,
      places.shapes,
      program.shapes.length,
      places.out,
      OUT_BYTES,
    )
    this.runs.took(rows)
    if (rows === 0) return 0
    // Counted up by the kernel.
    id.set(kernel.bytes.subarray(places.id, places.id + UUID_LENGTH))
    const written = calls.written.value
    out.room(written)
    out.copy(kernel.bytes, places.out, places.out + written)
    reader.pass(calls.end.value - places.input, rows)
    return rows
  }
}

function load(kernel: Kernel<Calls>, program: Program): void {
  const { shapes, template } = program
  const { before_id, before_time, before_data, after_data, quote = NO_QUOTE, skipped } = template
  const texts = [before_id, before_time, before_data, after_data]
  const space = kernel.space()
  const shapes_at = space.take(shapes.length * SHAPE_WORDS * WORD)
  const texts_at = space.take(texts.length * TEXT_WORDS * WORD)
  const id = space.take(UUID_LENGTH)
  const tables = shapes.map(({ literals }) => ({
    holes: space.take((literals.length - 1) * HOLE_WORDS * WORD),
    literals: literals.map((literal) => space.take(literal.length)),
  }))
  const text_at = texts.map((text) => space.take(text.length))
  const out = space.take(OUT_BYTES)
  const input = space.end
  kernel.room(input)

  const { bytes, words, calls } = kernel
  for (const [index, text] of texts.entries()) {
    const at = text_at[index] as number
    bytes.set(text, at)
    words.set([at, text.length], texts_at / WORD + index * TEXT_WORDS)
  }
  for (const [index, { literals, emitted_hole, data_start, data_end }] of shapes.entries()) {
    const { holes, literals: literals_at } = tables[index] as (typeof tables)[number]
    for (const [hole, literal] of literals.entries()) {
      const at = literals_at[hole] as number
      bytes.write(literal, at, 'latin1')
      const last = hole === literals.length - 1
      if (!last) {
        const is_time = hole === emitted_hole ? 1 : 0
        words.set([at, literal.length, is_time], holes / WORD + hole * HOLE_WORDS)
        continue
      }
      words.set(
        [
          holes,
          hole,
          at,
          literal.length,
          data_start.hole,
          data_start.offset,
          data_end.hole,
          data_end.offset,
        ],
        shapes_at / WORD + index * SHAPE_WORDS,
      )
    }
  }
  calls.open(texts_at, id, quote, skipped)
  places = { shapes: shapes_at, id, out, input }
  loaded = program
  block = undefined
}
