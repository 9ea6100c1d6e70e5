import type { FormatSettings } from '../core/settings.ts'
import type { Duckdb } from '../duckdb/duckdb.ts'
import { csvGate } from './csv.ts'
import { detectFormat } from './detect.ts'
import type { Gate, GateOptions, GateResult, PassedObject, StagedObject } from './format.ts'
import { jsonlGate } from './jsonl.ts'
import { parquetGate } from './parquet.ts'
import { settle } from './refusal.ts'

export type FormatType = PassedObject['format']

export const TEXT_GATES = { jsonl: jsonlGate, csv: csvGate } as const satisfies Record<
  Exclude<FormatType, 'parquet'>,
  Gate
>

/** The format of one object: what its feed says, or with `auto` what its content shows. Throws a `Refusal`. */
export async function formatOf(
  object: StagedObject,
  settings: FormatSettings,
): Promise<FormatType> {
  return settings.type === 'auto' ? await detectFormat(object, settings) : settings.type
}

/** Takes an object through the gate of its format, in this thread. */
export const passObject: Gate = (
  object: StagedObject,
  options: GateOptions,
  duckdb: Duckdb,
): Promise<GateResult> =>
  settle(async () => {
    const format = await formatOf(object, options.settings)
    const gate = format === 'parquet' ? parquetGate : TEXT_GATES[format]
    return await gate(object, options, duckdb)
  })
