/** A JSON schema document as a source declares it; only what the rules name is looked at. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** One stream of a sync: what a configured catalog says about it (Airbyte protocol v0, ConfiguredAirbyteStream). */
export interface Stream {
  readonly name: string
  readonly namespace?: string
  readonly json_schema: JsonSchema
  /**
   * `append`: new objects beside the old ones. `overwrite`: the new objects take the place of the old ones.
   * `append_dedup`: rows of one primary key are merged, the greatest cursor wins.
   */
  readonly write_mode: 'append' | 'overwrite' | 'append_dedup'
  /** Path of the field that orders rows of one key; empty where the time of extraction does. */
  readonly cursor_field: readonly string[]
  /** Paths of the fields that make up the key. */
  readonly primary_key: readonly (readonly string[])[]
  /** Counts the times a stream was begun anew; absent where the platform counts none. */
  readonly generation_id?: number
  /** Objects of generations below it go once the sync has succeeded; 0 keeps all. */
  readonly minimum_generation_id?: number
}

/** How a stream is named to people: `namespace.name`. */
export const streamLabel = ({ namespace, name }: Pick<Stream, 'name' | 'namespace'>): string =>
  namespace === undefined ? name : `${namespace}.${name}`
