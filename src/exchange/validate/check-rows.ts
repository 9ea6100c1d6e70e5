import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Duckdb, identifier, literal } from '../../duckdb/duckdb.ts'
import type { LoadObject, Note, RejectSummary } from '../../ledger/ledger.ts'
import { findBadRows, partitionRules } from './bad-rows.ts'
import { type BrokenBudget, brokenBudget } from './budget.ts'
import type { CheckOptions } from './check-options.ts'
import { OBJECT_COLUMN, RESCUED_COLUMN, ROW_COLUMN } from './dataset-columns.ts'
import { datasetType } from './dataset-type.ts'
import { markDuplicates } from './duplicates.ts'
import { fieldIds } from './field-ids.ts'
import { type Gated, passGates } from './pass-gates.ts'
import { brokenQuality } from './quality.ts'
import { writeRejects } from './reject-file.ts'
import { probableRenames } from './renames.ts'
import { type DatasetColumns, settleColumns } from './settle-columns.ts'
import {
  type SourceGroup,
  type SourceObject,
  sourceGroups,
  valuedRows,
  valueName,
} from './source-rows.ts'

export interface CheckedRows {
  readonly rows_read: number
  readonly rejected: number
  /** Rows that lost to another of the same key inside this load. */
  readonly duplicates: number
  /** Valid rows that remain: what `candidates` holds. */
  readonly rows: number
  readonly objects: readonly LoadObject[]
  readonly rejects: readonly RejectSummary[]
  readonly notes: readonly Note[]
  /** Absolute paths; undefined where there are no such rows, or nothing may be published. */
  readonly candidates?: string
  readonly rejects_file?: string
  /** Why nothing may be published. */
  readonly refused?: {
    readonly code: 'over_budget' | 'quality' | 'no_valid_objects'
    readonly message: string
  }
}

/**
 * Checks fetched objects against the feed's contract and writes the valid rows as Parquet: the
 * one path that `validate` and `load` share. Order: object, row, duplicates among valid rows,
 * then the error budget and the contract's rules on the whole partition.
 */
export async function checkRows(options: CheckOptions): Promise<CheckedRows> {
  await mkdir(options.dir, { recursive: true })
  const gated = await passGates(options)
  try {
    return await checkPassed(gated, options)
  } catch (cause) {
    const rest = await refuseBroken(gated, options)
    if (rest === undefined) throw cause
    return await checkPassed(rest, options)
  }
}

async function checkPassed(gated: Gated, options: CheckOptions): Promise<CheckedRows> {
  const { feed, duckdb, dir } = options
  const notes: Note[] = [...gated.notes]

  const columns = await settleColumns(gated.passed, options, notes)
  const groups = await buildGroups(gated.passed, columns, options)
  await duckdb.run(
    'CREATE OR REPLACE TEMP TABLE bad (_obj INTEGER, _row BIGINT, violations STRUCT(i INTEGER, code VARCHAR, shown VARCHAR)[])',
  )
  for (const group of groups) await findBadRows(group, columns, duckdb)

  const outcomes = await objectOutcomes(gated, options)
  const rows_read = outcomes.reduce((sum, o) => sum + o.rows_read, 0)
  const rejected = outcomes.reduce((sum, o) => sum + o.rejected, 0)
  options.progress?.({ bytes: gated.bytes, rows: rows_read, rejected })

  const rejects = await writeRejects({
    ...options,
    groups,
    refused_objects: new Set(
      outcomes.flatMap((o, index) => (o.state === 'refused' ? [index] : [])),
    ),
    gate_rejects: gated.rejects_file,
    gate_rejected: gated.refused_rows,
    gate_longest: gated.longest_reject,
    columns: columns.read,
    staged: options.objects,
  })
  const base = {
    rows_read,
    rejected,
    objects: outcomes,
    rejects: rejects.summary,
    ...(rejects.path === undefined ? {} : { rejects_file: rejects.path }),
  }
  notes.push(...(await repairNotes(duckdb)))
  const budget: BrokenBudget | undefined = brokenBudget(feed.budget, outcomes, rows_read, rejected)
  if (budget !== undefined)
    return {
      ...base,
      notes,
      duplicates: 0,
      rows: 0,
      refused: { code: 'over_budget', message: budget.message },
    }
  if (options.objects.length > 0 && groups.length === 0)
    return {
      ...base,
      notes,
      duplicates: 0,
      rows: 0,
      refused: {
        code: 'no_valid_objects',
        message: `every object was refused: ${outcomes
          .map((o) => `${o.key} (${o.code})`)
          .slice(0, 3)
          .join(', ')}`,
      },
    }

  await duckdb.run(
    `CREATE OR REPLACE TEMP VIEW valid_rows AS ${validRowsSql(groups, columns, await anyRow('bad', duckdb))}`,
  )
  await nameObjects(options)
  const duplicates = await markDuplicates(feed, columns.read, duckdb)
  const candidates = join(dir, 'candidates.parquet')
  const written = await writeCandidates(candidates, columns, options)
  notes.push(...(await renameNotes(columns, written === 0 ? undefined : candidates, options)))
  const quality = await brokenQuality(
    feed.contract,
    { file: candidates, kept: options.kept },
    duckdb,
  )
  notes.push(...quality.notes)
  if (quality.broken !== undefined)
    return {
      ...base,
      notes,
      duplicates,
      rows: 0,
      refused: { code: 'quality', message: quality.broken },
    }
  if (written + duplicates + rejected !== rows_read)
    throw new Error(
      `rows do not add up: ${rows_read} read, ${written} valid, ${duplicates} duplicates, ${rejected} rejected`,
    )
  return { ...base, notes, duplicates, rows: written, ...(written === 0 ? {} : { candidates }) }
}

function buildGroups(
  objects: readonly SourceObject[],
  columns: DatasetColumns,
  options: CheckOptions,
): Promise<SourceGroup[]> {
  const { feed, duckdb, formats } = options
  return sourceGroups(objects, {
    duckdb,
    formats,
    settings: feed.format,
    columns: columns.read,
    ignore_case: feed.contract.ignore_case,
    variables: feed.layout.variables,
    extra_rules: partitionRules(feed, options.partition),
  })
}

/**
 * A Parquet file with a whole footer can hold broken pages, which only reading shows. When a step
 * fails, each file is read alone: the broken ones are refused and the step is tried without them.
 */
async function refuseBroken(gated: Gated, options: CheckOptions): Promise<Gated | undefined> {
  const broken = new Set<number>()
  for (const object of gated.passed) {
    if (object.passed.format !== 'parquet') continue
    const refused = await options.formats.probe(
      { key: object.key, path: object.passed.path },
      options.duckdb,
    )
    if (refused === undefined) continue
    const outcome = gated.outcomes.get(object.index)
    if (outcome === undefined) throw new Error(`no outcome for object ${object.key}`)
    gated.outcomes.set(object.index, {
      ...outcome,
      state: 'refused',
      rows_read: 0,
      rejected: 0,
      ...refused,
    })
    broken.add(object.index)
  }
  return broken.size === 0
    ? undefined
    : { ...gated, passed: gated.passed.filter((o) => !broken.has(o.index)) }
}

async function objectOutcomes(gated: Gated, options: CheckOptions): Promise<LoadObject[]> {
  const bad = await options.duckdb.all<{ _obj: number; n: bigint }>(
    'SELECT _obj, count(*) AS n FROM bad GROUP BY _obj',
  )
  for (const { _obj, n } of bad) {
    const outcome = gated.outcomes.get(_obj)
    if (outcome === undefined) throw new Error(`bad rows of an unknown object ${_obj}`)
    gated.outcomes.set(_obj, { ...outcome, rejected: outcome.rejected + Number(n) })
  }
  return options.objects.map((object, index) => {
    const outcome = gated.outcomes.get(index)
    if (outcome === undefined) throw new Error(`no outcome for object ${object.key}`)
    return outcome
  })
}

/**
 * Valid rows of all groups with typed columns; rows in `bad` left out. `_object` is the object's number:
 * only names that no column can have are free for what is ours.
 */
function validRowsSql(
  groups: readonly SourceGroup[],
  columns: DatasetColumns,
  anyBad: boolean,
): string {
  const rescued = columns.written.some((w) => w.name === RESCUED_COLUMN)
  const selects = groups.map((group) => {
    const values = group.columns.map((c, at) => `${valueName(at)} AS ${identifier(c.name)}`)
    if (rescued)
      values.push(
        `${columns.rescue ? group.rescued : 'NULL::JSON'} AS ${identifier(RESCUED_COLUMN)}`,
      )
    return `SELECT _obj AS _object, _row, ${values.join(', ')} FROM ${valuedRows(group)} s${anyBad ? ' WHERE NOT EXISTS (FROM bad b WHERE b._obj = s._obj AND b._row = s._row)' : ''}`
  })
  if (selects.length > 0) return selects.join(' UNION ALL ')
  // Without an object there is no row, and still a dataset with its columns.
  const values = columns.read.map((c) => `NULL::${datasetType(c.type)} AS ${identifier(c.name)}`)
  if (rescued) values.push(`NULL::JSON AS ${identifier(RESCUED_COLUMN)}`)
  return `SELECT NULL::INTEGER AS _object, NULL::BIGINT AS _row, ${values.join(', ')} WHERE false`
}

/** Fills the table `load_objects`: the key of each object by its number. */
async function nameObjects({ duckdb, objects }: CheckOptions): Promise<void> {
  await duckdb.run('CREATE OR REPLACE TEMP TABLE load_objects (_obj INTEGER, _object VARCHAR)')
  for (let at = 0; at < objects.length; at += 1000) {
    const rows = objects.slice(at, at + 1000).map((o, i) => `(${at + i}, ${literal(o.key)})`)
    await duckdb.run(`INSERT INTO load_objects VALUES ${rows.join(', ')}`)
  }
}

async function writeCandidates(
  path: string,
  columns: DatasetColumns,
  options: CheckOptions,
): Promise<number> {
  const { duckdb } = options
  const select = columns.written
    .map((w) =>
      w.name === OBJECT_COLUMN
        ? 'o._object AS _object'
        : w.name === ROW_COLUMN
          ? 'r._row AS _row'
          : `${w.select} AS ${identifier(w.name)}`,
    )
    .join(', ')
  const losers = (await anyRow('losers', duckdb))
    ? ' WHERE NOT EXISTS (FROM losers l WHERE l._obj = r._object AND l._row = r._row)'
    : ''
  const rows = await duckdb.all<{ Count: bigint }>(
    `COPY (SELECT ${select} FROM valid_rows r JOIN (SELECT _obj AS _row, _object FROM load_objects) o ON o._row = r._object${losers}) TO ${literal(path)} (FORMAT parquet, CODEC 'zstd', COMPRESSION_LEVEL 1, FIELD_IDS ${fieldIds(columns.written.map((w) => w.column))})`,
  )
  return Number(rows[0]?.Count ?? 0n)
}

async function renameNotes(
  columns: DatasetColumns,
  after: string | undefined,
  { servedFile, duckdb }: CheckOptions,
): Promise<Note[]> {
  if (columns.added.length === 0 || after === undefined) return []
  const before = await servedFile?.()
  return before === undefined ? [] : probableRenames(columns.added, { before, after }, duckdb)
}

async function anyRow(table: string, duckdb: Duckdb): Promise<boolean> {
  return (await duckdb.all(`SELECT 1 FROM ${table} LIMIT 1`)).length > 0
}

async function repairNotes(duckdb: Duckdb): Promise<Note[]> {
  const [row] = await duckdb.all<{ n: bigint }>(
    'SELECT sum(times)::BIGINT AS n FROM json_judgements WHERE repaired',
  )
  const n = Number(row?.n ?? 0n)
  return n === 0
    ? []
    : [
        {
          code: 'trailing_comma',
          count: n,
          message:
            'JSON texts with a comma before the closing bracket were read as if it were not there',
        },
      ]
}
