import { Kernel, SLACK } from '../kernel/kernel.ts'
import { layShapes } from '../kernel/shape-table.ts'

/** Kinds of holes, by the number that kernel/assembly/columns.ts gives them. */
export const HOLE_KINDS = {
  /** Of no kind: only null may stand there. */
  null: 0,
  text: 1,
  long: 2,
  double: 3,
  boolean: 4,
  /** Days since 1970. */
  date: 5,
  /** Microseconds of the day. */
  time: 6,
  /** Microseconds since 1970, written with three digits of a second at most, … */
  timestamp_3: 7,
  /** … with six. */
  timestamp_6: 8,
  /** A whole number that is never null. */
  emitted: 9,
} as const
export type HoleKind = keyof typeof HOLE_KINDS

export interface Hole {
  readonly kind: HoleKind
  /** Into which leaf its value goes, by number. */
  readonly leaf: number
}

/** A line whose values are left open. */
export interface LineShape {
  readonly holes: readonly Hole[]
  /** What stands before each hole and behind the last one, a character for a byte. */
  readonly literals: readonly string[]
}

/** What lines may look like, and how many leaves their values go into. */
export interface LineProgram {
  readonly shapes: readonly LineShape[]
  readonly leaves: number
}

interface Calls {
  readonly end: WebAssembly.Global
  readonly long_decimals: WebAssembly.Global
  open(most: number, decimals: number, decimals_room: number): void
  run(
    from: number,
    to: number,
    shapes: number,
    shape_count: number,
    leaves: number,
    leaf_count: number,
    most: number,
  ): number
}

/** Rows of a run. */
const MOST_ROWS = 4096
/** Values of a leaf in a run, and of all leaves together, in bytes. */
const MOST_LEAF_BYTES = 64 << 10
const MOST_BYTES = 8 << 20
const LEAST_LEAF_BYTES = 1 << 10
export const MOST_LEAVES = MOST_BYTES / LEAST_LEAF_BYTES
const MOST_DECIMALS = 4096

const WORD = 4
const LEAF_WORDS = 4
const DECIMAL_WORDS = 4

/** Reads lines into columns. Its memory serves one program and one block after the other. */
export class LineKernel {
  private readonly kernel = new Kernel<Calls>('columns.wasm')
  private program: LineProgram | undefined
  /** Where things lie in its memory, in bytes. */
  private shapes = 0
  private leaves = 0
  private decimals = 0
  private input = 0

  /** What the runs go by from now on. */
  load(program: LineProgram): void {
    if (program === this.program) return
    this.program = program
    const leaf_bytes = Math.max(
      LEAST_LEAF_BYTES,
      Math.min(MOST_LEAF_BYTES, Math.floor(MOST_BYTES / program.leaves / SLACK) * SLACK),
    )
    const { kernel } = this
    const space = kernel.space()
    this.leaves = space.take(program.leaves * LEAF_WORDS * WORD)
    this.decimals = space.take(MOST_DECIMALS * DECIMAL_WORDS * WORD)
    const leaves_at = Array.from({ length: program.leaves }, () => ({
      values: space.take(leaf_bytes),
      present: space.take(MOST_ROWS),
    }))
    // The last word is the kernel's own.
    const holeOf = ({ kind, leaf }: Hole) => [
      HOLE_KINDS[kind],
      this.leaves + leaf * LEAF_WORDS * WORD,
      0,
    ]
    const shapes = program.shapes.map(({ literals, holes }) => ({
      literals,
      holes: holes.map(holeOf),
      rest: [],
    }))
    this.shapes = layShapes(kernel, space, shapes)
    this.input = space.end
    leaves_at.forEach(({ values, present }, leaf) => {
      kernel.words.set([values, leaf_bytes, 0, present], this.leaves / WORD + leaf * LEAF_WORDS)
    })
    kernel.calls.open(MOST_ROWS, this.decimals, MOST_DECIMALS)
  }

  /**
   * Reads lines of `block` that begin from `from` on and before `to`, until one is not as the program says, or there
   * is no more room: how many. The block is known to be UTF-8.
   */
  run(block: Uint8Array, from: number, to: number): number {
    const { program, input } = this
    if (program === undefined) throw new Error('a run without a program')
    this.kernel.hold(block, input)
    const rows = this.kernel.calls.run(
      input + from,
      input + to,
      this.shapes,
      program.shapes.length,
      this.leaves,
      program.leaves,
      MOST_ROWS,
    )
    this.readDecimals()
    return rows
  }

  /** Where the last run ended in the block. */
  get end(): number {
    return this.kernel.calls.end.value - this.input
  }

  /** What the last run gave a leaf, as `LeafColumn` keeps values. Valid until the next call. */
  values(leaf: number): Uint8Array {
    const { bytes, words } = this.kernel
    const at = this.leaves / WORD + leaf * LEAF_WORDS
    const start = words[at] as number
    return bytes.subarray(start, start + (words[at + 2] as number))
  }

  /** A byte for each row of the last run: 1 where the leaf has a value. Valid until the next call. */
  present(leaf: number, rows: number): Uint8Array {
    const { bytes, words } = this.kernel
    const start = words[this.leaves / WORD + leaf * LEAF_WORDS + 3] as number
    return bytes.subarray(start, start + rows)
  }

  /** Decimals with more digits than a double holds for certain. */
  private readDecimals(): void {
    const { bytes, words, calls } = this.kernel
    const count = calls.long_decimals.value
    for (let index = 0; index < count; index++) {
      const at = this.decimals / WORD + index * DECIMAL_WORDS
      const values = words[(words[at] as number) / WORD] as number
      const written = bytes.toString('latin1', words[at + 2], words[at + 3])
      bytes.writeDoubleLE(Number(written), values + (words[at + 1] as number))
    }
  }
}
