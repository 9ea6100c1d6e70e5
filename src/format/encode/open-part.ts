import type { Encoding, Part } from './encode.ts'
import type { ParquetPartOptions } from './parquet/part.ts'
import { openTextPart } from './text-part.ts'

/** Begins a part in the encoding's format; formats are loaded when they are asked for. */
export async function openPart(
  encoding: Encoding,
  path: string,
  tools: ParquetPartOptions,
): Promise<Part> {
  switch (encoding.output.type) {
    case 'csv':
    case 'jsonl':
      return openTextPart(encoding, path)
    case 'avro':
      return (await import('./avro-part.ts')).openAvroPart(encoding, path)
    case 'parquet':
      return (await import('./parquet/part.ts')).openParquetPart(encoding, path, tools)
  }
}
