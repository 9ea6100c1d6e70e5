import type { FormatSettings } from '../core/settings.ts'
import { lineBreakOf, RecordScanner } from './csv-scanner.ts'
import type { PassedObject, StagedObject } from './format.ts'
import { rawText } from './raw-text.ts'
import { openText } from './text-source.ts'

const LF = 0x0a
const CR = 0x0d

export interface RawRow {
  readonly row: number
  readonly raw: string
}

/**
 * The text of chosen rows of a JSON lines or CSV object, as delivered: for rows that the gate passed
 * and a later check refuses. `rows` are row numbers in ascending order; one pass over the object, in
 * which nothing is parsed but the asked-for CSV records. Throws a `Refusal` as the gate does.
 */
export async function* rawRows(
  object: StagedObject,
  options: {
    readonly format: Exclude<PassedObject['format'], 'parquet'>
    readonly settings: FormatSettings
    readonly rows: readonly number[]
    readonly signal?: AbortSignal
  },
): AsyncGenerator<RawRow> {
  const { settings, rows, format } = options
  if (rows.length === 0) return
  if (settings.type === 'parquet') throw new Error('Parquet rows have no text')
  const text = await openText(object, settings, format === 'csv' ? 'CSV' : 'JSON lines')
  const source = text.read({
    max_expanded_bytes: settings.max_expanded_bytes,
    signal: options.signal,
  })
  const scanner =
    format === 'csv' && settings.type !== 'jsonl' ? new RecordScanner(settings) : undefined
  let buffer = Buffer.alloc(0)
  let line = 1
  let next = 0
  let wait_for = 0
  let line_break: number | undefined = scanner === undefined ? LF : undefined

  /** Takes what rows are whole in the buffer. */
  function* take(last: boolean): Generator<RawRow> {
    if (!last && buffer.length < wait_for) return
    line_break ??= lineBreakOf(buffer, last)
    if (line_break === undefined) return
    if (scanner !== undefined) scanner.line_break = line_break
    let at = 0
    while (next < rows.length && at < buffer.length) {
      const row = rows[next] as number
      if (line < row) {
        const end = buffer.indexOf(line_break, at)
        // Of a line that is passed over nothing is held, however long it is.
        if (end < 0) at = buffer.length
        if (end < 0) break
        line++
        at = end + 1
        continue
      }
      const end = scanner?.scan(buffer, at, buffer.length) ?? buffer.indexOf(line_break, at) + 1
      if (end <= 0 && !last) break
      let stop = end > 0 ? end - 1 : buffer.length
      if (stop > at && buffer[stop - 1] === CR) stop--
      yield { row, raw: rawText(buffer.subarray(at, stop)) }
      next++
    }
    buffer = buffer.subarray(at)
    wait_for = 2 * buffer.length
  }

  for await (const chunk of source) {
    buffer = buffer.length === 0 ? Buffer.from(chunk) : Buffer.concat([buffer, chunk])
    yield* take(false)
    if (next === rows.length) return
  }
  if (scanner !== undefined) {
    scanner.last = true
    buffer = Buffer.concat([buffer, Buffer.of(line_break ?? lineBreakOf(buffer, true) ?? LF)])
  }
  yield* take(true)
}
