/**
 * What the ledger's statements need from a connection: transactions, and rows back. Everything in
 * this folder that speaks SQL speaks it through this, so that PGlite and PostgreSQL run the same text.
 */
export interface Sql {
  /** Runs one statement with `$1 …` parameters; bigints and times come back as numbers and Dates. */
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** Runs several statements without parameters, as a migration file holds them. */
  script(text: string): Promise<void>
}

export interface Database extends AsyncDisposable {
  /** For messages: where it is, without secrets. */
  readonly description: string
  /** Holds the ledger's tables. */
  readonly schema: string
  /**
   * Runs `work` in one transaction, again from its start where the server asked for that
   * (a deadlock or a serialization failure). Throws `ledger_unavailable` when the connection is
   * lost, in which case the transaction may have been committed.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>
}

/** Rows sent in one statement: bounds the size of a message, not of the work. */
export const BATCH_ROWS = 5000

/** Cuts a list into pieces that are sent in one statement each. */
export function* batches<T>(items: readonly T[], size = BATCH_ROWS): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}

/** The one row of a statement that returns exactly one. */
export function only<Row>(rows: readonly Row[]): Row {
  const [row] = rows
  if (row === undefined || rows.length > 1) {
    throw new Error(`A statement that returns one row returned ${rows.length}`)
  }
  return row
}

/** A row without its NULL columns: absent is absent in every type of the port. */
export function withoutNulls<Row extends object>(row: Row): NonNullColumns<Row> {
  return Object.fromEntries(
    Object.entries(row).filter(([, value]) => value !== null),
  ) as NonNullColumns<Row>
}

type NonNullColumns<Row> = {
  [Name in keyof Row as null extends Row[Name] ? never : Name]: Row[Name]
} & {
  [Name in keyof Row as null extends Row[Name] ? Name : never]?: Exclude<Row[Name], null>
}

/** Text as PostgreSQL can keep it: it has no NUL and no lone surrogate, which a partner's bytes may have. */
export const storable = (text: string): string => text.toWellFormed().replaceAll('\0', '\\x00')
