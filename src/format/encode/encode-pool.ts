import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { ExchangeError } from '../../core/errors.ts'
import type { EncodedBlock, Encoder, Encoding, RecordBlock } from './encode.ts'
import type { FromEncodeWorker, ToEncodeWorker } from './encode-worker.ts'

/** Blocks a thread is given at once: while it works on one, the next is there already. */
const AHEAD = 2

interface Task extends ToEncodeWorker {
  readonly resolve: (encoded: EncodedBlock) => void
  readonly reject: (error: unknown) => void
}

interface Seat {
  readonly worker: Worker
  /** What it was given and has not answered, in that order. */
  readonly tasks: Task[]
}

/**
 * Opens an encoder of `threads` threads (as many as there are cores, unless given), started when needed. Blocks
 * are taken in the order of the calls. A thread that dies fails the blocks it had; the next gets a new one.
 */
export function openEncoder(options: { readonly threads?: number } = {}): Encoder {
  const threads = options.threads ?? availableParallelism()
  const seats: Seat[] = []
  const waiting: Task[] = []
  let closed = false

  function assign(): void {
    while (waiting.length > 0) {
      let seat = seats.reduce<Seat | undefined>(
        (least, each) => (least && least.tasks.length <= each.tasks.length ? least : each),
        undefined,
      )
      if ((seat === undefined || seat.tasks.length > 0) && seats.length < threads) seat = addSeat()
      if (seat === undefined || seat.tasks.length === AHEAD) return
      const task = waiting.shift() as Task
      const { block, encoding } = task
      try {
        seat.worker.postMessage({ block, encoding }, [block.bytes.buffer])
      } catch (error) {
        // Memory that cannot be given away: nothing was sent, so nothing will be answered.
        task.reject(error)
        continue
      }
      if (seat.tasks.push(task) === 1) seat.worker.ref()
    }
  }

  function addSeat(): Seat {
    // Run from the sources this module is TypeScript, in the built package it is not.
    const file = import.meta.url.endsWith('.ts') ? './encode-worker.ts' : './encode-worker.js'
    const worker = new Worker(new URL(file, import.meta.url))
    const seat: Seat = { worker, tasks: [] }
    worker.on('message', (message: FromEncodeWorker) => receive(seat, message))
    worker.on('error', (error) => leave(seat, error))
    worker.on('exit', (code) =>
      leave(seat, new Error(`an encoding thread ended with code ${code}`)),
    )
    worker.unref()
    seats.push(seat)
    return seat
  }

  function leave(seat: Seat, error: unknown): void {
    const at = seats.indexOf(seat)
    if (at < 0) return
    seats.splice(at, 1)
    for (const task of seat.tasks.splice(0)) task.reject(error)
    if (!closed) assign()
  }

  function receive(seat: Seat, message: FromEncodeWorker): void {
    const task = seat.tasks.shift()
    if (task === undefined) return
    if (seat.tasks.length === 0) seat.worker.unref()
    assign()
    switch (message.type) {
      case 'encoded':
        task.resolve(message.encoded)
        break
      case 'user_error': {
        const { code, message: text, hint, retryable, details } = message
        task.reject(new ExchangeError(code, text, { hint, retryable, details }))
        break
      }
      case 'error':
        task.reject(message.error)
        break
    }
  }

  return {
    encode(block: RecordBlock, encoding: Encoding) {
      return new Promise<EncodedBlock>((resolve, reject) => {
        if (closed) throw new Error('the encoder is closed')
        waiting.push({ block, encoding, resolve, reject })
        assign()
      })
    },
    async [Symbol.asyncDispose]() {
      closed = true
      const error = new Error('the encoder was closed')
      for (const task of waiting.splice(0)) task.reject(error)
      await Promise.all(
        seats.splice(0).map(async ({ worker, tasks }) => {
          for (const task of tasks.splice(0)) task.reject(error)
          await worker.terminate()
        }),
      )
    },
  }
}
