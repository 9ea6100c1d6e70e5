import type { Kernel, Space } from './kernel.ts'

/** A line whose values are left open, as a kernel reads it. */
export interface KernelShape {
  /** What stands before each hole and behind the last one, a character for a byte. */
  readonly literals: readonly string[]
  /** For each hole what the kernel's entry of it holds behind its literal, 32 bits each. */
  readonly holes: readonly (readonly number[])[]
  /** Likewise for the shape. */
  readonly rest: readonly number[]
}

const WORD = 4

/**
 * Lays shapes out in a kernel's memory and returns where their table is. An entry of it is: the table of the holes, their
 * number, the last literal and its bytes, the rest; an entry of a hole is its literal and its bytes, and the rest.
 */
export function layShapes(
  kernel: Pick<Kernel<unknown>, 'room' | 'bytes' | 'words'>,
  space: Space,
  shapes: readonly KernelShape[],
): number {
  const tables = shapes.map(({ literals, holes }) => ({
    holes_at: space.take(holes.reduce((sum, rest) => sum + (2 + rest.length) * WORD, 0)),
    literals_at: literals.map((literal) => space.take(literal.length)),
  }))
  const table = space.take(shapes.reduce((sum, { rest }) => sum + (4 + rest.length) * WORD, 0))
  kernel.room(space.end)
  let entry = table / WORD
  const put = (at: number, numbers: readonly number[]): number => {
    kernel.words.set(numbers, at)
    return at + numbers.length
  }
  for (const [index, { literals, holes, rest }] of shapes.entries()) {
    const { holes_at, literals_at } = tables[index] as (typeof tables)[number]
    let hole = holes_at / WORD
    for (const [number, literal] of literals.entries()) {
      const at = literals_at[number] as number
      kernel.bytes.write(literal, at, 'latin1')
      const of_hole = holes[number]
      if (of_hole !== undefined) hole = put(hole, [at, literal.length, ...of_hole])
      else entry = put(entry, [holes_at, holes.length, at, literal.length, ...rest])
    }
  }
  return table
}
