import { streamLabel } from '../../core/destination/stream.ts'
import { ExchangeError } from '../../core/errors.ts'
import { nearest } from '../../core/nearest.ts'
import type { NamedStream } from '../send/messages.ts'

/** Whether a stream has this name, alone or as `namespace.name`; without one each stream is meant. */
export const isNamed = (stream: NamedStream, wanted: string | undefined): boolean =>
  wanted === undefined || stream.name === wanted || streamLabel(stream) === wanted

/**
 * The place of the stream that is to be delivered: the one of that name, or without a name the only one.
 * Throws `usage` where there is none, or more than one.
 */
export function chooseStream(streams: readonly NamedStream[], wanted: string | undefined): number {
  const chosen = [...streams.keys()].filter((at) => isNamed(streams[at] as NamedStream, wanted))
  const [first] = chosen
  if (first !== undefined && chosen.length === 1) return first
  const labels = streams.map(streamLabel)
  if (wanted !== undefined && first === undefined) {
    const meant = nearest(wanted, labels)
    throw new ExchangeError('usage', `The source has no stream ${wanted}.`, {
      hint:
        meant === undefined
          ? `It has ${labels.join(', ') || 'none'}.`
          : `Did you mean ${meant}? It has ${labels.join(', ')}.`,
    })
  }
  const named = chosen.map((at) => labels[at]).join(', ')
  throw new ExchangeError(
    'usage',
    wanted === undefined
      ? `The source has ${chosen.length} streams, and one is delivered.`
      : `${chosen.length} streams of the source are called ${wanted}.`,
    { hint: `Name one with --stream: ${named}.` },
  )
}
