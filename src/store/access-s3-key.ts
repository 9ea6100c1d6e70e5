import type { AccessFinding } from '../core/access.ts'
import { ExchangeError } from '../core/errors.ts'
import { grant, isKeyDenial, readDenial } from './access-denial.ts'
import { type S3Asking, saidBy } from './access-s3-asking.ts'
import { s3ErrorName } from './s3-errors.ts'

/** The store's own name for a fault, which `s3Error` keeps with the error. */
export function storeCode(error: unknown): string {
  if (error instanceof ExchangeError) return String(error.details.store_code ?? '')
  return s3ErrorName(error) ?? ''
}

/** Whether it is the KMS key that was refused, as far as the answer says so. */
export const isKeyRefusal = (error: unknown): boolean =>
  isKeyDenial(storeCode(error), saidBy(error))

/** The refusal of a KMS key as a finding; `action` is what is missing unless the answer says more. */
export function keyRefused(
  asking: S3Asking,
  error: unknown,
  wanted: { readonly action: string; readonly key: string | undefined },
): AccessFinding {
  const name = storeCode(error)
  const denial = readDenial(saidBy(error))
  const of_key = denial?.action?.startsWith('kms:') ? denial : undefined
  const resource = of_key?.resource ?? wanted.key ?? 'the KMS key'
  if (/Disabled|InvalidState|NotFound/i.test(name)) {
    return {
      result: 'failed',
      detail: `the KMS key cannot be used (${name})`,
      resource,
      change: `Enable ${resource} again, or use a key that exists.`,
    }
  }
  const action = of_key?.action ?? wanted.action
  return {
    result: 'failed',
    detail: `${action} is denied`,
    permission: action,
    resource,
    change: grant(of_key, { action, resource, who: asking.who }),
  }
}
