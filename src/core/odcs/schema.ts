import { z } from 'zod'

/**
 * The Open Data Contract Standard 3.2.0 document, as this product reads it. Field names are the
 * standard's own. Every field of the standard is known here, also those that nothing executes, so
 * that a misspelt name is told from an unusual one. Nothing is dropped: `odcs.ts` reports what
 * stays without effect.
 */

const text = z.string()
const names = z.array(text)
/** A scalar: the standard's AnyNonCollectionType. */
const Scalar = z.union([text, z.number(), z.boolean(), z.null()], {
  error: 'expected a text, a number, a boolean or null',
})
const present = z
  .unknown()
  .refine((value) => value !== undefined, { error: 'is missing', abort: true })

const StableId = text
  .regex(/^[^\s.#/\\@!%&^]+$/, 'an id may hold no space and none of . # / \\ @ ! % & ^')
  .optional()
  .describe('Stable identifier, unique in its list.')
const tags = names.optional().describe('Free tags.')

export const CustomProperty = z.strictObject({
  id: StableId,
  property: text.describe('Name, in camel case.'),
  value: present.describe('Value.'),
  description: text.optional(),
  vendor: text.optional().describe('Whose word this is; other vendors’ words are not executed.'),
})
export type CustomProperty = z.output<typeof CustomProperty>
const customProperties = z.array(CustomProperty).optional().describe('Words beyond the standard.')

const authoritativeDefinitions = z
  .array(z.strictObject({ id: StableId, url: text, type: text, description: text.optional() }))
  .optional()
  .describe('Links to definitions elsewhere.')

const described = { authoritativeDefinitions, tags, customProperties }

const Context = z
  .union(
    [
      text,
      z.strictObject({
        instructions: text.optional(),
        verifiedStatements: z
          .array(
            z.strictObject({
              id: text.optional(),
              question: text,
              answer: text.optional(),
              ...described,
            }),
          )
          .optional(),
        constraints: z
          .array(z.strictObject({ id: text.optional(), constraint: text, ...described }))
          .optional(),
      }),
    ],
    { error: 'expected a text, or instructions, verifiedStatements and constraints' },
  )
  .optional()
  .describe('Guidance for people and programs; documentation only.')

const synonyms = z
  .array(
    z.strictObject({
      id: StableId,
      synonym: text,
      description: text.optional(),
      locale: text.optional(),
      source: text.optional(),
      status: text.optional(),
      customProperties,
    }),
  )
  .optional()
  .describe('Other names for people; see `acceptedNames` for names in files.')

const pair = (what: string) =>
  z
    .tuple([z.number(), z.number()], { error: `${what} needs two numbers, the smaller first` })
    .refine(([low, high]) => low < high, `${what} needs two numbers, the smaller first`)
    .optional()

/** The standard's comparison operators; exactly one stands in a rule that is executed. */
export const OPERATORS = {
  mustBe: 'must_be',
  mustNotBe: 'must_not_be',
  mustBeGreaterThan: 'must_be_greater_than',
  mustBeGreaterOrEqualTo: 'must_be_greater_or_equal_to',
  mustBeLessThan: 'must_be_less_than',
  mustBeLessOrEqualTo: 'must_be_less_or_equal_to',
  mustBeBetween: 'must_be_between',
  mustNotBeBetween: 'must_not_be_between',
} as const

export const Quality = z
  .strictObject({
    id: StableId,
    name: text.optional().describe('Name of the rule in reports.'),
    description: text.optional(),
    type: z
      .enum(['text', 'library', 'sql', 'custom'])
      .optional()
      .describe('Kind of rule; `library` where `metric` is given. `text` and `custom` do not run.'),
    metric: z
      .enum(['nullValues', 'missingValues', 'invalidValues', 'duplicateValues', 'rowCount'])
      .optional()
      .describe('Number that the rule compares.'),
    rule: text.optional().describe('Former name of `metric`.'),
    arguments: z
      .record(text, z.unknown())
      .optional()
      .describe(
        '`missingValues`, `validValues`, `pattern` and `properties`, as the metric needs them.',
      ),
    query: text
      .optional()
      .describe('SQL that gives one number; `{object}` is the partition, `{property}` the column.'),
    engine: text.optional(),
    implementation: z.union([text, z.record(text, z.unknown())]).optional(),
    mustBe: z.unknown().optional(),
    mustNotBe: z.unknown().optional(),
    mustBeGreaterThan: z.number().optional(),
    mustBeGreaterOrEqualTo: z.number().optional(),
    mustBeLessThan: z.number().optional(),
    mustBeLessOrEqualTo: z.number().optional(),
    mustBeBetween: pair('mustBeBetween'),
    mustNotBeBetween: pair('mustNotBeBetween'),
    unit: text.optional().describe('`rows` (default) or `percent`.'),
    severity: text
      .optional()
      .describe('`error` (default) refuses the partition; `warning` and `info` are reported.'),
    dimension: z
      .enum([
        'accuracy',
        'completeness',
        'conformity',
        'consistency',
        'coverage',
        'timeliness',
        'uniqueness',
      ])
      .optional(),
    businessImpact: text.optional(),
    method: text.optional(),
    schedule: text.optional().describe('Not executed: rules run with every load.'),
    scheduler: text.optional().describe('Not executed.'),
    ...described,
  })
  .describe('A check on the whole partition.')
export type Quality = z.output<typeof Quality>

const reference = z.union([text, names.min(1)], {
  error: 'expected a reference or a list of references',
})
const Relationship = z.strictObject({
  id: text.optional(),
  type: z.literal('foreignKey').optional(),
  from: reference.optional(),
  to: reference,
  customProperties,
})
const relationships = z.array(Relationship).optional().describe('Foreign keys; not executed.')

/** Fields of both schema objects and properties. */
const element = {
  id: StableId,
  physicalType: text
    .optional()
    .describe('Type in the source, such as `DECIMAL(24, 6)` or `UUID`; refines the logical type.'),
  physicalName: text.optional().describe('Name in the delivered files, where it is another.'),
  description: text.optional().describe('What it is.'),
  businessName: text.optional().describe('Title for people.'),
  deprecated: z.boolean().optional(),
  synonyms,
  ...described,
}

export const EnumValue = z.strictObject({
  value: Scalar.describe('The permitted value.'),
  label: text.optional(),
  id: StableId,
  description: text.optional(),
  ...described,
})

const count = z.int().min(0).optional()
const bound = z.union([text, z.number()], { error: 'expected a number, or a text for times' })

/** All options of all logical types; `odcs-types.ts` checks which belong to which. */
export const LogicalTypeOptions = z
  .strictObject({
    minLength: count.describe('string: fewest characters.'),
    maxLength: count.describe('string: most characters.'),
    pattern: text.optional().describe('string: regular expression the whole value must match.'),
    format: text
      .optional()
      .describe(
        'string: `uuid`, `email`, `uri`, `hostname`, `ipv4`, `ipv6`; integer: `i8` … `u64`; number: `f32`, `f64`; date, time and timestamp: a pattern in the JDK’s letters.',
      ),
    minimum: bound.optional().describe('Smallest value.'),
    maximum: bound.optional().describe('Greatest value.'),
    exclusiveMinimum: bound.optional().describe('Values must be greater.'),
    exclusiveMaximum: bound.optional().describe('Values must be less.'),
    multipleOf: z.number().positive().optional().describe('number, integer: step of the values.'),
    timezone: z.boolean().optional().describe('timestamp, time: whether values carry a zone.'),
    defaultTimezone: text
      .optional()
      .describe('timestamp: IANA zone of values that carry none; default UTC.'),
    minProperties: count.describe('object: fewest fields.'),
    maxProperties: count.describe('object: most fields.'),
    required: names.min(1).optional().describe('object: fields that must be there.'),
    minItems: count.describe('array: fewest items.'),
    maxItems: count.describe('array: most items.'),
    uniqueItems: z.boolean().optional().describe('array: not executed.'),
    dimensions: z.int().min(1).optional().describe('vector: number of elements.'),
    elementType: z
      .enum(['bfloat16', 'binary', 'float16', 'float32', 'float64', 'int8', 'uint8'])
      .optional()
      .describe('vector: type of the elements.'),
    distanceMetric: z
      .enum(['cosine', 'dotProduct', 'euclidean', 'hamming', 'manhattan'])
      .optional(),
    embeddingModel: text.optional(),
    embeddingModelVersion: text.optional(),
    normalized: z.boolean().optional(),
  })
  .describe('What the values look like.')
export type LogicalTypeOptions = z.output<typeof LogicalTypeOptions>

export const LOGICAL_TYPES = [
  'string',
  'date',
  'timestamp',
  'time',
  'number',
  'integer',
  'object',
  'array',
  'boolean',
  'map',
  'vector',
] as const
export type LogicalType = (typeof LOGICAL_TYPES)[number]

const base = {
  ...element,
  logicalType: z.enum(LOGICAL_TYPES).optional().describe('Type of the values.'),
  logicalTypeOptions: LogicalTypeOptions.optional(),
  primaryKey: z.boolean().optional().describe('Part of the key that names a row.'),
  primaryKeyPosition: z.int().optional().describe('Place in the key, from 1.'),
  required: z.boolean().optional().describe('Must be there and not null.'),
  unique: z.boolean().optional().describe('No value twice in a partition.'),
  semanticType: z
    .enum(['column', 'measure', 'dimension'])
    .optional()
    .describe(
      'What explorers offer. A `measure` with `transformLogic` is an aggregate and not delivered; one without is a column that is summed.',
    ),
  partitioned: z.boolean().optional().describe('The time by which a row belongs to its partition.'),
  partitionKeyPosition: z.int().optional().describe('Place among partitioned columns, from 1.'),
  classification: text.optional(),
  encryptedName: text.optional().describe('Not executed.'),
  transformSourceObjects: names.optional().describe('Not executed.'),
  transformLogic: text
    .optional()
    .describe('The aggregate of a measure, in SQL; not executed elsewhere.'),
  transformDescription: text.optional(),
  enum: z.array(EnumValue).min(1).optional().describe('The permitted values.'),
  criticalDataElement: z.boolean().optional(),
  examples: z
    .array(z.unknown())
    .optional()
    .describe('Sample values; `contract sample` may use them.'),
  relationships,
  quality: z.array(Quality).optional().describe('Checks on this column.'),
}

const Base = z.strictObject(base)
interface Nested {
  properties?: Property[] | undefined
  items?: Item | undefined
  map?: { key: Item; value: Item } | undefined
}
/** The items of an array, or the key or value of a map: a property that needs no name. */
export interface Item extends z.output<typeof Base>, Nested {
  name?: string | undefined
}
export interface Property extends z.output<typeof Base>, Nested {
  name: string
}

const nested = {
  get properties() {
    return z.array(Property).optional().describe('object: its fields.')
  },
  get items() {
    return Item.optional().describe('array: its items.')
  },
  get map() {
    return z.strictObject({ key: Item, value: Item }).optional().describe('map: key and value.')
  },
}
// Types and schemas contain each other, which inference cannot follow: hence the interfaces above.
export const Item: z.ZodType<Item> = z.lazy(() =>
  z.strictObject({ name: text.optional(), ...base, ...nested }),
)
export const Property: z.ZodType<Property> = z.lazy(() =>
  z.strictObject({ name: text.min(1).describe('Name in the dataset.'), ...base, ...nested }),
)

export const SchemaObject = z.strictObject({
  name: text.min(1).describe('Name of the dataset.'),
  ...element,
  logicalType: z.enum(['object', 'blob']).optional(),
  dataGranularityDescription: text.optional(),
  properties: z.array(Property).optional().describe('The columns.'),
  relationships,
  quality: z.array(Quality).optional().describe('Checks on the whole partition.'),
  context: Context,
})
export type SchemaObject = z.output<typeof SchemaObject>

export const ServiceLevel = z.strictObject({
  id: StableId,
  property: text.describe(
    'Executed: `timeOfAvailability`, `frequency`, `latency`, `errorRate`; `retention` is kept and shown.',
  ),
  value: Scalar.describe('What is agreed, such as `13:00 Asia/Seoul` or `4`.'),
  valueExt: Scalar.optional().describe(
    'timeOfAvailability: days after the partition’s day; default 1.',
  ),
  unit: text.optional().describe('Unit of `value`: `m`, `h`, `d`, `mo`, `y`, `percent`.'),
  element: text.optional().describe('Dataset or column it is about.'),
  driver: text.optional(),
  description: text.optional(),
  scheduler: text.optional().describe('Not executed.'),
  schedule: text.optional().describe('Not executed.'),
  customProperties,
  authoritativeDefinitions,
})
export type ServiceLevel = z.output<typeof ServiceLevel>

const TeamMember = z.strictObject({
  id: StableId,
  username: text,
  name: text.optional(),
  description: text.optional(),
  role: text.optional(),
  dateIn: text.optional(),
  dateOut: text.optional(),
  replacedByUsername: text.optional(),
  ...described,
})
const Role = z.strictObject({
  id: StableId,
  role: text,
  description: text.optional(),
  access: text.optional(),
  firstLevelApprovers: text.optional(),
  secondLevelApprovers: text.optional(),
  customProperties,
})

/** `v3.0.0` to `v3.2.0`. Earlier major versions name their parts differently and are refused. */
export const API_VERSIONS = ['v3.2.0', 'v3.1.0', 'v3.0.2', 'v3.0.1', 'v3.0.0'] as const

export const OdcsDocument = z.strictObject({
  apiVersion: z
    .enum(API_VERSIONS, {
      error: (issue) =>
        issue.input === undefined
          ? 'is missing: the version of the standard, such as v3.2.0'
          : `is one of ${API_VERSIONS.join(', ')}`,
    })
    .describe('Version of the standard.'),
  kind: z.literal('DataContract').describe('Always `DataContract`.'),
  id: text.min(1).describe('Identifier of the contract.'),
  name: text.optional().describe('Name of the contract.'),
  version: text.min(1).describe('Version of this contract.'),
  status: text.optional().describe('Such as `draft`, `active`, `deprecated`, `retired`.'),
  tenant: text.optional(),
  domain: text.optional(),
  dataProduct: text.optional(),
  description: z
    .looseObject({
      usage: text.optional(),
      purpose: text.optional(),
      limitations: text.optional(),
      authoritativeDefinitions,
      customProperties,
    })
    .optional()
    .describe('For people.'),
  context: Context,
  // Each type of server has fields of its own; where data lies is the configuration's business.
  servers: z
    .array(z.looseObject({ server: text, type: text }))
    .optional()
    .describe('Not executed: stores are named in the configuration.'),
  schema: z.array(SchemaObject).optional().describe('The first object is the dataset.'),
  slaDefaultElement: text.optional(),
  slaProperties: z.array(ServiceLevel).optional().describe('Service levels.'),
  support: z
    .array(
      z.strictObject({
        id: StableId,
        channel: text,
        url: text.optional(),
        description: text.optional(),
        tool: text.optional(),
        scope: text.optional(),
        invitationUrl: text.optional(),
        customProperties,
      }),
    )
    .optional(),
  price: z
    .strictObject({
      id: StableId,
      priceAmount: z.number().optional(),
      priceCurrency: text.optional(),
      priceUnit: text.optional(),
    })
    .optional(),
  team: z
    .union(
      [
        z.strictObject({
          id: StableId,
          name: text.optional(),
          description: text.optional(),
          members: z.array(TeamMember).optional(),
          ...described,
        }),
        z.array(TeamMember),
      ],
      { error: 'expected a team with members, or a list of members with a username each' },
    )
    .optional(),
  roles: z.array(Role).optional().describe('Not executed: access is the bucket owner’s.'),
  tags,
  authoritativeDefinitions,
  customProperties,
  contractCreatedTs: text.optional(),
})
export type OdcsDocument = z.output<typeof OdcsDocument>
