import type { ByteBuffer } from './byte-buffer.ts'
import { ShapeRuns } from './kernel/shape-runs.ts'
import type { RecordReader } from './record-reader.ts'
import { RowKernel, type RowProgram } from './row-kernel.ts'
import type { RowTemplate } from './row-writer.ts'
import type { UuidWriter } from './uuid-writer.ts'

/** One for a thread, which encodes one block after the other. */
let kernel: RowKernel | undefined

/** Writes runs of lines that have known shapes as rows of text. What a run cannot take ends it. */
export class RowRuns {
  private readonly runs: ShapeRuns<RowProgram>
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
    kernel ??= new RowKernel()
    kernel.load(program)
    const rows = kernel.run(reader.bytes, reader.at, this.ids.next(now))
    if (rows > 0) {
      const { written, end } = kernel
      out.room(written.length)
      out.copy(written, 0, written.length)
      reader.pass(end, rows)
    }
    this.runs.took(rows, reader)
    return rows
  }
}
