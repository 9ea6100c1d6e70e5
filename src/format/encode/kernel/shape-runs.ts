import type { RecordReader } from '../record-reader.ts'
import type { Shape } from '../record-shapes.ts'

/** A run of fewer records costs more than it saves. */
const WORTH = 8
/** After such runs so many records at most are read by other means before the next is tried. */
const MOST_PATIENCE = 64

/**
 * When a run of lines is to be tried, and with what: a program made of the shapes that the reader knows by now.
 * Lines with unusual values make short runs.
 */
export class ShapeRuns<Program> {
  private program: Program | undefined
  private learned = -1
  private patience = 1
  private waiting = 0
  private readonly compile: (shapes: readonly Shape[]) => Program | undefined

  constructor(compile: (shapes: readonly Shape[]) => Program | undefined) {
    this.compile = compile
  }

  /** Undefined where the next record is to be read by other means. */
  next(reader: RecordReader): Program | undefined {
    const { shapes } = reader
    if (shapes === undefined || isAtEnd(reader)) return undefined
    if (this.waiting > 0) {
      this.waiting--
      return undefined
    }
    if (shapes.learned !== this.learned) {
      this.learned = shapes.learned
      this.program = this.compile(shapes.known)
    }
    return this.program
  }

  /** How many records the run was that `next` gave the program for; the reader has gone past them. */
  took(records: number, reader: RecordReader): void {
    if (records >= WORTH || isAtEnd(reader)) {
      this.patience = 1
      return
    }
    this.waiting = this.patience
    this.patience = Math.min(this.patience * 2, MOST_PATIENCE)
  }
}

/** Whether no record is left in the block. */
const isAtEnd = ({ at, bytes }: RecordReader): boolean => at === bytes.length
