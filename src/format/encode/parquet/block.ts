import type { EncodedBlock, Encoding, RecordBlock } from '../encode.ts'
import { type RecordBlocksOptions, recordBlocks } from '../record-blocks.ts'
import { frameOf } from './frame.ts'
import { LeafColumn } from './leaf-column.ts'
import { columnsOf, leavesOf } from './leaves.ts'
import { fastWays } from './plain-columns.ts'
import { type Shred, shredders } from './shred.ts'

/** A row group is of so many frames at least, so that it can be near its size. */
const FRAMES_IN_GROUP = 4
const MOST_FRAME_BYTES = 4 << 20

/** Encodes the blocks of one stream as frames for a Parquet part. Throws `schema_unsupported`. */
export function parquetBlocks(
  encoding: Encoding,
  options: RecordBlocksOptions = {},
): (block: RecordBlock) => Promise<EncodedBlock> {
  const { output } = encoding
  if (output.type !== 'parquet') throw new Error(`a Parquet encoder of ${output.type} output`)
  const columns = columnsOf(encoding)
  const leaves = leavesOf(columns)
  const frame_bytes = Math.min(MOST_FRAME_BYTES, output.row_group_bytes / FRAMES_IN_GROUP)

  return recordBlocks(
    encoding,
    (maker) => {
      const of_leaves = leaves.map((leaf) => new LeafColumn(leaf))
      const shreds = shredders(columns, of_leaves)
      let frames: Buffer<ArrayBuffer>[] = []
      /** Records that are in no frame yet, and the bytes of their JSON. */
      let records = 0
      let bytes = 0
      const endFrame = () => {
        if (records === 0) return
        frames.push(frameOf(of_leaves, records))
        for (const column of of_leaves) column.clear()
        records = 0
        bytes = 0
      }
      const added = (some: number, of_data: number) => {
        records += some
        bytes += of_data
        if (bytes >= frame_bytes) endFrame()
      }
      const fast = fastWays(encoding, { columns, leaves: of_leaves, shreds })
      return {
        plain: fast?.plain,
        takeRun(reader, now) {
          const from = reader.at
          const taken = fast?.runs.take(reader, frame_bytes - bytes, now) ?? 0
          if (taken > 0) added(taken, reader.at - from)
          return taken
        },
        add(record) {
          const made = maker.make(record)
          columns.forEach(({ name }, index) => {
            ;(shreds[index] as Shred)(made[name], 0, 0)
          })
        },
        added: (of_data) => added(1, of_data),
        end() {
          endFrame()
          const [first] = frames
          const segment = first !== undefined && frames.length === 1 ? first : Buffer.concat(frames)
          frames = []
          return segment
        },
      }
    },
    options,
  )
}
