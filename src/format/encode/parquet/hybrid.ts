import type { ByteBuffer } from '../byte-buffer.ts'
import { Kernel } from '../kernel/kernel.ts'

/** Numbers of more bits are none that anything here is counted by. */
export const WIDEST = 24

/** Bits that the numbers up to `most` need. */
export const widthFor = (most: number): number => 32 - Math.clz32(most)

interface Calls {
  writeBytes(numbers: number, count: number, width: number, out: number): number
  writeWords(numbers: number, count: number, width: number, out: number): number
  writeRun(number: number, times: number, width: number, out: number): number
}

/** Numbers in a group of a packed run, and what a run may need beside them, in bytes. */
const GROUP = 8
const RUN_BYTES = 10

/** One for a thread, which encodes one column after the other. */
let kernel: Kernel<Calls> | undefined

/**
 * Writes numbers of `width` bits as runs of one number and runs packed bit by bit (parquet-format, Encodings.md,
 * "Run Length Encoding / Bit-Packing Hybrid"), from `from` to `to`.
 */
export function writeHybrid(
  out: ByteBuffer,
  numbers: Uint8Array | Uint32Array,
  { from, to, width }: { readonly from: number; readonly to: number; readonly width: number },
): void {
  kernel ??= new Kernel<Calls>('hybrid.wasm')
  const count = to - from
  const space = kernel.space()
  const input = space.take(count * numbers.BYTES_PER_ELEMENT)
  const output = space.take((Math.ceil(count / GROUP) + 1) * (width + RUN_BYTES))
  kernel.room(space.end)
  const { calls } = kernel
  const some = numbers.subarray(from, to)
  const words = some instanceof Uint32Array
  if (words) kernel.words.set(some, input / numbers.BYTES_PER_ELEMENT)
  else kernel.bytes.set(some, input)
  const length = words
    ? calls.writeWords(input, count, width, output)
    : calls.writeBytes(input, count, width, output)
  out.room(length)
  out.copy(kernel.bytes, output, output + length)
}

/** Writes one number `times` times. */
export function writeRun(out: ByteBuffer, number: number, times: number, width: number): void {
  if (times === 0) return
  kernel ??= new Kernel<Calls>('hybrid.wasm')
  const space = kernel.space()
  const output = space.take(RUN_BYTES)
  kernel.room(space.end)
  out.room(RUN_BYTES)
  out.copy(kernel.bytes, output, output + kernel.calls.writeRun(number, times, width, output))
}
