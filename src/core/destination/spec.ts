import { z } from 'zod'
import { AirbyteConfig } from './airbyte-config.ts'

/** A JSON schema as platforms draw forms from it. */
interface FormSchema {
  properties?: Record<string, FormSchema>
  additionalProperties?: unknown
  oneOf?: FormSchema[]
  order?: number
  type?: string
  maximum?: number
}

/**
 * The ConnectorSpecification (Airbyte protocol v0): what a platform asks for first, to draw the form of
 * the configuration and to know what the destination can do.
 */
export function airbyteSpec(): object {
  const { $schema, ...schema } = z.toJSONSchema(AirbyteConfig, {
    io: 'input',
    target: 'draft-7',
    reused: 'inline',
  }) as FormSchema & { $schema?: string }
  return {
    documentationUrl: 'https://docs.airbyte.com/integrations/destinations/s3',
    connectionSpecification: { $schema, ...ordered(schema) },
    supportsIncremental: true,
    supportsNormalization: false,
    supportsDBT: false,
    supported_destination_sync_modes: ['overwrite', 'append', 'append_dedup'],
    protocol_version: '0.2.0',
  }
}

/** Gives the properties of every object their order in the form. */
function ordered(schema: FormSchema): FormSchema {
  const { properties, oneOf, additionalProperties, maximum } = schema
  const fields = Object.entries(properties ?? {}).map(
    ([name, each], order) => [name, { ...ordered(each), order }] as const,
  )
  const { maximum: _, ...unlimited } = schema
  return {
    // Whole numbers have the greatest exact one as their limit, which is no limit a form has to show.
    ...(maximum === Number.MAX_SAFE_INTEGER ? unlimited : schema),
    ...(properties === undefined ? {} : { properties: Object.fromEntries(fields) }),
    ...(properties === undefined || additionalProperties === undefined
      ? {}
      : { additionalProperties: true }),
    ...(oneOf === undefined ? {} : { oneOf: oneOf.map(ordered) }),
  }
}
