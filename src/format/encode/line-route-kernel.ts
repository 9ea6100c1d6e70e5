import { Kernel } from './kernel/kernel.ts'

interface Calls {
  readonly end: WebAssembly.Global
  open(head: number, head_bytes: number, tail: number, tail_bytes: number, watched: boolean): void
  run(from: number, stop: number, to: number): number
}

/** What lines begin with, up to a brace, and end with; a byte of 0 is any digit. */
export interface LineForm {
  readonly head: Uint8Array
  readonly tail: Uint8Array
  /** Lines with `"namespace"` between head and tail are not of the form. */
  readonly watched: boolean
}

/** Bytes of a head or tail, at most. */
export const MOST_FORM_BYTES = 2000
/** That the kernel may read behind a piece. */
const SLACK = 32

/** Counts lines of one form. Its memory serves one piece of input after the other. */
export class LineRouteKernel {
  private readonly kernel = new Kernel<Calls>('lines.wasm')
  private form: LineForm | undefined
  private readonly head: number
  private readonly tail: number
  private readonly input: number

  constructor() {
    const space = this.kernel.space()
    this.head = space.take(MOST_FORM_BYTES)
    this.tail = space.take(MOST_FORM_BYTES)
    this.input = space.end
    this.kernel.room(space.end)
  }

  /** How many lines of `piece` in a row, from the one at `from` on, are of the form and begin before `stop`. */
  run(piece: Uint8Array, form: LineForm, { from, stop }: LinesFrom): number {
    const { kernel, input } = this
    if (form !== this.form) {
      const { head, tail, watched } = form
      kernel.bytes.set(head, this.head)
      kernel.bytes.set(tail, this.tail)
      kernel.calls.open(this.head, head.length, this.tail, tail.length, watched)
      this.form = form
    }
    kernel.room(input + piece.length + SLACK)
    kernel.hold(piece, input)
    const { length } = piece
    return kernel.calls.run(input + from, input + Math.min(stop, length), input + length)
  }

  /** Where the last run ended in the piece. */
  get end(): number {
    return this.kernel.calls.end.value - this.input
  }
}

interface LinesFrom {
  readonly from: number
  readonly stop: number
}
