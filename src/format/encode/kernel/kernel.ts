import { readFileSync } from 'node:fs'

/** Bytes of memory that a kernel may read beyond the end of what it reads. */
export const SLACK = 16
const PAGE = 1 << 16

/** What every kernel gives beside its own functions. */
interface KernelExports {
  readonly memory: WebAssembly.Memory
  /** Where memory begins that the kernel does not use itself. */
  readonly heap: WebAssembly.Global
}

/**
 * A module of WebAssembly, compiled from `assembly/`, and its memory. One for a thread: JavaScript cannot use the
 * machine's wide registers, and is slow until it has been compiled, anew in each thread.
 */
export class Kernel<Calls> {
  readonly calls: Calls & KernelExports
  /** The whole memory, as bytes and as numbers of 32 bits. Others after `room`. */
  bytes: Buffer<ArrayBuffer>
  words: Uint32Array<ArrayBuffer>
  private held: Uint8Array | undefined

  /** `name`: that of the file beside this one. */
  constructor(name: string) {
    const module = new WebAssembly.Module(readFileSync(new URL(name, import.meta.url)))
    this.calls = new WebAssembly.Instance(module).exports as Calls & KernelExports
    this.bytes = Buffer.from(this.calls.memory.buffer)
    this.words = new Uint32Array(this.calls.memory.buffer)
  }

  /** Makes sure that `block` lies at `at`, as it does where it was there before. */
  hold(block: Uint8Array, at: number): void {
    if (block === this.held) return
    this.room(at + block.length + SLACK)
    this.bytes.set(block, at)
    this.held = block
  }

  /** Hands out its memory from the beginning; what was there is gone. */
  space(): Space {
    this.held = undefined
    return new Space(this.calls.heap.value)
  }

  /** Makes sure that so many bytes are there. */
  room(bytes: number): void {
    const { memory } = this.calls
    const lacking = bytes - memory.buffer.byteLength
    if (lacking <= 0) return
    memory.grow(Math.ceil(lacking / PAGE))
    this.bytes = Buffer.from(memory.buffer)
    this.words = new Uint32Array(memory.buffer)
  }
}

/** Memory of a kernel that is handed out. */
export class Space {
  /** Where the next is. */
  end: number

  constructor(from: number) {
    this.end = Math.ceil(from / SLACK) * SLACK
  }

  /** Where there are `bytes`, and `SLACK` behind them. */
  take(bytes: number): number {
    const at = this.end
    this.end = (Math.ceil(bytes / SLACK) + 1) * SLACK + at
    return at
  }
}
