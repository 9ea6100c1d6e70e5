import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Format } from '../src/core/settings.ts'
import { type Duckdb, openDuckdb } from '../src/duckdb/duckdb.ts'
import type { GateResult, PassedObject, RefusedRow, StagedObject } from '../src/format/format.ts'
import { passObject } from '../src/format/gates.ts'
import { type ReadColumn, readPassed } from '../src/format/read-passed.ts'

export interface TriedObject {
  readonly object: StagedObject
  readonly result: GateResult
  readonly refused: readonly RefusedRow[]
}

export interface TryOptions {
  readonly key?: string
  readonly flat?: boolean
  readonly nested_fields?: readonly string[]
  readonly progress?: (bytes: number) => void
}

/** A folder and a DuckDB in which tests take bytes through the gates and read what passed. */
export interface GateBench extends AsyncDisposable {
  readonly dir: string
  readonly duckdb: Duckdb
  stage(bytes: Uint8Array | string, key?: string): StagedObject
  /** `settings` as a config file would have them. */
  pass(
    bytes: Uint8Array | string,
    settings: Readonly<Record<string, unknown>>,
    options?: TryOptions,
  ): Promise<TriedObject>
  /** Rows of a passed object: `_row` as a number, then the columns. */
  read(passed: PassedObject, columns?: readonly ReadColumn[]): Promise<Record<string, unknown>[]>
}

export async function openGateBench(): Promise<GateBench> {
  const dir = mkdtempSync(join(tmpdir(), 'gates-'))
  const duckdb = await openDuckdb({
    memory_limit: '1GB',
    spill_dir: join(dir, 'spill'),
    threads: 2,
  })
  let count = 0
  const stage = (bytes: Uint8Array | string, key = 'part.txt'): StagedObject => {
    // DuckDB remembers files by path: each gets its own.
    const path = join(dir, `staged-${count++}`)
    writeFileSync(path, bytes)
    return { key, version: '1', path, bytes: Buffer.byteLength(bytes) }
  }
  return {
    dir,
    duckdb,
    stage,
    async pass(bytes, settings, options = {}) {
      const object = stage(bytes, options.key)
      const refused: RefusedRow[] = []
      const result = await passObject(
        object,
        {
          settings: Format.parse(settings),
          dir,
          prefix: `passed-${count++}`,
          refuse: (row) => refused.push(row),
          flat: options.flat ?? false,
          nested_fields: options.nested_fields ?? [],
          ...(options.progress === undefined ? {} : { progress: options.progress }),
        },
        duckdb,
      )
      return { object, result, refused }
    },
    async read(passed, columns = passed.fields.map(({ name }) => name)) {
      const rows = await duckdb.all(`SELECT * FROM ${readPassed(passed, columns)} ORDER BY _row`)
      return rows.map((row) => ({ ...row, _row: Number(row._row) }))
    },
    async [Symbol.asyncDispose]() {
      await duckdb[Symbol.asyncDispose]()
      rmSync(dir, { recursive: true })
    },
  }
}

/** The result as a passed object; fails where the object was refused. */
export function passed(result: GateResult): PassedObject {
  if (result.refused !== undefined) {
    throw new Error(`refused: ${result.refused.code}: ${result.refused.message}`)
  }
  return result
}
