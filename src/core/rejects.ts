/** Why a row or an object is refused. The reference page of codes is generated from these tables. */
export const ROW_CODES = {
  invalid_utf8: 'The row holds bytes that are not UTF-8 (or not the declared encoding).',
  invalid_json: 'The line is not valid JSON (RFC 8259).',
  not_an_object: 'The line is valid JSON, but not an object.',
  duplicate_key: 'A name appears twice in one JSON object, or twice in a CSV header.',
  invalid_name: 'A field has a name no column can have: it is empty or holds U+0000.',
  line_too_long: 'The row is longer than the format allows.',
  too_deep: 'The JSON is nested deeper than the format allows.',
  wrong_field_count: 'The CSV record has more or fewer fields than the header.',
  unclosed_quote: 'A quoted CSV field is never closed, or has text after its closing quote.',
  nested_value: 'An object or array stands where the contract wants flat values.',
  missing_column: 'A required field is not there.',
  null_value: 'A required field is null.',
  wrong_type: 'The value is of another type than the contract declares.',
  out_of_range: 'The value is outside the declared limits, or does not fit its type exactly.',
  invalid_format: 'The text does not have the declared format, length or pattern.',
  not_in_enum: 'The value is not one of those the contract lists.',
  missing_key: 'A required key of a map is not there, or is null.',
  duplicate_map_key: 'Two keys of a map are the same after lower-casing.',
  out_of_partition: 'The row belongs to another partition.',
  unexpected_column: 'The field is not in the contract, and the feed refuses new ones.',
  key_conflict: 'Two fields of the row have the same name without regard to case.',
} as const satisfies Record<string, string>

export const OBJECT_CODES = {
  corrupt_object: 'The bytes are damaged: a truncated or broken archive or Parquet file.',
  wrong_format: 'The content is another format than the feed expects.',
  empty_object: 'The object has no bytes.',
  encoding: 'The content is in another character encoding than the feed declares.',
  too_large: 'The object expands beyond the limit the feed sets.',
  unreadable: 'The object uses a feature that cannot be read, such as encryption.',
  header: 'The CSV header is missing, empty or names a column twice.',
} as const satisfies Record<string, string>

export type RowCode = keyof typeof ROW_CODES
export type ObjectCode = keyof typeof OBJECT_CODES
