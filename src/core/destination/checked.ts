import type { z } from 'zod'
import { type ErrorCode, ExchangeError } from '../errors.ts'

/**
 * The value as the schema has it. Throws `code` with a line for each fault: where it is and what is
 * wanted. Values are never shown: a secret may stand in the wrong place.
 */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  code: ErrorCode,
): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const faults = result.error.issues.map(({ path, message, ...issue }) => {
    const missing = issue.code === 'invalid_type' && message.endsWith('received undefined')
    const at = path.map(String).join('.')
    return `${at === '' ? '' : `${at}: `}${missing ? 'is missing' : message}`
  })
  throw new ExchangeError(code, faults.join('\n'))
}
