import type { OutputSchema } from '../../core/destination/output.ts'

/** The columns each row begins with, in their order; the record's data follows. */
export const BUILT_IN_COLUMNS: Readonly<Record<OutputSchema, readonly string[]>> = {
  v1: ['_airbyte_ab_id', '_airbyte_emitted_at'],
  v2: ['_airbyte_raw_id', '_airbyte_extracted_at', '_airbyte_meta', '_airbyte_generation_id'],
}

/** The version of the UUIDs in the first of them. */
export const ROW_ID_VERSION: Readonly<Record<OutputSchema, 4 | 7>> = { v1: 4, v2: 7 }

/** The column of the whole data. */
export const DATA_COLUMN = '_airbyte_data'

/**
 * The names that fields get beside the built-in columns: their own, but for one that a built-in column has,
 * which is followed by the first of `_1`, `_2`, … that no other field has. So neither value is lost.
 */
export function columnNames(names: readonly string[], schema: OutputSchema): readonly string[] {
  const built_in = BUILT_IN_COLUMNS[schema]
  if (!names.some((name) => built_in.includes(name))) return names
  const taken = new Set(names)
  // A name given twice stays one name.
  const renamed = new Map<string, string>()
  return names.map((name) => {
    if (!built_in.includes(name)) return name
    const known = renamed.get(name)
    if (known !== undefined) return known
    let count = 1
    while (taken.has(`${name}_${count}`)) count++
    const free = `${name}_${count}`
    taken.add(free)
    renamed.set(name, free)
    return free
  })
}
