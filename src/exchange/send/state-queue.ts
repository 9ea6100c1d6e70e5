/**
 * What waits for records to become durable, in the order it came: states of the source, and the ends of
 * streams, which count as states that nobody is told of.
 */
export interface QueuedState {
  /** The message as it came; undefined for the end of a stream. */
  readonly raw?: string
  /** The stream it speaks of; undefined where it speaks of all. */
  readonly stream?: number
  /** Records between it and the state before it that speaks of the same. */
  readonly records: number
  /** Records before it: of its stream, or of each stream. */
  readonly before: number | Float64Array
}

/** Records of a stream that lie before a state; undefined where the state does not speak of the stream. */
export function recordsBefore(state: QueuedState, stream: number): number | undefined {
  if (typeof state.before !== 'number') return state.before[stream]
  return state.stream === stream ? state.before : undefined
}

/**
 * Takes what can be given back now: up to the last state of each scope that `isDurable`, everything before it
 * with it. Order is kept as the protocol asks: among the states of a stream, and among those of all streams.
 * Behind a state of all streams that still waits nothing is taken, as what it speaks of would be cut in two.
 */
export function takeDurable(
  queue: QueuedState[],
  isDurable: (state: QueuedState) => boolean,
): QueuedState[] {
  const all = queue.findLastIndex((state) => state.stream === undefined && isDurable(state))
  const waits = queue.findIndex((state, at) => at > all && state.stream === undefined)
  const end = waits < 0 ? queue.length : waits
  const last = new Map<number, number>()
  for (let at = end - 1; at > all; at--) {
    const { stream } = queue[at] as QueuedState
    if (stream === undefined || last.has(stream)) continue
    if (isDurable(queue[at] as QueuedState)) last.set(stream, at)
  }
  const isTaken = ({ stream }: QueuedState, at: number) =>
    at <= all || (stream !== undefined && at <= (last.get(stream) ?? -1))
  const taken = queue.filter(isTaken)
  if (taken.length > 0) {
    const kept = queue.filter((state, at) => !isTaken(state, at))
    queue.splice(0, queue.length, ...kept)
  }
  return taken
}
