import type { ColumnType } from '../../core/contract/contract.ts'
import { identifier } from '../../duckdb/duckdb.ts'

/** DuckDB's type of a column in the dataset. */
export function datasetType(type: ColumnType): string {
  switch (type.kind) {
    case 'string':
      return 'VARCHAR'
    case 'integer':
      return integerType(type.bits, type.signed)
    case 'number':
      return 'DOUBLE'
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`
    case 'boolean':
      return 'BOOLEAN'
    case 'date':
      return 'DATE'
    case 'time':
      return 'TIME'
    case 'timestamp':
      return 'TIMESTAMP'
    case 'uuid':
      return 'UUID'
    case 'json':
      return 'JSON'
    case 'map':
      return `MAP(VARCHAR, ${datasetType(type.value)})`
    case 'array':
      return `${datasetType(type.item)}[]`
    case 'object':
      return `STRUCT(${type.fields.map((f) => `${identifier(f.name)} ${datasetType(f.type)}`).join(', ')})`
  }
}

/** Unsigned types take the next wider signed one: other engines have no unsigned integers. */
function integerType(bits: 8 | 16 | 32 | 64, signed: boolean): string {
  const width = signed ? bits : bits * 2
  if (width <= 16) return 'SMALLINT'
  if (width <= 32) return 'INTEGER'
  return width <= 64 ? 'BIGINT' : 'DECIMAL(20,0)'
}
