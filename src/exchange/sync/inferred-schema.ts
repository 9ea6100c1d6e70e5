import type { JsonSchema } from '../../core/destination/stream.ts'
import { readTypeName, type TypeName } from '../../core/duckdb-type.ts'

/** A column with DuckDB's name of its type. */
export interface TypedColumn {
  readonly name: string
  readonly type: string
}

/**
 * A JSON schema of rows with these columns. `times`: types of time are kept; they are left texts where they
 * were only guessed from what texts looked like.
 */
export const jsonSchemaOf = (
  columns: readonly TypedColumn[],
  { times }: { readonly times: boolean },
): JsonSchema => ({
  type: 'object',
  properties: Object.fromEntries(
    columns.map(({ name, type }) => [name, schemaOf(readTypeName(type), times)]),
  ),
})

const nullable = (type: string, more: JsonSchema = {}): JsonSchema => ({
  type: ['null', type],
  ...more,
})

function schemaOf(type: TypeName | undefined, times: boolean): JsonSchema {
  // Any value.
  if (type === undefined) return {}
  if ('list' in type) return nullable('array', { items: schemaOf(type.list, times) })
  if ('map' in type) return nullable('object')
  if ('struct' in type) {
    const fields = type.struct.map((field) => [field.name, schemaOf(field.type, times)])
    return nullable('object', { properties: Object.fromEntries(fields) })
  }
  return ofName(type.name.toUpperCase(), times)
}

function ofName(name: string, times: boolean): JsonSchema {
  if (/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(name)) return nullable('integer')
  if (/^(FLOAT|DOUBLE|REAL|DECIMAL|NUMERIC|BIGNUM)$/.test(name)) return nullable('number')
  if (name === 'BOOLEAN') return nullable('boolean')
  if (name === 'JSON') return {}
  if (!times) return nullable('string')
  if (name === 'DATE') return nullable('string', { format: 'date' })
  if (/^TIMESTAMP (WITH TIME ZONE|TZ)$|^TIMESTAMPTZ$/.test(name))
    return nullable('string', { format: 'date-time', airbyte_type: 'timestamp_with_timezone' })
  if (name.startsWith('TIMESTAMP') || name === 'DATETIME')
    return nullable('string', { format: 'date-time', airbyte_type: 'timestamp_without_timezone' })
  return nullable('string')
}
