import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type QueuedState, takeDurable } from './state-queue.ts'

const STREAMS = 3

/** States as a source sends them: each behind those before it. */
const queues = fc
  .array(fc.option(fc.nat(STREAMS - 1), { nil: undefined }), { maxLength: 12 })
  .map((scopes) => {
    const taken = new Float64Array(STREAMS)
    return scopes.map((stream, at): QueuedState => {
      for (let each = 0; each < STREAMS; each++) (taken[each] as number) += 1
      const records = 1
      const raw = String(at)
      return stream === undefined
        ? { raw, records, before: Float64Array.from(taken) }
        : { raw, records, stream, before: taken[stream] as number }
    })
  })

describe('takeDurable', () => {
  it('gives everything back once, in order within each scope, and nothing early', () => {
    fc.assert(
      fc.property(
        queues,
        fc.array(fc.array(fc.nat(14), { minLength: 3, maxLength: 3 })),
        (all, steps) => {
          const queue = [...all]
          const durable = [0, 0, 0]
          const given: QueuedState[] = []
          const isDurable = ({ stream, before }: QueuedState) =>
            typeof before === 'number'
              ? (durable[stream as number] as number) >= before
              : before.every((records, each) => (durable[each] as number) >= records)
          for (const step of [...steps, [99, 99, 99]]) {
            step.forEach((to, each) => {
              durable[each] = Math.max(durable[each] as number, to)
            })
            const taken = takeDurable(queue, isDurable)
            expect(taken.every(isDurable)).toBe(true)
            given.push(...taken)
          }
          expect(queue).toEqual([])
          expect(given.toSorted((a, b) => Number(a.raw) - Number(b.raw))).toEqual(all)
          for (const scope of [undefined, 0, 1, 2]) {
            const of = given.filter(({ stream }) => stream === scope).map(({ raw }) => Number(raw))
            expect(of).toEqual(of.toSorted((a, b) => a - b))
          }
        },
      ),
    )
  })
})
