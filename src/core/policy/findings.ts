/** Severity of each code: `error` where AWS refuses it, what is needed is not granted, or control is given away. */
export const POLICY_CODES = {
  invalid_json: 'error',
  no_policy: 'error',
  unknown_element: 'error',
  missing_element: 'error',
  element_invalid: 'error',
  version_invalid: 'error',
  version_old: 'warning',
  effect_invalid: 'error',
  duplicate_sid: 'error',
  sid_invalid: 'error',
  negated_element: 'error',
  placeholder: 'error',
  empty_name: 'error',
  arn_invalid: 'error',
  bucket_name_invalid: 'error',
  other_bucket: 'error',
  principal_missing: 'error',
  principal_not_allowed: 'error',
  principal_invalid: 'error',
  wildcard_principal: 'error',
  account_principal: 'warning',
  wildcard_action: 'error',
  wildcard_resource: 'error',
  unknown_action: 'error',
  unneeded_action: 'warning',
  missing_action: 'error',
  wrong_resource: 'error',
  objects_missed: 'error',
  listing_missed: 'error',
  whole_bucket: 'warning',
  prefix_too_wide: 'warning',
  condition_invalid: 'error',
  condition_never_met: 'error',
  denied: 'error',
  external_id_missing: 'error',
  external_id_open: 'error',
  wrong_service: 'error',
  resource_not_allowed: 'error',
} as const satisfies Record<string, 'error' | 'warning'>

export type PolicyCode = keyof typeof POLICY_CODES

/** One defect of a policy. */
export interface PolicyFinding {
  readonly code: PolicyCode
  readonly severity: 'error' | 'warning'
  readonly message: string
  /** What to write there, or to do about it. */
  readonly instead: string
  /** Which of the documents of the text, from 1; absent for what is in none. */
  readonly policy?: number
  /** Index in `Statement`, from 0. */
  readonly statement?: number
  readonly sid?: string
  /** Place in the document, such as `Statement[0].Action[1]`. */
  readonly path?: string
  /** From 1. */
  readonly line: number
  readonly column: number
}

/** A place in a document. */
export interface Place {
  /** Offset in the text. */
  readonly at: number
  readonly path?: string
  readonly statement?: number
  readonly sid?: string | undefined
}

export interface Remark {
  readonly message: string
  readonly instead: string
  /** Where it is not the code's own. */
  readonly severity?: 'error' | 'warning'
}

export type Report = (code: PolicyCode, place: Place, remark: Remark) => void
