import type { Duckdb } from '../../duckdb/duckdb.ts'
import type { Encoding, Part } from './encode.ts'
import { openTextPart } from './text-part.ts'

/** Begins a part in the encoding's format; formats are loaded when they are asked for. */
export async function openPart(
  encoding: Encoding,
  path: string,
  tools: { readonly openDuckdb: () => Promise<Duckdb> },
): Promise<Part> {
  switch (encoding.output.type) {
    case 'csv':
    case 'jsonl':
      return openTextPart(encoding, path)
    case 'avro':
      return (await import('./avro-part.ts')).openAvroPart(encoding, path)
    case 'parquet':
      return (await import('./parquet-part.ts')).openParquetPart(encoding, path, tools)
  }
}
