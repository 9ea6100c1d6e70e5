import type { FileHandle } from 'node:fs/promises'
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib'
import type { CompressionCodec, SchemaElement } from 'hyparquet'
import type { ParquetCodec, ParquetOutput } from '../../core/destination/output.ts'
import type { ParquetField } from '../../core/records/parquet-type.ts'
import { LEAF_TYPES, workName } from './parquet-columns.ts'
import { type Frame, readFrame } from './parquet-frames.ts'
import { packLz4 } from './parquet-lz4.ts'

const CODECS: Record<ParquetCodec, CompressionCodec> = {
  uncompressed: 'UNCOMPRESSED',
  snappy: 'SNAPPY',
  gzip: 'GZIP',
  brotli: 'BROTLI',
  lz4: 'LZ4_RAW',
  zstd: 'ZSTD',
}
/** The highest quality, which is the library's default, takes minutes for what this does in a second. */
const BROTLI_QUALITY = 5
const READ_BYTES = 4 << 20

/**
 * Writes the frames of a spool to a Parquet file under their work names, with pages and dictionaries of the
 * size asked for. Holds a row group as frames, and one of its columns as values.
 */
export async function writePages(
  spool: FileHandle,
  path: string,
  work: { readonly columns: readonly ParquetField[]; readonly output: ParquetOutput },
): Promise<void> {
  const { columns, output } = work
  const { fileWriter, ParquetWriter } = await import('hyparquet-writer')
  const { compressSync } = await import('snappy')
  const parquet = new ParquetWriter({
    writer: fileWriter(path),
    schema: [{ name: 'record', num_children: columns.length }, ...elementsOf(columns)],
    codec: CODECS[output.codec],
    createdBy: 'bucketline',
    compressors: {
      SNAPPY: compressSync,
      GZIP: gzipSync,
      ZSTD: zstdCompressSync,
      LZ4_RAW: packLz4,
      BROTLI: (data) =>
        brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
    },
  })
  let group: Frame[] = []
  let bytes = 0
  const close = async () => {
    const frames = group
    const rows = frames.reduce((sum, frame) => sum + frame.rows, 0)
    if (rows === 0) return
    const columnData = columns.map((_, index) => ({
      name: workName(index),
      // The writer asks for one column after the other, and for its length before.
      data: lazyColumn(rows, () => frames.flatMap((frame) => frame.column(index))),
      ...(output.dictionary ? {} : { encoding: 'PLAIN' as const }),
    }))
    await parquet.write({
      columnData,
      rowGroupSize: rows,
      pageSize: output.page_bytes,
      dictionarySize: output.dictionary_page_bytes,
    })
    group = []
    bytes = 0
    // Whatever else waits for this thread gets its turn.
    await new Promise((resolve) => setImmediate(resolve))
  }
  for await (const frame of framesOf(spool, columns.length)) {
    if (bytes > 0 && bytes + frame.bytes > output.row_group_bytes) await close()
    group.push(frame)
    bytes += frame.bytes
  }
  await close()
  await parquet.finish()
}

function lazyColumn(length: number, read: () => unknown[]): unknown[] {
  const column = { length, slice: (from: number, to: number) => read().slice(from, to) }
  return column as unknown as unknown[]
}

async function* framesOf(spool: FileHandle, columns: number): AsyncGenerator<Frame> {
  let rest = Buffer.alloc(0)
  for (let at = 0; ; ) {
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    const { bytesRead } = await spool.read(buffer, 0, READ_BYTES, at)
    if (bytesRead === 0) break
    at += bytesRead
    rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)])
    for (;;) {
      const frame = readFrame(rest, columns)
      if (frame === undefined) break
      rest = rest.subarray(frame.bytes)
      yield frame
    }
  }
  if (rest.length > 0) throw new Error('the rows of a part end within a frame')
}

/** The schema's elements, parents before their fields. */
function elementsOf(fields: readonly ParquetField[]): SchemaElement[] {
  return fields.flatMap((field, index) => elementOf(field, workName(index)))
}

function elementOf(field: ParquetField, name: string): SchemaElement[] {
  const repetition_type = 'OPTIONAL'
  switch (field.kind) {
    case 'group':
      return [
        { name, repetition_type, num_children: field.children.length },
        ...elementsOf(field.children),
      ]
    case 'list':
      return [
        {
          name,
          repetition_type,
          num_children: 1,
          converted_type: 'LIST',
          logical_type: { type: 'LIST' },
        },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        ...elementOf(field.element, 'element'),
      ]
    case 'map':
      return [
        {
          name,
          repetition_type,
          num_children: 1,
          converted_type: 'MAP',
          logical_type: { type: 'MAP' },
        },
        { name: 'key_value', repetition_type: 'REPEATED', num_children: 2 },
        { name: 'key', type: 'BYTE_ARRAY', repetition_type: 'REQUIRED', converted_type: 'UTF8' },
        ...elementOf(field.value, 'value'),
      ]
    default: {
      const text = field.kind === 'string' || field.kind === 'uuid_string'
      return [
        {
          name,
          type: LEAF_TYPES[field.kind],
          repetition_type,
          ...(text
            ? { converted_type: 'UTF8' as const, logical_type: { type: 'STRING' as const } }
            : {}),
        },
      ]
    }
  }
}
