import { Kernel } from './kernel/kernel.ts'
import { layShapes } from './kernel/shape-table.ts'
import type { Shape } from './record-shapes.ts'
import type { RowTemplate } from './row-writer.ts'
import { UUID_LENGTH } from './uuid-writer.ts'

/** What rows are like, and the shapes of the lines that become such. */
export interface RowProgram {
  readonly shapes: readonly Shape[]
  readonly template: RowTemplate
}

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
const TEXT_WORDS = 2
const NO_QUOTE = 0

/** Writes the data of lines into rows of text. Its memory serves one program and one block after the other. */
export class RowKernel {
  private readonly kernel = new Kernel<Calls>('rows.wasm')
  private program: RowProgram | undefined
  /** Where things lie in its memory, in bytes. */
  private shapes = 0
  private id = 0
  private out = 0
  private input = 0

  /** What the runs go by from now on. */
  load(program: RowProgram): void {
    if (program === this.program) return
    this.program = program
    const { before_id, before_time, before_data, after_data, quote, skipped } = program.template
    const texts = [before_id, before_time, before_data, after_data]
    const { kernel } = this
    const space = kernel.space()
    const texts_at = space.take(texts.length * TEXT_WORDS * WORD)
    const text_at = texts.map((text) => space.take(text.length))
    this.id = space.take(UUID_LENGTH)
    this.out = space.take(OUT_BYTES)
    const shapes = program.shapes.map(({ literals, emitted_hole, data_start, data_end }) => ({
      literals,
      holes: literals.slice(1).map((_, hole) => [hole === emitted_hole ? 1 : 0]),
      rest: [data_start.hole, data_start.offset, data_end.hole, data_end.offset],
    }))
    this.shapes = layShapes(kernel, space, shapes)
    this.input = space.end
    for (const [index, text] of texts.entries()) {
      const at = text_at[index] as number
      kernel.bytes.set(text, at)
      kernel.words.set([at, text.length], texts_at / WORD + index * TEXT_WORDS)
    }
    kernel.calls.open(texts_at, this.id, quote ?? NO_QUOTE, skipped)
  }

  /**
   * Writes a row for each line of `block` from `from` on, until one is not as the program says, or there is no more
   * room: how many. The first has `id`, which is counted up. The block is known to be UTF-8.
   */
  run(block: Uint8Array, from: number, id: Uint8Array): number {
    const { program, input, kernel } = this
    if (program === undefined) throw new Error('a run without a program')
    kernel.hold(block, input)
    kernel.bytes.set(id, this.id)
    const rows = kernel.calls.run(
      input + from,
      input + block.length,
      this.shapes,
      program.shapes.length,
      this.out,
      OUT_BYTES,
    )
    id.set(kernel.bytes.subarray(this.id, this.id + UUID_LENGTH))
    return rows
  }

  /** Where the last run ended in the block. */
  get end(): number {
    return this.kernel.calls.end.value - this.input
  }

  /** The rows of the last run. Valid until the next call. */
  get written(): Uint8Array {
    const { bytes, calls } = this.kernel
    return bytes.subarray(this.out, this.out + calls.written.value)
  }
}
