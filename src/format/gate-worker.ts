import { parentPort, workerData } from 'node:worker_threads'
import { type ErrorCode, ExchangeError } from '../core/errors.ts'
import type { Duckdb } from '../duckdb/duckdb.ts'
import type { GateOptions, GateResult, RefusedRow, StagedObject } from './format.ts'
import { TEXT_GATES } from './gates.ts'

/** One object to pass. */
export interface ToWorker
  extends Pick<GateOptions, 'settings' | 'dir' | 'prefix' | 'flat' | 'nested_fields'> {
  readonly format: keyof typeof TEXT_GATES
  readonly object: StagedObject
}

export type FromWorker =
  | { readonly type: 'rows'; readonly rows: readonly RefusedRow[] }
  | { readonly type: 'progress'; readonly bytes: number }
  | { readonly type: 'result'; readonly result: GateResult }
  | {
      readonly type: 'user_error'
      readonly code: ErrorCode
      readonly message: string
      readonly hint: string
    }
  | { readonly type: 'error'; readonly error: unknown }

/** A batch is sent when it holds so many rows, or so many characters of them. */
const BATCH_ROWS = 500
const BATCH_CHARACTERS = 1 << 20
/** Batches on their way: a file of nothing but bad rows must not pile up in the other thread. */
const AHEAD = 4
/** Bytes between two reports of progress. */
const PROGRESS_STEP = 1 << 20

const port = parentPort
if (port === null) throw new Error('gate-worker runs in a worker thread only')
const taken = new Int32Array(workerData as SharedArrayBuffer)
/** The text gates never touch DuckDB. */
const no_duckdb = undefined as unknown as Duckdb
let sent = 0

port.on('message', async (job: ToWorker) => {
  const send = (message: FromWorker) => port.postMessage(message)
  let rows: RefusedRow[] = []
  let characters = 0
  const flush = () => {
    if (rows.length === 0) return
    let done = Atomics.load(taken, 0)
    while (sent - done >= AHEAD) {
      Atomics.wait(taken, 0, done)
      done = Atomics.load(taken, 0)
    }
    send({ type: 'rows', rows })
    sent++
    rows = []
    characters = 0
  }
  let told = 0
  try {
    const { format, object, ...rest } = job
    const options: GateOptions = {
      ...rest,
      refuse(row) {
        rows.push(row)
        characters += row.raw.length
        if (rows.length >= BATCH_ROWS || characters >= BATCH_CHARACTERS) flush()
      },
      progress(bytes) {
        if (bytes - told < PROGRESS_STEP) return
        told = bytes
        send({ type: 'progress', bytes })
      },
    }
    const result = await TEXT_GATES[format](object, options, no_duckdb)
    flush()
    send({ type: 'result', result })
  } catch (error) {
    if (error instanceof ExchangeError) {
      const { code, message, hint } = error
      send({ type: 'user_error', code, message, hint })
    } else send({ type: 'error', error })
  }
})
