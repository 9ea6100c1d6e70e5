/** What a load is to make of a delivery; `ledger-check.ts` holds the ledger against it. */
export interface Expected {
  readonly feed: string
  readonly partition: string
  readonly state: 'published' | 'refused'
  readonly rows_read: number
  readonly duplicates: number
  /** Rows by the code they are refused with. */
  readonly rejected: Readonly<Record<string, number>>
}

/** Leaves out the codes that do not occur. */
export const counted = (codes: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(codes).filter(([, count]) => count > 0))
