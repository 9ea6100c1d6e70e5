import type { BadValue } from '../../core/records/bad-value.ts'
import type {
  EncodedBlock,
  Encoder,
  Encoding,
  FinishedPart,
  OpenPart,
  Part,
  PartMark,
  Segment,
} from '../../format/encode/encode.ts'
import type { GrowingPart, SendingAhead } from './send-ahead.ts'

/** What a block begins with, in bytes. */
const FIRST_BLOCK_BYTES = 64 << 10
/** A block is made this much greater, for the lines that fill it. */
const LAST_LINES_BYTES = 64 << 10
/** A part without a state in it is closed at this many times the size it should have. */
const PATIENCE = 1.25

/** Whole lines in a row, one record each: `source` from `from` to `to`, which is behind the last line feed. */
export interface Lines {
  readonly source: Uint8Array
  readonly from: number
  readonly to: number
  readonly records: number
}

export interface Rollover {
  /** Bytes of a part. */
  readonly max_part_bytes: number
  readonly max_part_rows?: number
}

/** A part that is whole and on local disk. */
export interface ClosedPart extends FinishedPart {
  readonly partition: readonly string[]
  readonly ahead: SendingAhead | undefined
  /** The records of the stream among which its own are: from this one, counted from 0, … */
  readonly from: number
  /** … to the one before this. */
  readonly upto: number
}

interface OpenPartState {
  readonly part: Part
  readonly partition: readonly string[]
  /** Where it stood when the stream's last cut was appended. */
  covered: PartMark
  readonly from: number
  /** Milliseconds since the epoch. */
  readonly opened_at: number
  ahead: SendingAhead | undefined
}

/**
 * One stream's records on their way into parts. A *cut* is a place between two records up to which a state
 * speaks: what lies behind the last cut can be taken off again when a sync fails.
 */
export class StreamWriter {
  /** Records taken so far. */
  taken = 0
  bad_values = 0
  readonly examples: BadValue[] = []
  private block: Buffer<ArrayBuffer> | undefined
  private length = 0
  private records = 0
  /** In the block: bytes and records before the last cut. */
  private cut_bytes = 0
  private cut_records = 0
  /** Records of the stream before the last cut that was appended. */
  private appended_cut = 0
  private appended = 0
  private readonly open = new Map<string, OpenPartState>()
  private turn: Promise<void> = Promise.resolve()
  private failure: { readonly error: unknown } | undefined
  private parts_begun = 0
  /** How large a block has become: the next one will, too. */
  private usual_bytes = FIRST_BLOCK_BYTES
  private in_flight = 0
  /** Rows of a part at most, and how many were sent since one was full. */
  private readonly most_rows: number
  private sent_rows = 0
  private readonly encoding: Encoding
  private readonly io: StreamWriterOptions

  constructor(encoding: Encoding, io: StreamWriterOptions) {
    this.encoding = encoding
    this.io = io
    this.most_rows = io.rollover.max_part_rows ?? Infinity
  }

  private get full_bytes(): number {
    return this.io.block_bytes + LAST_LINES_BYTES
  }

  /** Bytes that wait in memory to be encoded. */
  get waiting_bytes(): number {
    return this.block?.length ?? 0
  }

  get open_parts(): number {
    return this.open.size
  }

  /** All records before this one stand in closed parts. */
  get closed_upto(): number {
    return this.open.values().reduce((least, { from }) => Math.min(least, from), this.appended)
  }

  /** The last cut that was appended. */
  get last_cut(): number {
    return this.appended_cut
  }

  /** Bytes on local disk of parts that are not closed. */
  get open_bytes(): number {
    return this.open.values().reduce((sum, { part }) => sum + part.disk_bytes, 0)
  }

  get oldest_part(): number {
    return this.open
      .values()
      .reduce((oldest, { opened_at }) => Math.min(oldest, opened_at), Infinity)
  }

  take({ source, from, to, records }: Lines): void {
    let start = from
    for (let left = records; left > 0; ) {
      // A block goes into one part, so blocks end where the rows of a part do.
      const room = this.most_rows - this.sent_rows - this.records
      const some = Math.min(left, room)
      const end = some === left ? to : endOfLines(source, start, some)
      this.add(source.subarray(start, end), some)
      if (this.length >= this.io.block_bytes) this.send()
      while (this.records > 0 && this.sent_rows + this.records >= this.most_rows) this.send()
      start = end
      left -= some
    }
  }

  private add(lines: Uint8Array, records: number): void {
    this.roomFor(lines.length).set(lines, this.length)
    this.length += lines.length
    this.records += records
    this.taken += records
  }

  /** All records taken so far are covered by a state. */
  cut(): void {
    this.cut_bytes = this.length
    this.cut_records = this.records
    if (this.length === 0) this.queue(async () => this.cover())
  }

  /** Hands what waits to the encoder, as far as the last cut goes where there is one in it. */
  send(): void {
    const { block, length, records, cut_bytes, cut_records } = this
    if (block === undefined || length === 0) return
    const whole = cut_bytes === 0 || cut_bytes === length
    const rows = this.sent_rows + (whole ? records : cut_records)
    this.sent_rows = rows >= this.most_rows ? 0 : rows
    const rest = whole ? undefined : new Uint8Array(block.subarray(cut_bytes, length))
    this.block = undefined
    this.length = 0
    this.records = 0
    this.cut_bytes = 0
    this.cut_records = 0
    this.encode(block, whole ? length : cut_bytes, whole ? records : cut_records, cut_bytes > 0)
    if (rest !== undefined) {
      this.roomFor(rest.length).set(rest, 0)
      this.length = rest.length
      this.records = records - cut_records
    }
  }

  /** Sends what waits before the last cut, and forgets the rest. */
  sendCovered(): void {
    if (this.cut_bytes > 0) this.send()
    this.io.memory(-(this.block?.length ?? 0))
    this.block = undefined
    this.length = 0
  }

  /** Whether blocks are on their way. */
  get sending(): boolean {
    return this.in_flight > 0
  }

  /** Throws what has gone wrong. */
  throwFailure(): void {
    if (this.failure !== undefined) throw this.failure.error
  }

  /** Resolves when all that was sent stands in parts. Throws what went wrong meanwhile. */
  async settled(): Promise<void> {
    await this.turn
    this.throwFailure()
  }

  /** Closes every open part once all that was sent before stands in them. */
  closeAll(): Promise<void> {
    return this.queued(async () => {
      for (const [name, state] of this.open) await this.close(name, state)
    })
  }

  /** As `closeAll`, with everything behind the last cut taken off: it is lost to this sync. */
  closeCovered(): Promise<void> {
    return this.queued(async () => {
      this.appended = Math.min(this.appended, this.appended_cut)
      for (const [name, state] of this.open) {
        if (state.part.records > state.covered.records) {
          await giveUp(state)
          await state.part.cut(state.covered)
        }
        if (state.part.records > 0) await this.close(name, state)
        else {
          this.open.delete(name)
          await state.part.discard()
        }
      }
    })
  }

  /** Removes what is open; used when a sync has failed. */
  async discard(): Promise<void> {
    await this.turn.catch(() => {})
    for (const state of this.open.values()) {
      await giveUp(state)
      await state.part.discard()
    }
    this.open.clear()
  }

  private roomFor(size: number): Buffer<ArrayBuffer> {
    const { block, length } = this
    const needed = length + size
    if (block !== undefined && block.length >= needed) return block
    const grown = Math.max(block === undefined ? this.usual_bytes : block.length * 2, needed)
    // Not filled with zeros, and with a memory of its own, as it is given away.
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(grown, this.full_bytes)))
    if (block !== undefined) larger.set(block.subarray(0, length))
    this.io.memory(larger.length - (block?.length ?? 0))
    this.block = larger
    return larger
  }

  private encode(block: Buffer<ArrayBuffer>, length: number, records: number, cut: boolean): void {
    const memory = block.length
    this.usual_bytes = Math.min(memory, this.full_bytes)
    this.in_flight++
    const encoded = this.io.encoder.encode(
      { bytes: new Uint8Array(block.buffer, 0, length), records },
      this.encoding,
    )
    // Failures are seen where the segments are appended.
    encoded.catch(() => {})
    this.queued(async () => {
      await this.append(await encoded, records)
      if (cut) this.cover()
      await this.rollOver(cut)
    })
      .catch(() => {})
      .finally(() => {
        this.in_flight--
        this.io.memory(-memory)
      })
  }

  private async append(encoded: EncodedBlock, records: number): Promise<void> {
    this.bad_values += encoded.bad_values
    const room = MAX_EXAMPLES - this.examples.length
    if (room > 0) this.examples.push(...encoded.examples.slice(0, room))
    for (const segment of encoded.segments) {
      const state = await this.partFor(segment)
      const { part, partition } = state
      await part.append(segment)
      state.ahead ??= this.io.sendAhead?.(part, partition)
      state.ahead?.grow(part.settled_bytes)
      // Given back at once: the collector does not see how much memory lies behind it.
      const { buffer } = segment.bytes
      if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0)
    }
    this.appended += records
  }

  private async partFor({ partition }: Segment): Promise<OpenPartState> {
    const name = JSON.stringify(partition)
    const existing = this.open.get(name)
    if (existing !== undefined) return existing
    const part = await this.io.openPart(this.encoding, this.io.partPath(this.parts_begun++))
    const state = {
      part,
      partition,
      covered: part.mark(),
      from: this.appended,
      opened_at: Date.now(),
      ahead: undefined,
    }
    this.open.set(name, state)
    return state
  }

  private cover(): void {
    for (const state of this.open.values()) state.covered = state.part.mark()
    this.appended_cut = this.appended
  }

  /** Parts end at a cut; one that has none ends anyway, somewhat larger. */
  private async rollOver(at_cut: boolean): Promise<void> {
    const { max_part_bytes, max_part_rows = Infinity } = this.io.rollover
    for (const [name, state] of this.open) {
      const { bytes, records } = state.part
      const full = bytes >= max_part_bytes || records >= max_part_rows
      const overdue = bytes >= max_part_bytes * PATIENCE || records >= max_part_rows
      if (full && (at_cut || overdue)) await this.close(name, state)
    }
  }

  private async close(name: string, state: OpenPartState): Promise<void> {
    const finished = await state.part.finish()
    this.open.delete(name)
    const { partition, from, ahead } = state
    this.io.closed({ ...finished, partition, from, upto: this.appended, ahead })
  }

  private queue(work: () => Promise<void>): void {
    this.queued(work).catch(() => {})
  }

  private queued(work: () => Promise<void>): Promise<void> {
    const next = this.turn.then(async () => {
      if (this.failure !== undefined) throw this.failure.error
      await work()
    })
    this.turn = next.catch((error: unknown) => {
      this.failure ??= { error }
    })
    return next
  }
}

/** Stops sending a part before it is whole. */
async function giveUp(state: OpenPartState): Promise<void> {
  await state.ahead?.abandon()
  state.ahead = undefined
}

const LINE_FEED = 0x0a

/** Where the first `lines` lines from `start` on end. */
function endOfLines(source: Uint8Array, start: number, lines: number): number {
  let end = start
  for (let line = 0; line < lines; line++) end = source.indexOf(LINE_FEED, end) + 1
  return end
}

const MAX_EXAMPLES = 100

export interface StreamWriterOptions {
  readonly encoder: Encoder
  readonly openPart: OpenPart
  readonly rollover: Rollover
  /** A block is encoded when it holds this many bytes. */
  readonly block_bytes: number
  /** Path of the n-th part's file, without what the format adds. */
  partPath(n: number): string
  /** Bytes of memory taken (positive) or given back (negative). */
  memory(change: number): void
  /** Begins to send a part that has grown; undefined where that has to wait until it is whole, or longer. */
  sendAhead?(part: GrowingPart, partition: readonly string[]): SendingAhead | undefined
  /** A part is whole; called in the order of the stream's records. */
  closed(part: ClosedPart): void
}
