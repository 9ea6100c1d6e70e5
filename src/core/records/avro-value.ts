/**
 * Values on their way into Avro or Parquet. A record and a map are plain objects, keyed by the names of the
 * Avro schema; `[null, T]` is the bare value; a union of more is a `Branch`. Dates are days since 1970-01-01,
 * timestamps and times of day microseconds.
 */
export type AvroValue =
  | null
  | boolean
  | number
  /** A `long` beyond 2^53. */
  | bigint
  | string
  | Uint8Array
  | Branch
  | AvroValue[]
  | AvroRecord

export interface AvroRecord {
  [name: string]: AvroValue
}

/** A value of a union that has two branches or more beside null. */
export class Branch {
  /** Counted among the branches that are not null, from 0. */
  readonly branch: number
  readonly value: AvroValue

  constructor(branch: number, value: AvroValue) {
    this.branch = branch
    this.value = value
  }
}
