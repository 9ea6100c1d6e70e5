import { z } from 'zod'

/** Markdown tables out of zod schemas, by way of their JSON schema. */

export interface JsonSchema {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: JsonSchema | boolean
  readonly items?: JsonSchema
  readonly oneOf?: readonly JsonSchema[]
  readonly anyOf?: readonly JsonSchema[]
  readonly secret?: boolean
  readonly $ref?: string
}

/** What a user writes (`io: 'input'`), not what it is parsed into. */
export const jsonSchemaOf = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as JsonSchema

/** A text inside a table cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

const code = (value: unknown): string =>
  `\`${typeof value === 'string' ? value || "''" : JSON.stringify(value)}\``

const variantsOf = (schema: JsonSchema): readonly JsonSchema[] => schema.oneOf ?? schema.anyOf ?? []

/** A union of objects told apart by `type` or another constant. */
const isTagged = (schema: JsonSchema): boolean =>
  variantsOf(schema).length > 0 && variantsOf(schema).every((each) => tagOf(each) !== undefined)

/** The field that tells a variant from its siblings, and its value. */
function tagOf(variant: JsonSchema): readonly [string, unknown] | undefined {
  const found = Object.entries(variant.properties ?? {}).find(
    ([, each]) => each.const !== undefined,
  )
  return found && [found[0], found[1].const]
}

/** A type in words for a table cell. */
export function typeText(schema: JsonSchema): string {
  if (schema.secret) return 'text, `{ env: NAME }` or `{ file: PATH }`'
  if (schema.const !== undefined) return code(schema.const)
  if (schema.enum) return schema.enum.map(code).join(', ')
  if (isTagged(schema)) {
    const [first] = variantsOf(schema)
    const name = first && tagOf(first)?.[0]
    return `by \`${name}\`: ${variantsOf(schema)
      .map((each) => code(tagOf(each)?.[1]))
      .join(', ')}`
  }
  if (variantsOf(schema).length > 0) return variantsOf(schema).map(typeText).join(' or ')
  if (schema.type === 'array') {
    const items = schema.items ? typeText(schema.items) : 'any'
    return items.includes(' or list of ') ? `list of (${items})` : `list of ${items}`
  }
  if (schema.type === 'object') {
    return typeof schema.additionalProperties === 'object' && !schema.properties
      ? 'by name'
      : 'object'
  }
  if (schema.type === 'integer' || schema.type === 'number') return numberText(schema)
  if (schema.type === 'boolean') return '`true` or `false`'
  if (schema.type === 'null') return '`null`'
  if (schema.type === 'string') return 'text'
  return schema.$ref === undefined ? 'any' : 'object'
}

function numberText(schema: JsonSchema): string {
  const noun = schema.type === 'integer' ? 'whole number' : 'number'
  const { minimum, maximum } = schema
  const least = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? minimum : undefined
  const most = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined
  if (least !== undefined && most !== undefined) return `${noun} ${least} to ${most}`
  if (least !== undefined) return `${noun} from ${least}`
  return most === undefined ? noun : `${noun} up to ${most}`
}

/** A union's remarks stand on its variants' tags: `type: z.literal('x').describe(…)`. */
function descriptionOf(schema: JsonSchema): string {
  return schema.description ?? ''
}

/** The fields of an object as a table. */
export function fieldTable(schema: JsonSchema): string {
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const needed = schema.required?.includes(name) && field.default === undefined
    const standard = needed
      ? 'required'
      : field.default === undefined || typeof field.default === 'object'
        ? ''
        : code(field.default)
    return `| \`${name}\` | ${cell(typeText(field))} | ${cell(standard)} | ${cell(descriptionOf(field))} |`
  })
  return ['| setting | value | default | |', '|---|---|---|---|', ...rows].join('\n')
}

/** What an object of a document that is written holds. */
export function memberTable(schema: JsonSchema): string {
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const optional = schema.required?.includes(name) ? '' : ', may be absent'
    return `| \`${name}\` | ${cell(typeText(field))}${optional} | ${cell(descriptionOf(field))} |`
  })
  return ['| member | value | |', '|---|---|---|', ...rows].join('\n')
}

/**
 * An object and all objects in it, a section each, outer ones first. `path` names where it stands
 * in the document; '' is the document itself.
 */
export function sections(schema: JsonSchema, path: string): readonly string[] {
  const out: string[] = []
  if (isTagged(schema)) {
    for (const variant of variantsOf(schema)) {
      const [name, value] = tagOf(variant) ?? []
      const remark = variant.properties?.[String(name)]?.description
      out.push(
        `### \`${path}\` with \`${name}: ${String(value)}\`\n${remark ? `\n${remark}\n` : ''}\n${fieldTable(variant)}`,
        ...inner(variant, path),
      )
    }
  } else if (schema.properties) {
    out.push(
      `## ${path === '' ? 'The file' : `\`${path}\``}\n${path !== '' && schema.description ? `\n${schema.description}\n` : ''}\n${fieldTable(schema)}`,
      ...inner(schema, path),
    )
  } else if (typeof schema.additionalProperties === 'object') {
    out.push(...sections(schema.additionalProperties, `${path}.NAME`))
  }
  return out
}

function inner(schema: JsonSchema, path: string): readonly string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    field.secret ? [] : sections(field, path === '' ? name : `${path}.${name}`),
  )
}
