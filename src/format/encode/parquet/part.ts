import { type FileHandle, open, rm } from 'node:fs/promises'
import { ROW_ID_VERSION } from '../built-in-columns.ts'
import type { Encoding, Part } from '../encode.ts'
import { drawUuid } from '../uuid-writer.ts'
import type { Column, ColumnChunk, ColumnsJob } from './chunk.ts'
import { footerOf, MAGIC, type WrittenChunk, type WrittenGroup } from './footer.ts'
import { type Frame, framesIn, type Runs, runsOf } from './frame.ts'
import { columnsOf, leavesOf } from './leaves.ts'

export interface ParquetPartOptions {
  /** Encodes leaves of a row group, in another thread. */
  readonly encodeColumns: (job: ColumnsJob) => Promise<ColumnChunk[]>
}

/** Positions within a column of a row group are numbers of 31 bits. */
const MOST_GROUP_BYTES = 2 ** 31 - 1

/** Columns that are smaller are encoded together, up to this. */
const TOGETHER_BYTES = 1 << 20

/** How many bytes of rows become one of a file, until a file of the stream has shown it. */
const FIRST_RATIO = 3
const ratios = new WeakMap<Encoding, number>()

/** Frames that are, or become, a row group. */
interface Group {
  readonly frames: readonly Frame[]
  /** Where its frames end. */
  readonly frames_end: number
  readonly written: Promise<WrittenGroup>
}

/**
 * Begins a Parquet file. Frames are collected beside it; as soon as they are a row group, threads encode its columns
 * while further frames come in. The frames are kept until the file is finished, for a cut. Throws
 * `schema_unsupported`.
 */
export async function openParquetPart(
  encoding: Encoding,
  path: string,
  { encodeColumns }: ParquetPartOptions,
): Promise<Part> {
  const { output } = encoding
  if (output.type !== 'parquet') throw new Error(`a Parquet part of ${output.type} output`)
  const columns = columnsOf(encoding)
  const leaves = leavesOf(columns)
  const group_bytes = Math.min(output.row_group_bytes, MOST_GROUP_BYTES)
  const frames_path = `${path}.rows`
  const frames = await open(frames_path, 'w+')
  const file = await open(path, 'w')
  await file.write(MAGIC)
  let records = 0
  let bytes = 0
  /** Where the columns end that are written. */
  let settled_bytes = MAGIC.length
  const groups: Group[] = []
  /** Frames of no group yet. */
  let rest: Frame[] = []
  let rest_bytes = 0

  const close = () => {
    if (rest.length === 0) return
    const closing = rest
    const before = groups.at(-1)?.written
    const written = writeGroup(closing, before)
    // Thrown where it is waited for.
    written.catch(() => {})
    groups.push({ frames: closing, frames_end: endOf(closing.at(-1)), written })
    rest = []
    rest_bytes = 0
  }

  const writeGroup = async (
    closing: readonly Frame[],
    before: Promise<WrittenGroup> | undefined,
  ): Promise<WrittenGroup> => {
    const runs = runsOf(frames, closing, leaves.length)
    const version = ROW_ID_VERSION[encoding.output_schema]
    const in_group = leaves.map((leaf, index) => ({
      leaf,
      runs: runs[index] as Runs,
      first_id: leaf.row_id ? drawUuid(version, Date.now()) : undefined,
    }))
    const encoded = togetherOf(in_group).map((some) =>
      encodeColumns({ frames: frames_path, output, columns: some }),
    )
    // The first failure is thrown below, and so are all others.
    for (const one of encoded) one.catch(() => {})
    const last = await before
    const start = last === undefined ? MAGIC.length : last.at + last.bytes
    let at = start
    const chunks: WrittenChunk[] = []
    for (const [index, some] of encoded.entries()) {
      const together = await some
      // Not held until the last ones come.
      delete encoded[index]
      for (const { bytes: pages, ...chunk } of together) {
        await writeAll(file, pages, at)
        chunks.push({ ...chunk, at, packed_bytes: pages.length })
        at += pages.length
        // Given back at once: the collector does not see how much memory lies behind it.
        pages.buffer.transfer(0)
        settled_bytes = at
      }
    }
    const rows = closing.reduce((sum, frame) => sum + frame.rows, 0)
    return { rows, at: start, bytes: at - start, chunks }
  }

  const expected = () => Math.ceil(bytes / (ratios.get(encoding) ?? FIRST_RATIO))
  const settled = () => Promise.allSettled(groups.map(({ written }) => written))

  return {
    path,
    get settled_bytes() {
      return settled_bytes
    },
    get records() {
      return records
    },
    get bytes() {
      return expected()
    },
    // The frames stay beside the file.
    get disk_bytes() {
      return bytes + expected()
    },
    async append(segment) {
      await writeAll(frames, segment.bytes, bytes)
      for (const frame of framesIn(segment.bytes, bytes)) {
        if (rest_bytes > 0 && rest_bytes + frame.plain_bytes > group_bytes) close()
        rest.push(frame)
        rest_bytes += frame.plain_bytes
      }
      bytes += segment.bytes.length
      records += segment.records
    },
    // Of the frames: only these can be taken back.
    mark: () => ({ records, bytes }),
    async cut(mark) {
      await settled()
      const kept = groups.findIndex(({ frames_end }) => frames_end > mark.bytes)
      const reopened = kept < 0 ? [] : groups.splice(kept).flatMap((group) => group.frames)
      const last = await groups.at(-1)?.written
      settled_bytes = last === undefined ? MAGIC.length : last.at + last.bytes
      rest = [...reopened, ...rest].filter((frame) => endOf(frame) <= mark.bytes)
      rest_bytes = rest.reduce((sum, { plain_bytes }) => sum + plain_bytes, 0)
      await frames.truncate(mark.bytes)
      ;({ records, bytes } = mark)
    },
    async finish() {
      close()
      const written: WrittenGroup[] = []
      for (const group of groups) written.push(await group.written)
      const last = written.at(-1)
      const end = last === undefined ? MAGIC.length : last.at + last.bytes
      const footer = footerOf(columns, leaves, written, output)
      await writeAll(file, footer, end)
      const size = end + footer.length
      // Of a cut.
      await file.truncate(size)
      await file.close()
      await frames.close()
      await rm(frames_path)
      if (bytes > 1 << 20) ratios.set(encoding, bytes / size)
      return { path, bytes: size, records }
    },
    async discard() {
      await settled()
      await file.close()
      await frames.close()
      await rm(frames_path, { force: true })
      await rm(path, { force: true })
    },
  }
}

/** Columns that a thread is given together: of few rows each is next to no work. */
function togetherOf(columns: readonly Column[]): Column[][] {
  const together: Column[][] = []
  let room = 0
  for (const column of columns) {
    if (room <= 0) {
      together.push([])
      room = TOGETHER_BYTES
    }
    together.at(-1)?.push(column)
    const { levels, values } = column.runs
    room -= [...levels, ...values].reduce((sum, one) => sum + one, 0)
  }
  return together
}

const endOf = (frame: Frame | undefined): number =>
  frame === undefined ? 0 : frame.at + frame.bytes

async function writeAll(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done)
    done += bytesWritten
  }
}
