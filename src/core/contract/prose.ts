import { readSource } from '../odcs/source.ts'

/** What a contract document says to people, beside what is executed. */
export interface ContractProse {
  readonly purpose?: string
  readonly usage?: string
  readonly limitations?: string
  /** Whom to ask. */
  readonly channels: readonly { readonly channel: string; readonly url?: string }[]
}

/** Reads it from a document that `parseContract` accepts; what is not there is left out. */
export function contractProse(text: string): ContractProse {
  const document = record(readSource(text).value)
  const description = record(document.description)
  const prose = (name: 'purpose' | 'usage' | 'limitations') =>
    typeof description[name] === 'string' && description[name].trim() !== ''
      ? { [name]: description[name].trim() }
      : {}
  const support = Array.isArray(document.support) ? document.support.map(record) : []
  return {
    ...prose('purpose'),
    ...prose('usage'),
    ...prose('limitations'),
    channels: support.flatMap(({ channel, url }) =>
      typeof channel === 'string' ? [{ channel, ...(typeof url === 'string' ? { url } : {}) }] : [],
    ),
  }
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
