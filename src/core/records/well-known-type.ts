import type { ScalarKind } from './shape.ts'

/** Types of the protocol's version 1, named by `$ref: WellKnownTypes.json#/definitions/…`. */
export type WellKnownType =
  | 'String'
  | 'BinaryData'
  | 'Date'
  | 'TimestampWithTimezone'
  | 'TimestampWithoutTimezone'
  | 'TimeWithTimezone'
  | 'TimeWithoutTimezone'
  | 'Number'
  | 'Integer'
  | 'Boolean'

export type WellKnownKinds = Readonly<Record<WellKnownType, ScalarKind>>

/** The kind of the well-known type that a `$ref` names; undefined for any other reference. */
export function wellKnownKind(ref: unknown, kinds: WellKnownKinds): ScalarKind | undefined {
  if (typeof ref !== 'string') return undefined
  const [, name] = /^(?:.*\/)?WellKnownTypes\.json#\/definitions\/(\w+)$/.exec(ref) ?? []
  return name !== undefined && Object.hasOwn(kinds, name) ? kinds[name as WellKnownType] : undefined
}
