import { type AvroSchema, branchesOf } from '../../src/core/records/avro-schema.ts'

/**
 * Avro schemas in a line, for tests and messages: `[null, long]`, `record a@ns='b'{id: [null, long]; AAP}`;
 * AAP is the map of further properties. A field without a default says so.
 */
export function avroNotation(schema: AvroSchema): string {
  if (typeof schema === 'string') return schema
  if (!('type' in schema)) {
    const all = schema.includes('null') ? ['null', ...branchesOf(schema)] : branchesOf(schema)
    return `[${all.map((branch) => avroNotation(branch as AvroSchema)).join(', ')}]`
  }
  switch (schema.type) {
    case 'array':
      return `array<${avroNotation(schema.items)}>`
    case 'map':
      return `map<${avroNotation(schema.values)}>`
    case 'record': {
      const fields = schema.fields.map((field) => {
        const type = avroNotation(field.type)
        if (field.name === '_airbyte_additional_properties' && type === '[null, map<string>]') {
          return field.default === null ? 'AAP' : 'AAP (no default)'
        }
        const doc = field.doc === undefined ? '' : ` /*doc ${field.doc}*/`
        return `${field.name}: ${type}${doc}${field.default === null ? '' : ' (no default)'}`
      })
      const namespace = schema.namespace === undefined ? '' : `@ns='${schema.namespace}'`
      return `record ${schema.name}${namespace}{${fields.join('; ')}}`
    }
    default: {
      const name =
        schema.logicalType === undefined ? schema.type : `${schema.type}:${schema.logicalType}`
      return schema.airbyte_type === undefined ? name : `${name} (${schema.airbyte_type})`
    }
  }
}
