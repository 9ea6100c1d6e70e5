import { type Stream, streamLabel } from '../../core/destination/stream.ts'
import { ExchangeError } from '../../core/errors.ts'
import type { RoutedLine, RouteLines } from '../../format/encode/encode.ts'
import type { Send } from './send.ts'

/** A line longer than this is refused, in bytes. */
const LONGEST_LINE = 256 << 20
const LINE_FEED = 0x0a
const OPENING_BRACE = 0x7b
/** Records that go together, in bytes: less than what a block has room for beyond its size. */
const MOST_TOGETHER = 32 << 10

/** What the source said of its streams by the end of its output. */
export interface Received {
  /** Streams the source said are complete; all where it never speaks of that. */
  readonly complete: readonly number[]
  /** Why the others are not, or how the source ended badly: undefined where all is well. */
  readonly incomplete: string | undefined
}

/** Where records and states go. */
export type Receiving = Pick<Send, 'records' | 'state' | 'complete' | 'pressure'>

/** A stream as messages name it. */
export type NamedStream = Pick<Stream, 'name' | 'namespace' | 'generation_id'>

export interface ReceiveOptions {
  readonly send: Receiving
  readonly streams: readonly NamedStream[]
  /** Told of a stream that `streams` does not have, which is then the next of them; without it `stream_unknown`. */
  readonly found?: (stream: NamedStream) => void
  readonly routeLines: RouteLines
  /** Other messages (LOG, CONTROL, …), and lines that are none. */
  readonly other?: (line: string, type: string | undefined) => void
  /** Streams whose own states make nothing durable: they are begun anew when a sync is repeated. */
  readonly stateless?: ReadonlySet<number>
  /**
   * Asked at the end, perhaps twice: why the source ended badly. Streams it did not call complete are not, then,
   * and half a line at the end is passed over. `told`: whether it spoke of any stream's status.
   */
  readonly ended?: (told: boolean) => Promise<string | undefined>
}

/**
 * Takes a source's output, one Airbyte message a line, and hands records and states to the sync. Streams
 * that the source says are complete are completed on the way. Throws `record_invalid`, `stream_unknown`.
 */
export async function receiveMessages(
  input: AsyncIterable<Uint8Array>,
  options: ReceiveOptions,
): Promise<Received> {
  const receiver = new Receiver(options)
  /** Pieces of a line that has no end yet. */
  let rest: Buffer[] = []
  let rest_bytes = 0
  const keep = (piece: Buffer) => {
    // A copy: who gives the pieces may use their memory again.
    rest.push(Buffer.from(piece))
    rest_bytes += piece.length
    if (rest_bytes > LONGEST_LINE) {
      throw new ExchangeError(
        'record_invalid',
        `A message is longer than ${LONGEST_LINE >> 20} MB.`,
      )
    }
  }
  for await (const piece of input) {
    let chunk = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    const end = rest.length === 0 ? -1 : chunk.indexOf(LINE_FEED)
    if (rest.length > 0 && end < 0) keep(chunk)
    else {
      if (rest.length > 0) {
        // Only the line that was cut is put together again, not the whole piece.
        keep(chunk.subarray(0, end + 1))
        receiver.lines(Buffer.concat(rest))
        rest = []
        rest_bytes = 0
        chunk = chunk.subarray(end + 1)
      }
      const taken = receiver.lines(chunk)
      if (taken < chunk.length) keep(chunk.subarray(taken))
    }
    await options.send.pressure()
  }
  const ended = async () => await options.ended?.(receiver.told)
  if (rest.length > 0 && !(await isTorn(Buffer.concat(rest), ended)))
    receiver.lines(Buffer.concat([...rest, Buffer.of(LINE_FEED)]))
  return receiver.end(await ended())
}

/** Whether the source died within its last line: why it died says more than how the line ends. */
async function isTorn(line: Buffer, ended: () => Promise<string | undefined>): Promise<boolean> {
  if (line[0] !== OPENING_BRACE || (await ended()) === undefined) return false
  try {
    JSON.parse(line.toString())
    return false
  } catch {
    return true
  }
}

class Receiver {
  private readonly options: ReceiveOptions
  private readonly streams: NamedStream[]
  private readonly indices: Map<string, number>
  private readonly routed = new Map<RoutedLine, number>()
  private readonly statuses = new Map<number, string>()

  constructor(options: ReceiveOptions) {
    this.options = options
    this.streams = [...options.streams]
    this.indices = new Map(options.streams.map((stream, index) => [nameOf(stream), index]))
  }

  /** Takes the whole lines of a piece; gives where the first that is not whole begins. */
  lines(chunk: Buffer): number {
    const { send } = this.options
    const router = this.options.routeLines(chunk)
    for (let start = 0; ; ) {
      for (const lines of router.gather(start, MOST_TOGETHER))
        send.records(this.streamOf(lines.route), lines)
      start = router.end
      // What ended them is a line of another kind.
      const end = chunk.indexOf(LINE_FEED, start)
      if (end < 0) return start
      const line = router.route(start, end)
      if (line?.type === 'RECORD')
        send.records(this.streamOf(line), { source: chunk, from: start, to: end + 1, records: 1 })
      else this.message(line?.type, chunk, start, end)
      start = end + 1
    }
  }

  /** Whether the source spoke of any stream's status. */
  get told(): boolean {
    return this.statuses.size > 0
  }

  end(failure: string | undefined): Received {
    const { send } = this.options
    const { streams } = this
    // A source that never speaks of it, and a platform that counts no generations: the end is the end.
    const speaks =
      failure !== undefined ||
      this.told ||
      streams.some(({ generation_id }) => generation_id !== undefined)
    if (!speaks) for (const index of streams.keys()) send.complete(index)
    const missing = [...streams.keys()].filter(
      (at) => speaks && this.statuses.get(at) !== 'COMPLETE',
    )
    return {
      complete: [...streams.keys()].filter((index) => !missing.includes(index)),
      incomplete: failure ?? (missing.length === 0 ? undefined : this.incomplete(missing)),
    }
  }

  private incomplete(missing: readonly number[]): string {
    const names = (indices: readonly number[]) =>
      indices.map((index) => streamLabel(this.streams[index] as NamedStream)).join(', ')
    const said = missing.filter((index) => this.statuses.get(index) === 'INCOMPLETE')
    return said.length > 0
      ? `Some streams were indicated as incomplete by upstream: ${names(said)}.`
      : `Input was fully read, but some streams did not receive a terminal stream status message: ${names(missing)}.`
  }

  private message(type: string | undefined, chunk: Buffer, start: number, end: number): void {
    const text = chunk.toString('utf8', start, end).trim()
    if (text === '') return
    if (type === 'STATE') this.state(text)
    else if (type === 'TRACE') this.trace(text)
    else if (type === undefined && chunk[start] === OPENING_BRACE) {
      throw new ExchangeError(
        'record_invalid',
        `A line is no Airbyte message: ${text.slice(0, 200)}`,
      )
    } else this.options.other?.(text, type)
  }

  private state(text: string): void {
    const { state } = JSON.parse(text) as { readonly state?: StateMessage }
    if (state === undefined)
      throw new ExchangeError('record_invalid', 'A STATE message holds no state.')
    const descriptor = state.type === 'STREAM' ? state.stream?.stream_descriptor : undefined
    if (state.type === 'STREAM' && descriptor === undefined) {
      throw new ExchangeError('record_invalid', 'A state of a stream does not say which.')
    }
    const index = descriptor === undefined ? undefined : this.indexOf(descriptor)
    if (index !== undefined && this.options.stateless?.has(index)) return
    this.options.send.state(text, index)
  }

  private trace(text: string): void {
    const { trace } = JSON.parse(text) as { readonly trace?: TraceMessage }
    const status = trace?.type === 'STREAM_STATUS' ? trace.stream_status : undefined
    if (status === undefined) {
      this.options.other?.(text, 'TRACE')
      return
    }
    const index = this.indexOf(status.stream_descriptor)
    this.statuses.set(index, status.status)
    if (status.status === 'COMPLETE') this.options.send.complete(index)
  }

  private streamOf(line: RoutedLine): number {
    const known = this.routed.get(line)
    if (known !== undefined) return known
    const { stream, namespace } = line
    if (stream === undefined) throw new ExchangeError('record_invalid', 'A RECORD names no stream.')
    const index = this.indexOf({
      name: stream,
      ...(namespace === undefined ? {} : { namespace }),
    })
    this.routed.set(line, index)
    return index
  }

  private indexOf(descriptor: Descriptor): number {
    const index = this.indices.get(nameOf(descriptor))
    if (index !== undefined) return index
    if (this.options.found !== undefined) return this.find(descriptor, this.options.found)
    throw new ExchangeError(
      'stream_unknown',
      `Message contained record from a stream that was not in the catalog: ${descriptor.name}.`,
      { hint: `The catalog has ${this.options.streams.map(streamLabel).join(', ')}.` },
    )
  }

  private find({ name, namespace }: Descriptor, found: (stream: NamedStream) => void): number {
    const stream = typeof namespace === 'string' ? { name, namespace } : { name }
    found(stream)
    this.indices.set(nameOf(stream), this.streams.length)
    return this.streams.push(stream) - 1
  }
}

interface Descriptor {
  readonly name: string
  readonly namespace?: string | null
}
interface StateMessage {
  readonly type?: 'STREAM' | 'GLOBAL' | 'LEGACY'
  readonly stream?: { readonly stream_descriptor: Descriptor }
}
interface TraceMessage {
  readonly type?: string
  readonly stream_status?: { readonly stream_descriptor: Descriptor; readonly status: string }
}

/** An absent namespace and a null one are the same. */
const nameOf = ({ name, namespace }: Descriptor): string =>
  JSON.stringify([namespace ?? null, name])
