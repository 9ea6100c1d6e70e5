import type { Output, OutputSchema } from '../../core/destination/output.ts'
import type { PartitionBy } from '../../core/destination/path-format.ts'
import type { Stream } from '../../core/destination/stream.ts'
import type { BadValue } from '../../core/records/bad-value.ts'

/**
 * Writing records: a *block* of protocol messages becomes *segments* (in a thread), segments become a
 * *part* on local disk. A part is later sent as one object. Segments can be taken off the end of a part
 * again, so that a sync that fails keeps just what a state covers.
 */

/** Records of one stream as they came: whole lines of RECORD messages, each ended by a line feed. */
export interface RecordBlock {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly records: number
}

/**
 * Takes the data of one stream's records out of their messages: JSON lines, the bytes as the source wrote them.
 * Throws `record_invalid` where a line is no RECORD message of the stream.
 */
export type DataOfRecords = (
  stream: Pick<Stream, 'name' | 'namespace'>,
) => (block: RecordBlock) => Uint8Array

/** Everything needed to encode a stream's blocks; plain data. One for a stream and a sync. */
export interface Encoding {
  /** Names the encoding to the threads, which keep what they compiled of it. */
  readonly id: string
  readonly stream: Stream
  readonly output: Output
  readonly output_schema: OutputSchema
  /** `null`: a value that fits no type becomes null and is counted. `fail`: it ends the sync. */
  readonly on_bad_value: 'null' | 'fail'
  /** v2: fields that the schema does not name are kept in `_airbyte_additional_properties`. */
  readonly keep_additional_properties: boolean
  /** Written as `_airbyte_meta.sync_id` and `_airbyte_generation_id` (v2); 0 where there is none. */
  readonly sync_id: number
  readonly generation_id: number
  /** What the path takes from each record; empty where nothing. */
  readonly partition_by: readonly PartitionBy[]
}

/** Bytes of one partition's records out of one block, in their order. */
export interface Segment {
  /** One value for each of `partition_by`, in their order, as it stands in the key. */
  readonly partition: readonly string[]
  readonly records: number
  /** For the part's format: compressed text, an Avro block, or rows for the Parquet writer. */
  readonly bytes: Uint8Array
  /** Of gzip text: size and CRC-32 of what was compressed. */
  readonly plain?: { readonly bytes: number; readonly crc: number }
  /** Of Parquet rows: how many are not the lines as they came. */
  readonly converted?: number
}

export interface EncodedBlock {
  readonly segments: readonly Segment[]
  /** How many values were bad, and the first of them (at most 20). */
  readonly bad_values: number
  readonly examples: readonly BadValue[]
}

/** Threads that encode. */
export interface Encoder extends AsyncDisposable {
  /**
   * Calls may overlap; each answer is of its own block. Throws `record_invalid` (a line that is no RECORD
   * message of this stream), `bad_value` where `on_bad_value` is `fail`. The block's memory is given away.
   */
  encode(block: RecordBlock, encoding: Encoding): Promise<EncodedBlock>
}

/** A finished part on local disk. */
export interface FinishedPart {
  readonly path: string
  readonly bytes: number
  readonly records: number
}

/** One object in the making. */
export interface Part {
  /** Its file. */
  readonly path: string
  /** So many bytes at the beginning of the file change no more, unless the part is cut. */
  readonly settled_bytes: number
  readonly records: number
  /** About what the finished object will hold, in bytes. */
  readonly bytes: number
  /** Bytes on local disk by the time that it is finished, about; not less than `bytes`. */
  readonly disk_bytes: number
  append(segment: Segment): Promise<void>
  /** Where the part stands now; `cut` takes it back there. */
  mark(): PartMark
  cut(mark: PartMark): Promise<void>
  /** Writes what the format has at its end; nothing may be appended after it. */
  finish(): Promise<FinishedPart>
  /** Removes what was written. */
  discard(): Promise<void>
}
export interface PartMark {
  readonly records: number
  readonly bytes: number
}

/** Begins a part in a new file named after `path` (the format may add to it). */
export type OpenPart = (encoding: Encoding, path: string) => Promise<Part>

/** What a line of a source's output is, told from its head and tail alone. */
export interface RoutedLine {
  /** The message's `type`: `RECORD`, `STATE`, … */
  readonly type: string
  /** Of a record. */
  readonly stream?: string
  readonly namespace?: string
}

/** Tells what lines of one piece of input are. What stands in a record's data is not looked at. */
export interface LineRouter {
  /**
   * What the line from `start` to `end` (its line feed not included) is; lines alike get one and the same object.
   * Undefined where it is no message.
   */
  route(start: number, end: number): RoutedLine | undefined
  /**
   * Takes records in a row, the first of which begins at `start`, as long as they are much like others that `route` has
   * told, and puts those together of which it would tell the same: up to about `most` bytes of one stream. Valid
   * until the next call.
   */
  gather(start: number, most: number): readonly RoutedRecords[]
  /** Where the records end that were gathered last, behind a line feed. */
  readonly end: number
}

/** Whole lines behind each other: `source` from `from` to `to`, which is behind the last line feed. */
export interface RoutedRecords {
  readonly route: RoutedLine
  readonly records: number
  readonly source: Uint8Array
  readonly from: number
  readonly to: number
}

/** For a piece of input, which stays as it is meanwhile. */
export type RouteLines = (bytes: Buffer) => LineRouter
