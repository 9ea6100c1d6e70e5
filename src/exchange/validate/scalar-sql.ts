import type { Column } from '../../core/contract/contract.ts'
import { literal } from '../../duckdb/duckdb.ts'
import { datasetType } from './dataset-type.ts'
import {
  type Check,
  DECIMAL_TYPE,
  FLOAT_TYPE,
  INTEGER_TYPE,
  type JsonValue,
  jsonString,
  jsonText,
  type Rule,
  rawJson,
  TEXT_TYPE,
  TIMESTAMP_TYPE,
  type Times,
  wrongType,
} from './source-value.ts'
import {
  dateText,
  epochCount,
  epochText,
  timestampText,
  timeText,
  truncated,
  wallClock,
} from './time-sql.ts'

/** Checks of single values: strings, numbers, booleans, times, UUIDs. */

/** 2^53: 2^53 + 1 is the first integer that a double does not hold, and it becomes 2^53. */
const EXACT_DOUBLE = '9007199254740992'
const UUID = "'[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}'"

/** JSON knows strings, numbers and booleans apart: `"12"` is not 12 unless the contract takes text. */
export function jsonScalar(column: Column, source: JsonValue, times: Times): Check {
  const raw = rawJson(source)
  const isString = `starts_with(${raw}, '"')`
  const isNested = `(starts_with(${raw}, '{') OR starts_with(${raw}, '['))`
  const isBoolean = `(${raw} IN ('true', 'false'))`
  const first = (rule: Rule, check: Check): Check => ({
    ...check,
    rules: (p, v) => [rule, ...check.rules(p, v)],
  })
  const { type } = column
  switch (type.kind) {
    case 'string':
      if (column.accept_integers === true)
        return first(
          ['wrong_type', `NOT ${isString} AND NOT regexp_full_match(${raw}, '-?[0-9]+')`],
          textScalar(column, jsonText(source), times, false),
        )
      if (column.accept_text)
        return first(['wrong_type', isNested], textScalar(column, jsonText(source), times, false))
      break
    case 'integer':
    case 'decimal':
    case 'number':
      return column.accept_text
        ? first(
            ['wrong_type', `(${isNested} OR ${isBoolean})`],
            textScalar(column, jsonText(source), times, true),
          )
        : first(
            ['wrong_type', `(${isString} OR ${isNested} OR ${isBoolean})`],
            textScalar(column, raw, times, false),
          )
    case 'boolean':
      return column.accept_text
        ? textScalar(column, jsonText(source), times, true)
        : {
            value: () => `TRY_CAST(${raw} AS BOOLEAN)`,
            rules: () => [['wrong_type', `NOT ${isBoolean}`]],
          }
    case 'timestamp':
      if (times.epoch_unit !== undefined)
        return jsonEpoch(column, type.zone, source, times, times.epoch_unit)
      break
    default:
  }
  return first(
    ['wrong_type', `NOT ${isString}`],
    textScalar(column, jsonString(source), times, false),
  )
}

/** With an epoch unit a number is a count since 1970; a string is still a time in text. */
function jsonEpoch(
  column: Column,
  zone: string,
  source: JsonValue,
  times: Times,
  unit: NonNullable<Times['epoch_unit']>,
): Check {
  const raw = rawJson(source)
  const isString = `starts_with(${raw}, '"')`
  const text = timestampText(column, zone, jsonString(source), times, false)
  const count = epochText(raw, unit)
  return {
    ...text,
    value: (p) =>
      `CASE WHEN ${isString} THEN ${text.value(p)} ELSE ${truncated(column, count)} END`,
    rules: (p, v) => [
      ['wrong_type', `NOT ${isString} AND NOT regexp_full_match(${raw}, '-?[0-9]+')`],
      ['out_of_range', `NOT ${isString} AND ${v} IS NULL`],
      ...text.rules(p, v),
    ],
  }
}

/** `lenient`: the text has no type of its own (CSV), so `+5` and `007` are integers and `TRUE` a boolean. */
export function textScalar(column: Column, text: string, times: Times, lenient: boolean): Check {
  const { type } = column
  switch (type.kind) {
    case 'string':
      return { prepared: text, value: (p) => p, rules: (_, v) => stringRules(column, v) }
    case 'integer':
      return {
        prepared: text,
        value: (p) => `TRY_CAST(${p} AS ${datasetType(type)})`,
        // A number that prints as it was written was read exactly; only others are looked at closer.
        rules: (p, v) => [
          [
            'wrong_type',
            `${v}::VARCHAR IS DISTINCT FROM ${p} AND NOT regexp_full_match(${p}, '${lenient ? '[+-]?' : '-?'}[0-9]+')`,
          ],
          ['out_of_range', [`${v} IS NULL`, ...integerLimits(column, v)].join(' OR ')],
        ],
      }
    case 'decimal':
      return {
        prepared: text,
        value: (p) => `TRY_CAST(${p} AS ${datasetType(type)})`,
        rules: (p, v) => [
          [
            'wrong_type',
            `NOT regexp_full_match(${p}, '[+-]?[0-9]+([.][0-9]*)?([eE][+-]?[0-9]+)?')`,
          ],
          // A cast would round: more digits than the scale must all be zeros.
          [
            'out_of_range',
            `${v} IS NULL OR contains(lower(${p}), 'e') OR (contains(${p}, '.') AND length(${p}) - strpos(${p}, '.') > ${type.scale} AND length(rtrim(${p}, '0')) - strpos(${p}, '.') > ${type.scale})`,
          ],
        ],
      }
    case 'number':
      return {
        prepared: text,
        value: (p) => `TRY_CAST(${p} AS DOUBLE)`,
        rules: (p, v) => [
          [
            'wrong_type',
            `NOT regexp_full_match(${p}, '[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?')`,
          ],
          [
            'out_of_range',
            `${v} IS NULL OR NOT isfinite(${v}) OR (abs(${v}) >= ${EXACT_DOUBLE} AND regexp_full_match(${p}, '[+-]?[0-9]+') AND coalesce(TRY_CAST(${v} AS HUGEINT) <> TRY_CAST(${p} AS HUGEINT), true))`,
          ],
        ],
      }
    case 'boolean':
      return {
        prepared: text,
        value: (p) => `TRY_CAST(${p} AS BOOLEAN)`,
        rules: (p) => [['wrong_type', `lower(${p}) NOT IN ('true', 'false')`]],
      }
    case 'uuid':
      return {
        prepared: text,
        value: (p) => `TRY_CAST(${p} AS UUID)`,
        // DuckDB also reads UUIDs in braces and without hyphens; what prints as written is canonical.
        rules: (p, v) => [
          [
            'invalid_format',
            `${v}::VARCHAR IS DISTINCT FROM ${p} AND NOT regexp_full_match(${p}, ${UUID})`,
          ],
        ],
      }
    case 'date':
      return dateText(column, text, times)
    case 'time':
      return timeText(column, text, times)
    case 'timestamp':
      return timestampText(column, type.zone, text, times, lenient)
    default:
      throw new Error(`text cannot hold a ${type.kind}`)
  }
}

export function typedScalar(column: Column, sql: string, sourceType: string, times: Times): Check {
  const { type } = column
  const target = datasetType(type)
  const isText = TEXT_TYPE.test(sourceType)
  const isInteger = INTEGER_TYPE.test(sourceType)
  const isDecimal = DECIMAL_TYPE.test(sourceType)
  const isFloat = FLOAT_TYPE.test(sourceType)
  const text = `(${sql})::VARCHAR`
  const exact = (value: string, rules: (v: string) => readonly Rule[] = () => []): Check => ({
    value: () => value,
    rules: (_, v) => rules(v),
  })
  switch (type.kind) {
    case 'string': {
      const taken =
        isText ||
        sourceType === 'UUID' ||
        (column.accept_integers === true && isInteger) ||
        (column.accept_text && (isInteger || isDecimal || isFloat || sourceType === 'BOOLEAN'))
      return taken ? textScalar(column, text, times, false) : wrongType(target)
    }
    case 'uuid':
      if (sourceType === 'UUID') return exact(sql)
      return isText ? textScalar(column, text, times, false) : wrongType(target)
    case 'boolean':
      if (sourceType === 'BOOLEAN') return exact(sql)
      break
    case 'integer':
      if (isInteger)
        return exact(`TRY_CAST(${sql} AS ${target})`, (v) => [
          ['out_of_range', [`${v} IS NULL`, ...integerLimits(column, v)].join(' OR ')],
        ])
      break
    case 'number':
      if (isFloat) return exact(`(${sql})::DOUBLE`, (v) => [['out_of_range', `NOT isfinite(${v})`]])
      if (isInteger)
        return exact(`(${sql})::DOUBLE`, (v) => [
          [
            'out_of_range',
            `abs(${v}) >= ${EXACT_DOUBLE} AND TRY_CAST(${v} AS HUGEINT) IS DISTINCT FROM ${sql}`,
          ],
        ])
      if (isDecimal) return exact(`(${sql})::DOUBLE`)
      break
    case 'decimal':
      if (isInteger || isDecimal)
        return exact(`TRY_CAST(${sql} AS ${target})`, (v) => [
          ['out_of_range', `${v} IS NULL OR ${v} <> ${sql}`],
        ])
      break
    case 'date':
      if (sourceType === 'DATE') return exact(sql, (v) => [['out_of_range', `NOT isfinite(${v})`]])
      break
    case 'time':
      if (/^TIME($| )/.test(sourceType)) return exact(`(${sql})::TIME`)
      break
    case 'timestamp':
      if (TIMESTAMP_TYPE.test(sourceType)) {
        const zoned = /TIME ZONE/.test(sourceType)
        const utc = zoned
          ? `timezone('UTC', ${sql})`
          : wallClock(`(${sql})::TIMESTAMP`, times.zone ?? type.zone)
        return exact(truncated(column, utc), (v) => [
          ['out_of_range', `${v} IS NULL OR NOT isfinite(${v})`],
        ])
      }
      if (isInteger && times.epoch_unit !== undefined)
        return exact(
          truncated(column, epochCount(`TRY_CAST(${sql} AS BIGINT)`, times.epoch_unit)),
          (v) => [['out_of_range', `${v} IS NULL`]],
        )
      break
    default:
  }
  return isText && column.accept_text ? textScalar(column, text, times, true) : wrongType(target)
}

/** Limits that the dataset's wider type does not keep by itself. */
function integerLimits(column: Column, value: string): string[] {
  const { type } = column
  if (type.kind !== 'integer') return []
  if (!type.signed) return [`${value} NOT BETWEEN 0 AND ${2n ** BigInt(type.bits) - 1n}`]
  return type.bits === 8 ? [`${value} NOT BETWEEN -128 AND 127`] : []
}

const FORMATS = {
  uuid: '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}',
  email: '[^@\\s]+@[^@\\s]+[.][^@\\s]+',
  uri: '[A-Za-z][A-Za-z0-9+.-]*:[^\\s]*',
  hostname:
    '[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?([.][A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*',
  ipv4: '((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])[.]){3}(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])',
  ipv6: '[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*',
} as const

function stringRules(column: Column, text: string): Rule[] {
  const patterns = [
    ...(column.format === undefined ? [] : [FORMATS[column.format]]),
    ...(column.pattern === undefined ? [] : [column.pattern]),
  ]
  const rules = patterns.map(
    (p): Rule => ['invalid_format', `NOT regexp_full_match(${text}, ${literal(p)})`],
  )
  if (column.min_length !== undefined)
    rules.push(['invalid_format', `length(${text}) < ${column.min_length}`])
  if (column.max_length !== undefined)
    rules.push(['invalid_format', `length(${text}) > ${column.max_length}`])
  return rules
}
