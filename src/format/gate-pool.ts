import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { ExchangeError } from '../core/errors.ts'
import type { Duckdb } from '../duckdb/duckdb.ts'
import type { GateOptions, GateResult, StagedObject } from './format.ts'
import type { FromWorker, ToWorker } from './gate-worker.ts'
import { formatOf } from './gates.ts'
import { parquetGate } from './parquet.ts'
import { settle } from './refusal.ts'

/** Threads that take text objects through their gates, one object each at a time. */
export interface GatePool extends AsyncDisposable {
  /**
   * As `passObject`; may be called for many objects at once, which then wait their turn. `refuse` is
   * called in the caller's thread, in row order for each object, never after the promise is settled.
   */
  pass(object: StagedObject, options: GateOptions, duckdb: Duckdb): Promise<GateResult>
}

interface Task {
  readonly message: ToWorker
  readonly options: GateOptions
  readonly resolve: (result: GateResult) => void
  readonly reject: (error: unknown) => void
}

interface Seat {
  readonly worker: Worker
  /** Batches of refused rows that were taken; the worker waits on it when it is too far ahead. */
  readonly taken: Int32Array
  task: Task | undefined
}

/** Opens a pool of `threads` workers (as many as there are cores, unless given), started when needed. */
export function openGatePool(options: { readonly threads?: number } = {}): GatePool {
  const threads = options.threads ?? availableParallelism()
  const seats: Seat[] = []
  const waiting: Task[] = []
  let closed = false

  function assign(): void {
    while (waiting.length > 0) {
      const free = seats.find((seat) => seat.task === undefined)
      const seat = free ?? (seats.length < threads ? addSeat() : undefined)
      if (seat === undefined) return
      const task = waiting.shift() as Task
      if (task.options.signal?.aborted) {
        task.reject(task.options.signal.reason)
        continue
      }
      seat.task = task
      seat.worker.ref()
      task.options.signal?.addEventListener('abort', () => abort(task), { once: true })
      seat.worker.postMessage(task.message)
    }
  }

  /** A thread that is in the middle of an object is ended: its answer is not waited for. */
  function abort(task: Task): void {
    const seat = seats.find((one) => one.task === task)
    if (seat !== undefined) leave(seat, task.options.signal?.reason)
  }

  function leave(seat: Seat, reason: unknown): void {
    const { task } = seat
    seat.task = undefined
    const at = seats.indexOf(seat)
    if (at >= 0) seats.splice(at, 1)
    void seat.worker.terminate().then(() => {
      task?.reject(reason)
      if (!closed) assign()
    })
  }

  function addSeat(): Seat {
    const taken = new Int32Array(new SharedArrayBuffer(4))
    // Run from the sources this module is TypeScript, in the built package it is not.
    const file = import.meta.url.endsWith('.ts') ? './gate-worker.ts' : './gate-worker.js'
    const worker = new Worker(new URL(file, import.meta.url), { workerData: taken.buffer })
    const seat: Seat = { worker, taken, task: undefined }
    worker.on('message', (message: FromWorker) => receive(seat, message))
    worker.on('error', (error) => leave(seat, error))
    worker.unref()
    seats.push(seat)
    return seat
  }

  function receive(seat: Seat, message: FromWorker): void {
    const { task } = seat
    if (task === undefined) return
    try {
      switch (message.type) {
        case 'rows':
          for (const row of message.rows) task.options.refuse(row)
          Atomics.add(seat.taken, 0, 1)
          Atomics.notify(seat.taken, 0)
          return
        case 'progress':
          task.options.progress?.(message.bytes)
          return
        case 'result':
          task.resolve(message.result)
          break
        case 'user_error':
          task.reject(new ExchangeError(message.code, message.message, { hint: message.hint }))
          break
        case 'error':
          task.reject(message.error)
          break
      }
    } catch (error) {
      leave(seat, error)
      return
    }
    seat.task = undefined
    seat.worker.unref()
    assign()
  }

  return {
    pass(object, options, duckdb) {
      return settle(async () => {
        if (closed) throw new Error('the gate pool is closed')
        options.signal?.throwIfAborted()
        const format = await formatOf(object, options.settings)
        if (format === 'parquet') return await parquetGate(object, options, duckdb)
        const { settings, dir, prefix, flat, nested_fields } = options
        const message = { format, object, settings, dir, prefix, flat, nested_fields }
        return await new Promise<GateResult>((resolve, reject) => {
          waiting.push({ message, options, resolve, reject })
          assign()
        })
      })
    },
    async [Symbol.asyncDispose]() {
      closed = true
      const error = new Error('the gate pool was closed')
      for (const task of waiting.splice(0)) task.reject(error)
      await Promise.all(
        seats.splice(0).map(async (seat) => {
          const { task } = seat
          seat.task = undefined
          await seat.worker.terminate()
          task?.reject(error)
        }),
      )
    },
  }
}
