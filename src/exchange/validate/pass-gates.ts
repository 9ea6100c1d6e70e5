import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import type { GateOptions, RefusedObject, RefusedRow } from '../../format/format.ts'
import type { LoadObject, Note } from '../../ledger/ledger.ts'
import { inParallel } from '../in-parallel.ts'
import type { CheckOptions } from './check-options.ts'
import type { SourceObject } from './source-group.ts'

/** What the gates left of a load's objects. */
export interface Gated {
  readonly passed: readonly SourceObject[]
  /** By the object's place in the load; later steps add to them. */
  readonly outcomes: Map<number, LoadObject>
  /** Rows the gates refused, as JSON lines with `_obj`; those of refused objects are to be left out. */
  readonly rejects_file: string
  readonly refused_rows: number
  /** Bytes of the longest line of `rejects_file`. */
  readonly longest_reject: number
  readonly notes: readonly Note[]
  readonly bytes: number
}

/** Objects at their gates at once; more would only compete for the same cores. */
const AT_ONCE = 4

/** Runs every object through its gate; refused rows go straight to a file. */
export async function passGates(options: CheckOptions): Promise<Gated> {
  const rejects_file = join(options.dir, 'gate-rejects.jsonl')
  const out = createWriteStream(rejects_file)
  // Told when it is asked for: an error without a listener would end the process.
  let broken: Error | undefined
  out.on('error', (error) => {
    broken = error
  })
  const outcomes = new Map<number, LoadObject>()
  const passed: SourceObject[] = []
  const notes = new Map<string, Note>()
  const done = { bytes: 0, rows: 0, rejected: 0 }
  let longest_reject = 0
  const report = () => options.progress?.(done)

  const deadly = await probeAll(options)
  await inParallel(options.objects.entries(), AT_ONCE, async ([index, object]) => {
    options.signal?.throwIfAborted()
    if (broken !== undefined) throw broken
    let bytes = 0
    const advance = (now: number) => {
      done.bytes += now - bytes
      bytes = now
      report()
    }
    const refuse = (row: RefusedRow) => {
      const line = `${JSON.stringify({ _obj: index, ...row })}\n`
      longest_reject = Math.max(longest_reject, Buffer.byteLength(line))
      out.write(line)
    }
    const ends_reader = deadly.get(index)
    const result =
      ends_reader === undefined
        ? await options.formats.gate(
            object,
            gateOptions(options, index, refuse, advance),
            options.duckdb,
          )
        : { refused: ends_reader }
    advance(object.bytes)
    const facts = { key: object.key, version: object.version, bytes: object.bytes }
    if (result.refused !== undefined) {
      // What was refused of its rows before is void: the object is refused as a whole.
      outcomes.set(index, {
        ...facts,
        state: 'refused',
        rows_read: 0,
        rejected: 0,
        ...result.refused,
      })
    } else {
      outcomes.set(index, {
        ...facts,
        state: 'loaded',
        rows_read: result.rows_read,
        rejected: result.rows_refused,
      })
      passed.push({ index, key: object.key, passed: result, variables: object.variables })
      done.rows += result.rows_read
      done.rejected += result.rows_refused
      for (const note of result.notes)
        notes.set(note.code, { ...note, count: note.count + (notes.get(note.code)?.count ?? 0) })
    }
    report()
    if (out.writableNeedDrain && broken === undefined) await once(out, 'drain')
  })
  out.end()
  if (!out.closed) await once(out, 'close')
  if (broken !== undefined) throw broken
  passed.sort((a, b) => a.index - b.index)
  return {
    passed,
    outcomes,
    rejects_file,
    refused_rows: done.rejected,
    longest_reject,
    notes: [...notes.values()],
    bytes: done.bytes,
  }
}

/** Objects that end their reader, looked for after a load was cut off; one process at a time, for each may use all the memory. */
async function probeAll(options: CheckOptions): Promise<ReadonlyMap<number, Refused>> {
  const refused = new Map<number, Refused>()
  if (options.after_interruption !== true) return refused
  for (const [index, object] of options.objects.entries()) {
    options.signal?.throwIfAborted()
    const found = await options.formats.probeApart(object)
    if (found !== undefined) refused.set(index, found)
  }
  return refused
}

type Refused = RefusedObject['refused']

function gateOptions(
  { feed, dir, signal }: CheckOptions,
  index: number,
  refuse: (row: RefusedRow) => void,
  progress: (bytes: number) => void,
): GateOptions {
  return {
    settings: feed.format,
    dir,
    prefix: `object-${index}`,
    flat: feed.contract.flat,
    nested_fields: feed.contract.columns
      .filter((c) => ['map', 'object', 'array', 'json'].includes(c.type.kind))
      .flatMap((c) => c.names),
    refuse,
    progress,
    ...(signal === undefined ? {} : { signal }),
  }
}
