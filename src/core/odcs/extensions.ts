import { z } from 'zod'

/**
 * Our own words in a contract: what the standard has no word for, written as `customProperties`
 * (`- property: flat` / `value: true`). Names are camel case, as the standard asks.
 */

const key_name = z.string().min(1)

/** On the schema object. */
export const DatasetExtensions = z.strictObject({
  versionColumn: z
    .string()
    .min(1)
    .optional()
    .describe('Column whose greatest value wins when rows with the same key are upserted.'),
  flat: z
    .boolean()
    .optional()
    .describe('Fields that are not declared may hold no object or array (`nested_value`).'),
  ignoreCase: z.boolean().optional().describe('Names in files are matched without regard to case.'),
  newColumns: z
    .enum(['evolve', 'rescue', 'reject'])
    .optional()
    .describe(
      'Fields that are not declared: become columns, are kept as JSON in `_rescued` (default), or refuse the row.',
    ),
  deduplicate: z
    .union([z.enum(['partition', 'feed']), z.strictObject({ days: z.int().min(1) })], {
      error: 'is `partition`, `feed`, or `{ days: 7 }`',
    })
    .optional()
    .describe('How far duplicates of the primary key are looked for; default `partition`.'),
  publish: z
    .enum(['replace', 'append', 'upsert'])
    .optional()
    .describe('`replace` a partition whole, `append` new objects, `upsert` rows by key.'),
  fileBytes: z
    .int()
    .min(1)
    .optional()
    .describe('Advised size of an object, in bytes as delivered; far from it is a warning.'),
  fileRows: z.int().min(1).optional().describe('Advised number of rows of an object.'),
})
export type DatasetExtensions = z.output<typeof DatasetExtensions>

/** On a property. */
export const ColumnExtensions = z.strictObject({
  acceptedNames: z
    .array(key_name)
    .min(1)
    .optional()
    .describe('Further names under which the column may be delivered.'),
  requiredKeys: z
    .array(
      z.union([key_name, z.array(key_name).min(1)], {
        error: 'is a key, or a list of names of one key',
      }),
    )
    .min(1)
    .optional()
    .describe(
      'map: keys every row must have; an entry may be a list of names of one key, the first of which is kept.',
    ),
  declaredKeys: z
    .array(key_name)
    .min(1)
    .optional()
    .describe('map: keys that also become columns `<column>_<key>` of the dataset.'),
  lowerCaseKeys: z
    .boolean()
    .optional()
    .describe('map: keys are lower-cased on load; two that become one refuse the row.'),
  truncateTo: z
    .enum(['milliseconds', 'seconds'])
    .optional()
    .describe('timestamp: what is finer is cut off.'),
  acceptJsonText: z
    .boolean()
    .optional()
    .describe('map, object, array: may also be delivered as its JSON text.'),
  acceptText: z
    .boolean()
    .optional()
    .describe('Numbers, booleans and times may also come as text where the format has types.'),
  acceptIntegers: z
    .boolean()
    .optional()
    .describe('string: whole numbers may come too, and are kept as their digits.'),
  repairTrailingComma: z
    .boolean()
    .optional()
    .describe('JSON text with a comma before a closing bracket is read without it, and counted.'),
})
export type ColumnExtensions = z.output<typeof ColumnExtensions>
