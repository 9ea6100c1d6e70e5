/**
 * The compiled form of a contract: what the checks run on. `core/odcs.ts` reads an Open Data
 * Contract Standard document into it; nothing downstream looks at the document again.
 */

export type ColumnType =
  | { readonly kind: 'string' }
  /** Signed or unsigned whole numbers of 8 to 64 bits; the dataset stores signed types only. */
  | { readonly kind: 'integer'; readonly bits: 8 | 16 | 32 | 64; readonly signed: boolean }
  /** IEEE 754 double. */
  | { readonly kind: 'number' }
  /** Exact: a value with more digits than `scale` is refused, never rounded. */
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'date' }
  | { readonly kind: 'time' }
  /** An instant, stored as UTC microseconds. `zone` is that of texts that name none. */
  | { readonly kind: 'timestamp'; readonly zone: string }
  | { readonly kind: 'uuid' }
  /** Any JSON value, kept as its text; with `must_be_object` any JSON object. */
  | { readonly kind: 'json'; readonly must_be_object?: boolean }
  | { readonly kind: 'map'; readonly value: ColumnType }
  | { readonly kind: 'object'; readonly fields: readonly Column[] }
  | { readonly kind: 'array'; readonly item: ColumnType }

/** What a map column promises about its keys. */
export interface MapKeys {
  /** Each entry lists the names under which one required key may come; the first is the name kept. */
  readonly required: readonly (readonly string[])[]
  /** Keys that become real columns `<column>_<key>` of the dataset, beside the map itself. */
  readonly declared: readonly string[]
  /** Keys are lower-cased on load; two that become one are refused. */
  readonly lower_case: boolean
}

export interface Column {
  /** Name in the dataset. */
  readonly name: string
  /** Names under which it may be delivered; the first is `name` or the physical name. */
  readonly names: readonly string[]
  readonly type: ColumnType
  /** The field must be there and not null. */
  readonly required: boolean
  readonly description?: string
  readonly semantic: 'column' | 'dimension' | 'measure'
  /** Permitted values. Numbers that a double cannot hold exactly are given as their text. */
  readonly enum?: readonly (string | number)[]
  /** Length limits of strings, in characters. */
  readonly min_length?: number
  readonly max_length?: number
  /** ECMA-262 source without look-around and back references; the whole value must match. */
  readonly pattern?: string
  /** Named string format the value must have. */
  readonly format?: 'uuid' | 'email' | 'uri' | 'hostname' | 'ipv4' | 'ipv6'
  /** Limits as exact decimal text, or ISO 8601 for dates and times. */
  readonly minimum?: string
  readonly maximum?: string
  readonly exclusive_minimum?: string
  readonly exclusive_maximum?: string
  readonly multiple_of?: string
  /** Limits on the number of items of arrays, entries of maps, fields of JSON objects. */
  readonly min_items?: number
  readonly max_items?: number
  /** Pattern of a date or time in the JDK letters the standard uses, where it is not ISO 8601. */
  readonly time_format?: string
  /** Timestamps lose what is finer than this; undefined keeps microseconds. */
  readonly truncate?: 'milliseconds' | 'seconds'
  readonly keys?: MapKeys
  /** A map, object or array may also come as its JSON text. */
  readonly accept_json_text: boolean
  /** A number, boolean or time may also come as text in typed formats (`"12"` for 12). */
  readonly accept_text: boolean
  /** A string may also come as a whole number in typed formats; its digits are kept. */
  readonly accept_integers?: boolean
  /** JSON text with a comma before its closing bracket is read as if it were not there, and counted. */
  readonly repair_trailing_comma: boolean
  readonly unique: boolean
  readonly examples: readonly unknown[]
  /** Place of the property in the document, for messages. */
  readonly line?: number
}

/** A number to compare a quality metric with; bounds are inclusive unless `exclusive`. */
export interface Threshold {
  readonly operator:
    | 'must_be'
    | 'must_not_be'
    | 'must_be_greater_than'
    | 'must_be_greater_or_equal_to'
    | 'must_be_less_than'
    | 'must_be_less_or_equal_to'
    | 'must_be_between'
    | 'must_not_be_between'
  readonly values: readonly number[]
}

/** A check on the whole partition, run on its valid rows before they are published. */
export type QualityRule = {
  readonly name: string
  readonly description?: string
  readonly threshold: Threshold
  readonly unit: 'rows' | 'percent'
  /** A broken rule of severity `warning` is reported and does not refuse the partition. */
  readonly severity: 'error' | 'warning'
} & (
  | { readonly metric: 'row_count' }
  | {
      readonly metric: 'null_values' | 'missing_values'
      readonly column: string
      readonly missing?: readonly unknown[]
    }
  | {
      readonly metric: 'invalid_values'
      readonly column: string
      readonly valid?: readonly unknown[]
      readonly pattern?: string
    }
  | { readonly metric: 'duplicate_values'; readonly columns: readonly string[] }
  /** One number; `${table}`/`{object}` stand for the partition's rows, `${column}` for the column. */
  | { readonly metric: 'sql'; readonly query: string; readonly column?: string }
)

/** A time of day in a zone, some days after the partition's day. */
export interface Deadline {
  readonly hour: number
  readonly minute: number
  readonly zone: string
  readonly days_after: number
}

export interface ServiceLevels {
  /** `timeOfAvailability`: when a daily partition must be complete. */
  readonly available_by?: Deadline
  /** `latency`: how long after its end a partition may be complete, in milliseconds. */
  readonly latency_ms?: number
  /** `frequency`: the partitions a partner is expected to deliver. */
  readonly frequency?: Grain
  /** `errorRate`: error budget in percent of a partition's rows. */
  readonly error_rate_percent?: number
  /** `retention`: how long datasets are kept, in milliseconds. */
  readonly retention_ms?: number
}

/** Length of a partition. */
export type Grain = '15 minutes' | 'hour' | 'day' | 'month' | 'year'

/**
 * An aggregate that explorers offer, such as `sum(revenue) / nullif(sum(impressions), 0)`. Columns
 * of semantic `measure` are summed besides; `offeredMeasures` puts both together.
 */
export interface Measure {
  readonly name: string
  readonly title?: string
  readonly description?: string
  readonly expression: string
}

/** Something in the document that is kept and reported, but that no check runs. */
export interface NotExecuted {
  readonly path: string
  readonly line?: number
  readonly reason: string
}

export interface Contract {
  readonly id: string
  readonly name: string
  readonly version: string
  readonly columns: readonly Column[]
  /** Names of the primary key's columns, in key order; empty without one. */
  readonly key: readonly string[]
  /** The column by which a row belongs to its partition (`partitioned: true`). */
  readonly time_column?: string
  /** The column whose greatest value wins an upsert. */
  readonly version_column?: string
  /** A field that is not declared may hold no object or array (`nested_value`). */
  readonly flat: boolean
  /** Names in files are matched without regard to case. */
  readonly ignore_case: boolean
  /** What happens to fields that are not declared, unless the feed says otherwise. */
  readonly new_columns: 'evolve' | 'rescue' | 'reject'
  readonly deduplicate: Scope
  readonly publish?: PublishMode
  readonly advice?: { readonly file_bytes?: number; readonly file_rows?: number }
  readonly quality: readonly QualityRule[]
  readonly service_levels: ServiceLevels
  readonly measures: readonly Measure[]
  readonly not_executed: readonly NotExecuted[]
  /** Remarks on the document itself, such as a key known under two names. */
  readonly notes: readonly string[]
}

/** How far duplicates of a key are looked for. */
export type Scope =
  | { readonly scope: 'partition' }
  | { readonly scope: 'days'; readonly days: number }
  | { readonly scope: 'feed' }

export type PublishMode = 'replace' | 'append' | 'upsert'
