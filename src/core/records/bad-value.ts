import { type JsonValue, jsonText } from './exact-json.ts'

/** A value that fitted no type of its field. */
export interface BadValue {
  /** Path in the record by the names of the data, such as `user.tags.[0]`. */
  readonly field: string
  readonly code: 'wrong_type' | 'out_of_range' | 'bad_time'
  readonly message: string
  /** What it said, as JSON text, at most 200 characters. */
  readonly raw: string
  /** What stands in its place: nothing, or its text where the field may hold a string. */
  readonly kept_as: 'null' | 'text'
}

/** An entry of `_airbyte_meta.changes` (Airbyte protocol v0, AirbyteRecordMessageMetaChange). */
export interface MetaChange {
  readonly field: string
  readonly change: 'NULLED'
  readonly reason: 'DESTINATION_SERIALIZATION_ERROR' | 'DESTINATION_FIELD_SIZE_LIMITATION'
}

/** The entry for a value that was set to null. */
export const changeOf = ({ field, code }: BadValue): MetaChange => ({
  field,
  change: 'NULLED',
  reason:
    code === 'out_of_range'
      ? 'DESTINATION_FIELD_SIZE_LIMITATION'
      : 'DESTINATION_SERIALIZATION_ERROR',
})

const MAX_RAW = 200

/** The first characters of the value's JSON text. */
export function rawText(value: JsonValue): string {
  const text = jsonText(value)
  return text.length <= MAX_RAW ? text : `${text.slice(0, MAX_RAW - 1)}…`
}

/** Where a converter stands: each container has one, whose key moves; nothing is built until something is bad. */
export class Place {
  key: string | number = ''
  readonly outer: Place | undefined

  constructor(outer: Place | undefined) {
    this.outer = outer
  }

  path(): string {
    const own = typeof this.key === 'number' ? `[${this.key}]` : this.key
    return this.outer === undefined ? own : `${this.outer.path()}.${own}`
  }
}
