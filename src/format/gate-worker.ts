import { parentPort } from 'node:worker_threads'
import type { Duckdb } from '../duckdb/duckdb.ts'
import type { GateOptions, GateResult, RefusedRow, StagedObject } from './format.ts'
import { TEXT_GATES } from './gates.ts'
import { type FromWorker, failureOf } from './worker-message.ts'

/** One object to pass. */
export interface GateRequest
  extends Pick<GateOptions, 'settings' | 'dir' | 'prefix' | 'flat' | 'nested_fields'> {
  readonly format: keyof typeof TEXT_GATES
  readonly object: StagedObject
  /** One number in shared memory: batches of refused rows that were taken. */
  readonly taken: Int32Array
}

export type GateNews =
  | { readonly type: 'rows'; readonly rows: readonly RefusedRow[] }
  | { readonly type: 'progress'; readonly bytes: number }

/** A batch is sent when it holds so many rows, or so many characters of them. */
const BATCH_ROWS = 500
const BATCH_CHARACTERS = 1 << 20
/** Batches on their way: a file of nothing but bad rows must not pile up in the other thread. */
const AHEAD = 4
/** Bytes between two reports of progress. */
const PROGRESS_STEP = 1 << 20

const port = parentPort
if (port === null) throw new Error('gate-worker runs in a worker thread only')
/** The text gates never touch DuckDB. */
const no_duckdb = undefined as unknown as Duckdb

port.on('message', async ({ format, object, taken, ...rest }: GateRequest) => {
  const send = (message: FromWorker<GateResult, GateNews>) => port.postMessage(message)
  let sent = 0
  let rows: RefusedRow[] = []
  let characters = 0
  const flush = () => {
    if (rows.length === 0) return
    let done = Atomics.load(taken, 0)
    while (sent - done >= AHEAD) {
      Atomics.wait(taken, 0, done)
      done = Atomics.load(taken, 0)
    }
    send({ type: 'news', news: { type: 'rows', rows } })
    sent++
    rows = []
    characters = 0
  }
  let told = 0
  try {
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
        send({ type: 'news', news: { type: 'progress', bytes } })
      },
    }
    const answer = await TEXT_GATES[format](object, options, no_duckdb)
    flush()
    send({ type: 'answer', answer })
  } catch (error) {
    send(failureOf(error))
  }
})
