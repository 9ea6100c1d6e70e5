import type { Place } from './findings.ts'

/** A text of a policy with its place. */
export interface Text extends Place {
  readonly value: string
}

/** One test of `Condition`: the values are alternatives. */
export interface ConditionTest extends Place {
  readonly operator: string
  readonly key: string
  readonly values: readonly string[]
}

/** `Principal`: `*`, or names by their type. */
export interface PrincipalText extends Text {
  /** `AWS`, `Service`, `Federated`, `CanonicalUser`; `*` where it is no object. */
  readonly type: string
}

export interface Statement {
  readonly place: Place
  readonly effect: 'Allow' | 'Deny' | undefined
  readonly sid: Text | undefined
  /** Undefined where there is no element of that name. */
  readonly principals: readonly PrincipalText[] | undefined
  readonly principal_place: Place | undefined
  readonly actions: readonly Text[] | undefined
  readonly resources: readonly Text[] | undefined
  readonly resource_place: Place | undefined
  readonly conditions: readonly ConditionTest[]
  /** It has NotAction, NotResource or NotPrincipal: what it grants is not worked out. */
  readonly negated: boolean
}
