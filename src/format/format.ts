import type { ObjectCode, RowCode } from '../core/rejects.ts'
import type { FormatSettings } from '../core/settings.ts'
import type { Duckdb } from '../duckdb/duckdb.ts'

/**
 * A gate reads one fetched object byte by byte (text) or by its footer (Parquet) and settles what
 * DuckDB's readers get silently wrong: which rows there are, where each starts, which of them are
 * not rows at all. What passes is left in a file that DuckDB reads exactly.
 */
export interface StagedObject {
  /** Key in the partner's bucket. */
  readonly key: string
  readonly version: string
  /** The fetched bytes on local disk, as delivered (compressed if it was). */
  readonly path: string
  readonly bytes: number
}

/** A row refused before it could be read as columns. */
export interface RefusedRow {
  readonly row: number
  readonly column?: string
  readonly code: RowCode
  readonly message: string
  readonly raw: string
}

/** A field as an object's rows show it; counts are of rows that passed. */
export interface Field {
  readonly name: string
  /**
   * JSON kinds seen; CSV fields are all `string`, Parquet's are by their column type. A null beside
   * values of one other kind may be counted as that kind, and an integer beside numbers as a number.
   */
  readonly strings: number
  readonly integers: number
  readonly numbers: number
  readonly booleans: number
  readonly nulls: number
  readonly nested: number
  /** Integers that a double may not hold: of more than 15 digits. */
  readonly long_integers: number
  /** DuckDB's name of the column's type, for typed formats. */
  readonly type?: string
}

export interface GateOptions {
  readonly settings: FormatSettings
  /** Folder for rewritten files; the gate may create files in it named after `prefix`. */
  readonly dir: string
  readonly prefix: string
  /** Called in row order, for each refused row; never kept in memory by the gate. */
  readonly refuse: (row: RefusedRow) => void
  /** Called as input is read, with the number of delivered bytes gone through so far. */
  readonly progress?: (bytes: number) => void
  readonly signal?: AbortSignal
  /** Undeclared fields may hold no object or array: such a row is `nested_value`. */
  readonly flat: boolean
  /** Top-level fields that may hold objects or arrays even when `flat`. */
  readonly nested_fields: readonly string[]
}

/** The whole object is refused; it counts as an object, not as rows. */
export interface RefusedObject {
  readonly refused: { readonly code: ObjectCode; readonly message: string }
}

export interface PassedObject {
  readonly refused?: undefined
  readonly format: 'parquet' | 'jsonl' | 'csv'
  /** File for DuckDB, not compressed: the staged file itself where it can be, else one the gate wrote. */
  readonly path: string
  /**
   * How to number rows. `ordinal`: the n-th record of the file (from 1) is row n + `first_row` - 1.
   * `column`: the first column `_row` of the file holds it.
   */
  readonly rows: { readonly by: 'ordinal'; readonly first_row: number } | { readonly by: 'column' }
  /** Records that are no rows stand in the file as holes, which `readPassed` leaves out. */
  readonly holes: boolean
  /** Values that DuckDB would change stand in the file as marked text (`readPassed` says how). */
  readonly marked: boolean
  /** Every row that passed stands in the file as it was delivered, on its own line. */
  readonly verbatim: boolean
  /** Records in the file: rows that passed, and holes. */
  readonly records: number
  /** Bytes of the longest record in the file, its line break not counted; 0 where it is not known. */
  readonly longest_record: number
  /** CSV: line breaks stand inside fields, so that the file must not be cut for parallel reading. */
  readonly breaks_in_fields?: boolean
  /** Rows in the object: refused ones included, blank lines and headers not. */
  readonly rows_read: number
  readonly rows_refused: number
  readonly fields: readonly Field[]
  /** Things worth telling that refuse nothing: repairs made, with how often. */
  readonly notes: readonly {
    readonly code: string
    readonly count: number
    readonly message: string
  }[]
}

/** DuckDB's types of JSON fields; all but JSON only where every value of the object is of that kind. */
export type JsonType = 'JSON' | 'VARCHAR' | 'BIGINT' | 'DOUBLE' | 'BOOLEAN'

export type GateResult = RefusedObject | PassedObject

export type Gate = (
  object: StagedObject,
  options: GateOptions,
  duckdb: Duckdb,
) => Promise<GateResult>

/** What validation asks of the formats; `app.ts` hands it in. */
export interface Formats {
  readonly gate: Gate
  /** Table expression with `_row BIGINT` and the named fields: as JSON, as VARCHAR or as typed columns. */
  readPassed(
    object: PassedObject,
    columns: readonly {
      readonly as: string
      readonly from: readonly string[]
      readonly type?: JsonType
    }[],
  ): string
  /** As `readPassed` for many objects of JSON lines at once, with `_file INTEGER`, an object's place among them. */
  readTogether(
    objects: readonly PassedObject[],
    columns: readonly {
      readonly as: string
      readonly from: readonly [string]
      readonly type?: JsonType
    }[],
  ): string
  /** Reads every page of a Parquet file; undefined when all is well. */
  probe(
    object: Pick<StagedObject, 'key' | 'path'>,
    duckdb: Duckdb,
  ): Promise<{ readonly code: ObjectCode; readonly message: string } | undefined>
  /** As `probe`, in a process of its own, which survives a file that ends its reader; others than Parquet pass. */
  probeApart(
    object: Pick<StagedObject, 'key' | 'path'>,
  ): Promise<{ readonly code: ObjectCode; readonly message: string } | undefined>
  /** The delivered text of text rows by number, in ascending order, cut as `raw` of refused rows is. */
  rawRows(
    object: StagedObject,
    options: {
      readonly format: 'jsonl' | 'csv'
      readonly settings: FormatSettings
      readonly rows: readonly number[]
    },
  ): AsyncIterable<{ readonly row: number; readonly raw: string }>
}
