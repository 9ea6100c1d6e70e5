import { streamLabel } from '../../core/destination/stream.ts'
import { ExchangeError } from '../../core/errors.ts'
import type { DataOfRecords, RouteLines } from '../../format/encode/encode.ts'
import { type NamedStream, receiveMessages } from '../send/messages.ts'
import type { OpenSource } from '../sync/sync-source.ts'
import { chooseStream, isNamed } from './choose-stream.ts'
import { openRecordFile } from './record-file.ts'

/** What came of a source. */
export interface ReceivedStream {
  /** The stream whose records were written; undefined where no message named one. */
  readonly stream: string | undefined
  readonly records: number
  /** Streams that are not delivered, with the records that came of them. */
  readonly others: readonly { readonly stream: string; readonly records: number }[]
  /** The source itself said that the stream is complete. */
  readonly confirmed: boolean
}

export interface ReceiveStreamOptions {
  /** The one that the source was asked for; without it the one that `wanted` names. */
  readonly stream?: NamedStream
  /** A name, or `namespace.name`; undefined: the only stream there is. */
  readonly wanted: string | undefined
  /** File to write. */
  readonly path: string
  readonly routeLines: RouteLines
  readonly dataOfRecords: DataOfRecords
  /** Records of the stream and bytes of messages so far. */
  readonly observe: (progress: { readonly records: number; readonly bytes: number }) => void
}

/**
 * Writes the records of one stream as JSON lines, every byte of their data as it came. States are passed over: what
 * is read is delivered whole. Throws what ended the source before its time (`source_failed`, `streams_incomplete`),
 * `record_invalid`, and `usage` where more or less than one stream fits what is wanted.
 */
export async function receiveStream(
  source: Pick<OpenSource, 'messages' | 'other' | 'ended'>,
  options: ReceiveStreamOptions,
): Promise<ReceivedStream> {
  const { wanted, routeLines } = options
  const asked = options.stream === undefined ? [] : [options.stream]
  const streams: NamedStream[] = [...asked]
  const counts = new Map<number, number>()
  const countOf = (stream: number) => counts.get(stream) ?? 0
  await using file = await openRecordFile(options.path, options.dataOfRecords)
  /** The first stream that fits: that no other one does is known at the end. */
  let written = asked.length - 1
  let bytes = 0
  let failure: string | undefined
  const completed = new Set<number>()
  let confirmed: ReadonlySet<number> = new Set()
  async function* messages() {
    for await (const piece of source.messages) {
      bytes += piece.byteLength
      yield piece
    }
  }
  const received = await receiveMessages(messages(), {
    streams: asked,
    found: (stream) => {
      streams.push(stream)
      if (written < 0 && isNamed(stream, wanted)) written = streams.length - 1
    },
    send: {
      records(stream, lines) {
        counts.set(stream, countOf(stream) + lines.records)
        if (stream === written) file.add(lines)
      },
      state: () => {},
      complete: (stream) => void completed.add(stream),
      async pressure() {
        await file.writeFull(streams[written])
        options.observe({ records: countOf(written), bytes })
      },
    },
    routeLines,
    other: (line, type) => source.other(line, type),
    ended: async (told) => {
      // Where a source never speaks of it, its end completes all streams.
      confirmed = new Set(completed)
      failure = await source.ended(told)
      return failure
    },
  })
  if (failure !== undefined) throw incomplete('source_failed', failure)
  const chosen = asked.length > 0 ? 0 : streams.length > 0 ? chooseStream(streams, wanted) : -1
  const stream = streams[chosen]
  if (stream === undefined) return { stream, records: 0, others: [], confirmed: false }
  if (received.incomplete !== undefined && !received.complete.includes(chosen))
    throw incomplete('streams_incomplete', received.incomplete)
  await file.writeRest(stream)
  return {
    stream: streamLabel(stream),
    records: countOf(chosen),
    others: streams
      .map((each, at) => ({ stream: streamLabel(each), records: countOf(at) }))
      .filter(({ records }, at) => at !== chosen && records > 0),
    confirmed: confirmed.has(chosen),
  }
}

const incomplete = (code: 'source_failed' | 'streams_incomplete', message: string): ExchangeError =>
  new ExchangeError(code, message, {
    hint: 'Nothing was delivered. Look at what the source wrote; then run it again: it is read from the beginning.',
  })
