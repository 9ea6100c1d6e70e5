import { ShapeRuns } from '../kernel/shape-runs.ts'
import type { PlainColumn, PlainField } from '../plain-rows.ts'
import type { RecordReader } from '../record-reader.ts'
import type { Shape } from '../record-shapes.ts'
import type { LeafColumn } from './leaf-column.ts'
import {
  type HoleKind,
  LineKernel,
  type LineProgram,
  type LineShape,
  MOST_LEAVES,
} from './line-kernel.ts'

/** A column, and what of a line goes into it. */
export interface RunColumn {
  readonly leaves: readonly LeafColumn[]
  /** What is written of each record: its time, that there is a row, a field, or something else that the line does not tell. */
  readonly from: 'emitted' | 'row_id' | PlainField | PlainColumn['otherwise']
}

/** One for a thread, which encodes one block after the other. */
let kernel: LineKernel | undefined

/**
 * Takes runs of lines that have known shapes and plain values (see `PlainRows`) straight from the block into the
 * leaves. What a run cannot take ends it, and is read by other means.
 */
export class LineRuns {
  private readonly columns: readonly RunColumn[]
  /** Columns whose values lines tell, by the names of fields; and that of the time. */
  private readonly told = new Map<string, { readonly leaf: number; readonly kind: HoleKind }>()
  private emitted = -1
  private told_leaves = 0
  private readonly numbers: readonly number[]
  private readonly runs = new ShapeRuns((known) => this.programOf(known))

  constructor(columns: readonly RunColumn[]) {
    this.columns = columns
    this.numbers = columns.map(({ from }) => {
      if (typeof from === 'function' || from === 'row_id') return -1
      const leaf = this.told_leaves++
      if (from === 'emitted') this.emitted = leaf
      else this.told.set(from.key, { leaf, kind: holeKind(from) })
      return leaf
    })
  }

  /** Takes records that begin within the next `bytes` of the block: how many. */
  take(reader: RecordReader, bytes: number, now: number): number {
    const program = this.runs.next(reader)
    if (program === undefined) return 0
    kernel ??= new LineKernel()
    kernel.load(program)
    const { at } = reader
    const rows = kernel.run(reader.bytes, at, Math.min(at + bytes, reader.bytes.length))
    if (rows > 0) {
      this.add(kernel, rows, reader, now)
      reader.pass(kernel.end, rows)
    }
    this.runs.took(rows, reader)
    return rows
  }

  private add(kernel: LineKernel, rows: number, reader: RecordReader, now: number): void {
    for (const [index, { from, leaves }] of this.columns.entries()) {
      if (typeof from === 'function') {
        for (let row = 0; row < rows; row++) from(reader, now)
        continue
      }
      if (from === 'row_id') {
        for (const leaf of leaves) leaf.rows(rows)
        continue
      }
      const leaf = this.numbers[index] as number
      const present = kernel.present(leaf, rows)
      const [first, ...others] = leaves
      first?.append(kernel.values(leaf), present)
      // v1 has text beside each time: its group is there where the time is. Nothing else has two leaves and a kind.
      for (const other of others) other.appendNone(present)
    }
  }

  /** Undefined where none of the shapes is of use. */
  private programOf(known: readonly Shape[]): LineProgram | undefined {
    const shapes = known.flatMap((shape) => this.lineShape(shape) ?? [])
    const usable = shapes.length > 0 && this.told_leaves <= MOST_LEAVES
    return usable ? { shapes, leaves: this.told_leaves } : undefined
  }

  /** Undefined where it holds more than scalars that have a column each. */
  private lineShape({
    literals,
    emitted_hole,
    changes_start,
    gaps,
    names,
    starts,
    ends,
  }: Shape): LineShape | undefined {
    const scalars = names.every(
      (_, field) =>
        starts[field]?.hole === field - 1 &&
        starts[field]?.offset === gaps[field] &&
        ends[field]?.hole === field &&
        ends[field]?.offset === 0,
    )
    if (!scalars || gaps.length !== names.length || new Set(names).size !== names.length)
      return undefined
    // What a source says it changed goes into the built-in columns.
    if (changes_start !== 0) return undefined
    const holes = names.map((name) => this.told.get(name))
    if (!holes.every((hole) => hole !== undefined)) return undefined
    return {
      literals,
      holes: holes.toSpliced(emitted_hole, 0, { leaf: this.emitted, kind: 'emitted' }),
    }
  }
}

function holeKind({ kind, fraction_digits }: PlainField): HoleKind {
  switch (kind) {
    case 'string':
    case 'any_text':
      return 'text'
    case 'long':
    case 'double':
    case 'boolean':
    case 'date':
      return kind
    case 'time_tz':
    case 'time_ntz':
      return 'time'
    case 'timestamp_tz':
    case 'timestamp_ntz':
      return fraction_digits === 3 ? 'timestamp_3' : 'timestamp_6'
    default:
      return 'null'
  }
}
