import { mkdir } from 'node:fs/promises'
import type { Duckdb } from '../../duckdb/duckdb.ts'
import type { LoadObject, Note, RejectSummary } from '../../ledger/ledger.ts'
import { findBadRows, partitionRules } from './bad-rows.ts'
import { type BrokenBudget, brokenBudget } from './budget.ts'
import {
  type CandidateFile,
  mayHaveDuplicates,
  nameObjects,
  soundRows,
  unrefusedRows,
  writeCandidates,
} from './candidates.ts'
import type { CheckOptions } from './check-options.ts'
import { markDuplicates } from './duplicates.ts'
import { type Gated, passGates } from './pass-gates.ts'
import { brokenQuality } from './quality.ts'
import { writeRejects } from './reject-file.ts'
import { probableRenames } from './renames.ts'
import { type DatasetColumns, settleColumns } from './settle-columns.ts'
import type { SourceGroup, SourceObject } from './source-group.ts'
import { sourceGroups } from './source-groups.ts'

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
  /** None where there are no such rows, or nothing may be published; paths are absolute. */
  readonly candidates: readonly CandidateFile[]
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
  const { feed, duckdb } = options
  const notes: Note[] = [...gated.notes]
  const columns = await settleColumns(gated.passed, options, notes)
  const { groups, candidates, duplicates } = await writeValidRows(gated, columns, options)
  const written = rowsIn(candidates)

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
      candidates: [],
      refused: { code: 'over_budget', message: budget.message },
    }
  if (options.objects.length > 0 && groups.length === 0)
    return {
      ...base,
      notes,
      duplicates: 0,
      rows: 0,
      candidates: [],
      refused: {
        code: 'no_valid_objects',
        message: `every object was refused: ${outcomes
          .map((o) => `${o.key} (${o.code})`)
          .slice(0, 3)
          .join(', ')}`,
      },
    }

  notes.push(...(await renameNotes(columns, candidates[0]?.path, options)))
  const quality = await brokenQuality(
    feed.contract,
    { files: candidates.map((file) => file.path), kept: options.kept },
    duckdb,
  )
  notes.push(...quality.notes)
  if (quality.broken !== undefined)
    return {
      ...base,
      notes,
      duplicates,
      rows: 0,
      candidates: [],
      refused: { code: 'quality', message: quality.broken },
    }
  if (written + duplicates + rejected !== rows_read)
    throw new Error(
      `rows do not add up: ${rows_read} read, ${written} valid, ${duplicates} duplicates, ${rejected} rejected`,
    )
  return {
    ...base,
    notes,
    duplicates,
    rows: written,
    candidates: candidates.filter((file) => file.rows > 0),
  }
}

/**
 * Writes the valid rows and fills the table `bad` with the others. The first writing judges rows on
 * its way; only where it wrote fewer than there are, or keys may repeat, are rows looked at for
 * which and why. That look has the last word: where it finds otherwise, rows are written again by it.
 */
async function writeValidRows(
  gated: Gated,
  columns: DatasetColumns,
  options: CheckOptions,
): Promise<{
  groups: readonly SourceGroup[]
  candidates: readonly CandidateFile[]
  duplicates: number
}> {
  const { feed, duckdb } = options
  await duckdb.run(
    'CREATE OR REPLACE TABLE bad (_obj INTEGER, _row BIGINT, violations STRUCT(i INTEGER, code VARCHAR, shown VARCHAR)[])',
  )
  await duckdb.run('CREATE OR REPLACE TEMP TABLE losers (_obj INTEGER, _row BIGINT)')
  await nameObjects(options)
  const typed = await buildGroups(gated.passed, columns, { ...options, typed: true })
  const passed = gated.passed.reduce((n, o) => n + o.passed.rows_read - o.passed.rows_refused, 0)
  let sound: readonly CandidateFile[] | undefined
  if (!(await mayHaveDuplicates(feed, typed, duckdb))) {
    const rows = soundRows(typed, columns)
    sound = await writeCandidates(rows, 'sound', { ...options, groups: typed, columns })
    if (rowsIn(sound) === passed) return { groups: typed, candidates: sound, duplicates: 0 }
  }
  const groups = await buildGroups(gated.passed, columns, { ...options, typed: false })
  for (const group of groups) await findBadRows(group, columns, duckdb)
  const [bad] = await duckdb.all<{ n: bigint }>('SELECT count(*) AS n FROM bad')
  if (sound !== undefined && rowsIn(sound) + Number(bad?.n ?? 0n) === passed)
    return { groups, candidates: sound, duplicates: 0 }
  const rows = unrefusedRows(groups, columns)
  await duckdb.run(`CREATE OR REPLACE TEMP VIEW valid_rows AS ${rows.sql}`)
  const duplicates = await markDuplicates(feed, duckdb)
  const candidates = await writeCandidates(rows, 'valid', { ...options, groups, columns })
  return { groups, candidates, duplicates }
}

const rowsIn = (files: readonly CandidateFile[]) => files.reduce((n, file) => n + file.rows, 0)

function buildGroups(
  objects: readonly SourceObject[],
  columns: DatasetColumns,
  options: CheckOptions & { readonly typed: boolean },
): Promise<SourceGroup[]> {
  const { feed, duckdb, formats, typed } = options
  return sourceGroups(objects, {
    duckdb,
    formats,
    settings: feed.format,
    columns: columns.read,
    ignore_case: feed.contract.ignore_case,
    variables: feed.layout.variables,
    extra_rules: partitionRules(feed, options.partition),
    typed,
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

async function renameNotes(
  columns: DatasetColumns,
  after: string | undefined,
  { servedFile, duckdb }: CheckOptions,
): Promise<Note[]> {
  if (columns.added.length === 0 || after === undefined) return []
  const before = await servedFile?.()
  return before === undefined ? [] : probableRenames(columns.added, { before, after }, duckdb)
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
