import type { Column } from '../../core/contract/contract.ts'
import type { FormatSettings } from '../../core/settings.ts'

/** Where the rows hold a column's value, as SQL. */
export type SourceValue =
  /** A JSON value as DuckDB's JSON reader keeps it; null and absent are both NULL. */
  | {
      readonly kind: 'json'
      readonly sql: string
      /** Values that DuckDB would have changed may come as marked text (`format/read-passed.ts`). */
      readonly markers: boolean
      /** Texts that json_valid may be too kind to have a verdict in `json_judgements`. */
      readonly judged?: boolean
    }
  /** The content of JSON strings: the gate counted no value of another kind. */
  | { readonly kind: 'string'; readonly sql: string; readonly judged?: boolean }
  /** Text without a type of its own, as in CSV. */
  | { readonly kind: 'text'; readonly sql: string; readonly judged?: boolean }
  /** A value with a DuckDB type, as in Parquet. */
  | {
      readonly kind: 'typed'
      readonly sql: string
      readonly type: string
      readonly judged?: boolean
      /** What the map's keys are, where that was looked at. */
      readonly keys?: MapKeys
    }
  | { readonly kind: 'absent' }

/** The keys of a map over all rows: a look at them is far cheaper than a rule on every row. */
export interface MapKeys {
  /** Every key that occurs. */
  readonly names: ReadonlySet<string>
  /** No row has one twice, not even in another case where the contract wants lower case. */
  readonly unique: boolean
  readonly all_lower: boolean
}

export type PresentValue = Exclude<SourceValue, { readonly kind: 'absent' }>
export type JsonValue = Extract<SourceValue, { readonly kind: 'json' }>

export type Times = FormatSettings['times']

/** A condition under which a value that is not null breaks a rule. */
export type Rule = readonly [code: string, broken: string]

/**
 * How a value is checked, in steps that a query computes once each: the text or part of the
 * source that everything else looks at, the value in the dataset's type, and the rules in order.
 * DuckDB's casts are too kind to trust (`1.5` becomes 2, `24:00:00` the next day, decimals are
 * rounded), so a value is cast with TRY_CAST and proved against its text.
 */
export interface Check {
  readonly prepared?: string
  readonly value: (prepared: string) => string
  readonly rules: (prepared: string, value: string) => readonly Rule[]
}

/** Checks a value of any type; handed down so that nested types can check what they hold. */
export type CheckValue = (column: Column, source: PresentValue, times: Times) => Check

/** A check as one value expression and rules over it, for use inside a lambda. */
export function inlined(check: Check): { readonly value: string; readonly rules: readonly Rule[] } {
  const prepared = check.prepared ?? ''
  const value = check.value(prepared)
  return { value, rules: check.rules(prepared, value) }
}

/** The check of a source type that can never hold the column's type. */
export const wrongType = (type: string): Check => ({
  value: () => `NULL::${type}`,
  rules: () => [['wrong_type', 'true']],
})

export const jsonNull = (sql: string): string => `(${sql} IS NULL OR (${sql})::VARCHAR = 'null')`

/** JSON text of a value as delivered. */
export function rawJson(source: Pick<JsonValue, 'sql' | 'markers'>): string {
  const text = `(${source.sql})::VARCHAR`
  return source.markers
    ? `CASE WHEN starts_with(${text}, '"\\u0001') THEN substr((${source.sql})->>'$', 2) ELSE ${text} END`
    : text
}

/** The content of a JSON string. */
export function jsonString(source: Pick<JsonValue, 'sql' | 'markers'>): string {
  return source.markers ? `((${rawJson(source)})::JSON->>'$')` : `(${source.sql}->>'$')`
}

/** A JSON string's content, and any other value's JSON text. */
export const jsonText = (source: Pick<JsonValue, 'sql' | 'markers'>): string =>
  `CASE WHEN starts_with(${rawJson(source)}, '"') THEN ${jsonString(source)} ELSE ${rawJson(source)} END`

export const INTEGER_TYPE = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/
export const DECIMAL_TYPE = /^DECIMAL\((\d+),\s*(\d+)\)$/
export const FLOAT_TYPE = /^(DOUBLE|FLOAT)$/
export const TIMESTAMP_TYPE = /^TIMESTAMP/
export const TEXT_TYPE = /^(VARCHAR|ENUM\(|JSON$)/
