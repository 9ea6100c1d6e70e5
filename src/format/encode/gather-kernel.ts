import type { RoutedLine, RoutedRecords } from './encode.ts'
import { Kernel } from './kernel/kernel.ts'

interface Calls {
  readonly end: WebAssembly.Global
  open(slots: number, routes: number, groups: number, lines: number, most_lines: number): void
  learn(form: number): void
  gather(from: number, to: number, most: number, out: number): number
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
/** A longer piece holds few lines, and would leave the kernel with as much memory. */
export const MOST_PIECE_BYTES = 4 << 20

/** What lines can be, all together. */
const MOST_ROUTES = 1 << 12
/** Forms known at once, and bytes of all their heads and tails. */
const MOST_FORMS = 1 << 12
const TEXT_BYTES = 1 << 20
/** Lines gathered at once. */
const MOST_LINES = 1 << 14
/** As kernel/assembly/gather.ts has them. */
const FORM_WORDS = 7
const GROUP_WORDS = 4
const LINE_WORDS = 3
const SLOTS = 1 << 12
const WORD = 4
const LEFT_BRACE = 0x7b
/** That the kernel may read behind what it reads. */
const SLACK = 32

/** Puts lines together by what they are, told by their forms. Its memory serves one piece of input after the other. */
export class GatherKernel {
  private readonly kernel = new Kernel<Calls>('gather.wasm')
  /** What lines of known forms are, by the number that the kernel has of it. */
  private readonly numbered: RoutedLine[] = []
  private known = 0
  /** Where things lie in its memory, in bytes. */
  private readonly forms: number
  private readonly groups: number
  private readonly input: number
  private text: number
  private readonly text_end: number

  constructor() {
    const { kernel } = this
    const space = kernel.space()
    this.forms = space.take(MOST_FORMS * FORM_WORDS * WORD)
    const slots = space.take(SLOTS * WORD)
    const routes = space.take(MOST_ROUTES * WORD)
    this.groups = space.take(MOST_ROUTES * GROUP_WORDS * WORD)
    const lines = space.take(MOST_LINES * LINE_WORDS * WORD)
    this.text = space.take(TEXT_BYTES)
    this.text_end = this.text + TEXT_BYTES
    this.input = space.end
    kernel.room(this.input)
    kernel.calls.open(slots, routes, this.groups, lines, MOST_LINES)
  }

  /** Knows from now on that lines of a form are `route`, unless it has no room for more. */
  learn(route: RoutedLine, { head, tail, watched }: LineForm): void {
    const bytes = head.length + tail.length + 2 * SLACK
    if (this.known === MOST_FORMS || this.text + bytes > this.text_end) return
    const { numbered } = this
    const told = numbered.indexOf(route)
    if (told < 0 && numbered.length === MOST_ROUTES) return
    const number = told < 0 ? numbered.push(route) - 1 : told
    const { kernel } = this
    const head_at = this.text
    const tail_at = head_at + head.length + SLACK
    this.text += bytes
    kernel.bytes.set(head, head_at)
    kernel.bytes[head_at + head.length] = LEFT_BRACE
    kernel.bytes.set(tail, tail_at)
    const form = this.forms + this.known * FORM_WORDS * WORD
    kernel.words.set(
      [head_at, head.length, tail_at, tail.length, watched ? 1 : 0, 0, number],
      form / WORD,
    )
    kernel.calls.learn(form)
    this.known++
  }

  /**
   * Takes the whole lines of `piece` from `from` on, as long as their forms are known and no route has `most` bytes, and
   * puts those of one route together. Valid until the next call.
   */
  gather(piece: Uint8Array, from: number, most: number): RoutedRecords[] {
    const { kernel, input, groups, numbered } = this
    const out = input + piece.length + SLACK
    kernel.room(out + piece.length + SLACK)
    kernel.hold(piece, input)
    const count = kernel.calls.gather(input + from, input + piece.length, most, out)
    const { words, bytes } = kernel
    return Array.from({ length: count }, (_, index) => {
      const at = groups / WORD + index * GROUP_WORDS
      const start = words[at + 3] as number
      return {
        route: numbered[words[at] as number] as RoutedLine,
        records: words[at + 1] as number,
        source: bytes,
        from: start,
        to: start + (words[at + 2] as number),
      }
    })
  }

  /** Where the lines end that were gathered last. */
  get end(): number {
    return this.kernel.calls.end.value - this.input
  }
}
