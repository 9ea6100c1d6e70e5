import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Column } from '../../core/contract.ts'
import type { Feed } from '../../core/feed.ts'
import type { Partition } from '../../core/partition.ts'
import { type Duckdb, identifier, literal } from '../../duckdb/duckdb.ts'
import type { Formats, StagedObject } from '../../format/format.ts'
import type {
  DatasetColumn,
  LoadObject,
  NewColumn,
  Note,
  RejectSummary,
} from '../../ledger/ledger.ts'
import { type BrokenBudget, brokenBudget } from './budget.ts'
import {
  declaredKeyColumns,
  evolvedColumn,
  isTaken,
  knownColumn,
  matchFields,
  newColumn,
  OBJECT_COLUMN,
  probableRenames,
  RESCUED_COLUMN,
  ROW_COLUMN,
  semanticOf,
  settleUndeclared,
} from './dataset-columns.ts'
import { datasetType } from './dataset-type.ts'
import { markDuplicates } from './duplicates.ts'
import { fieldIds } from './field-ids.ts'
import { brokenQuality } from './quality.ts'
import { writeRejects } from './reject-file.ts'
import {
  groupCodes,
  type SourceGroup,
  type SourceObject,
  sourceGroups,
  valuedRows,
  valueName,
} from './source-rows.ts'
import type { Rule } from './source-value.ts'

/** An object fetched to local disk, with the values its key gave to layout variables. */
export interface FetchedObject extends StagedObject {
  readonly variables: Readonly<Record<string, string | null>>
}

export interface CheckOptions {
  readonly feed: Feed
  readonly partition: Partition | undefined
  readonly objects: readonly FetchedObject[]
  readonly formats: Formats
  readonly duckdb: Duckdb
  /** Folder for everything this check writes; made if absent. */
  readonly dir: string
  /** Columns of the dataset so far. */
  readonly known: readonly DatasetColumn[]
  /** Gives ids to columns that have none; returns all of the dataset's. */
  readonly ensureColumns: (columns: readonly NewColumn[]) => Promise<readonly DatasetColumn[]>
  readonly progress?: (step: {
    readonly bytes: number
    readonly rows: number
    readonly rejected: number
  }) => void
  readonly signal?: AbortSignal
}

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
    gate_rejects: gated.rejects_file,
    gate_rejected: gated.refused_rows,
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
  const duplicates = await markDuplicates(feed, columns.read, duckdb)
  const candidates = join(dir, 'candidates.parquet')
  const written = await writeCandidates(candidates, columns, options)
  const quality = await brokenQuality(feed.contract, candidates, duckdb)
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

interface Gated {
  readonly passed: readonly SourceObject[]
  readonly outcomes: Map<number, LoadObject>
  readonly rejects_file: string
  readonly refused_rows: number
  readonly notes: readonly Note[]
  readonly bytes: number
}

/** Runs every object through its gate; refused rows go straight to a file. */
async function passGates(options: CheckOptions): Promise<Gated> {
  const { feed, formats, duckdb, dir } = options
  const rejects_file = join(dir, 'gate-rejects.jsonl')
  const out = createWriteStream(rejects_file)
  const passed: SourceObject[] = []
  const outcomes = new Map<number, LoadObject>()
  const notes = new Map<string, Note>()
  let refused_rows = 0
  let rows = 0
  let bytes = 0
  for (const [index, object] of options.objects.entries()) {
    options.signal?.throwIfAborted()
    const before = bytes
    const result = await formats.gate(
      object,
      {
        settings: feed.format,
        dir,
        prefix: `object-${index}`,
        flat: feed.contract.flat,
        nested_fields: feed.contract.columns
          .filter((c) => ['map', 'object', 'array', 'json'].includes(c.type.kind))
          .flatMap((c) => c.names),
        refuse: (row) => {
          refused_rows += 1
          out.write(`${JSON.stringify({ _obj: index, ...row })}\n`)
        },
        progress: (done) =>
          options.progress?.({ bytes: before + done, rows, rejected: refused_rows }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
      duckdb,
    )
    bytes = before + object.bytes
    const facts = { key: object.key, version: object.version, bytes: object.bytes }
    if (result.refused !== undefined) {
      outcomes.set(index, {
        ...facts,
        state: 'refused',
        rows_read: 0,
        rejected: 0,
        ...result.refused,
      })
    } else {
      rows += result.rows_read
      outcomes.set(index, {
        ...facts,
        state: 'loaded',
        rows_read: result.rows_read,
        rejected: result.rows_refused,
      })
      passed.push({ index, key: object.key, passed: result, variables: object.variables })
      for (const note of result.notes) {
        const sum = notes.get(note.code)
        notes.set(note.code, { ...note, count: note.count + (sum?.count ?? 0) })
      }
    }
    options.progress?.({ bytes, rows, rejected: refused_rows })
    if (out.writableNeedDrain) await once(out, 'drain')
  }
  out.end()
  await once(out, 'close')
  return { passed, outcomes, rejects_file, refused_rows, notes: [...notes.values()], bytes }
}

/** The dataset's columns for this load, in the order they are written. */
export interface DatasetColumns {
  /** Columns read from objects: the contract's, then evolved ones. */
  readonly read: readonly Column[]
  /** Undeclared fields are kept as JSON. */
  readonly rescue: boolean
  /** Undeclared fields refuse the row. */
  readonly reject_undeclared: boolean
  /** Everything written, with its ids. */
  readonly written: readonly {
    readonly name: string
    readonly select: string
    readonly column: DatasetColumn
  }[]
}

async function settleColumns(
  passed: readonly SourceObject[],
  options: CheckOptions,
  notes: Note[],
): Promise<DatasetColumns> {
  const { feed, known } = options
  const { contract } = feed
  const declared = contract.columns
  const variables: Column[] = feed.layout.variables
    .filter((name) => !declared.some((c) => c.name.toLowerCase() === name.toLowerCase()))
    .map((name) => evolvedColumn(name, { kind: 'string' }, 'dimension'))
  const keyColumns = declaredKeyColumns(contract)
  const fixed = [...declared, ...variables, ...keyColumns]
  const evolved = known
    .filter((c) => !isTaken(c.name, fixed) && c.name !== RESCUED_COLUMN)
    .map(knownColumn)

  const undeclaredOf = (object: SourceObject) => {
    const names = object.passed.fields.map((f) => f.name)
    const match = matchFields(names, [...declared, ...evolved], contract.ignore_case)
    const open = new Set(match.undeclared.flat())
    return object.passed.fields.filter((f) => open.has(f.name))
  }
  const undeclared = settleUndeclared(passed.map(undeclaredOf))
  const added: Column[] = []
  let rescue = feed.new_columns === 'rescue' && undeclared.length > 0
  if (feed.new_columns === 'evolve') {
    for (const field of undeclared) {
      if (field.type === undefined) continue
      // A name that cannot be a column of its own is kept with its value all the same.
      if (isTaken(field.name, [...fixed, ...evolved, ...added])) rescue = true
      else added.push(evolvedColumn(field.name, field.type, semanticOf(field.type)))
    }
  }
  const rescued = rescue || known.some((c) => c.name === RESCUED_COLUMN)
  const read = [...declared, ...variables, ...evolved, ...added]

  const wanted: NewColumn[] = [
    ...declared.map((c) => newColumn(c.name, c.type, c.semantic)),
    ...keyColumns.map((k) => newColumn(k.name, k.type, 'dimension')),
    ...[...variables, ...evolved, ...added].map((c) => newColumn(c.name, c.type, c.semantic)),
    ...(rescued ? [newColumn(RESCUED_COLUMN, { kind: 'json' }, 'column')] : []),
    newColumn(OBJECT_COLUMN, { kind: 'string' }, 'column'),
    newColumn(ROW_COLUMN, { kind: 'integer', bits: 64, signed: true }, 'column'),
  ]
  if (added.length > 0) {
    const seen = new Set(
      passed.flatMap((o) =>
        o.passed.fields
          .filter(
            (f) =>
              f.strings + f.integers + f.numbers + f.booleans + f.nested > 0 ||
              f.type !== undefined,
          )
          .map((f) => f.name.toLowerCase()),
      ),
    )
    const vanished = known.filter(
      (k) => evolved.some((e) => e.name === k.name) && !seen.has(k.name.toLowerCase()),
    )
    const isFirst = known.length === 0
    if (!isFirst) {
      notes.push({
        code: 'new_columns',
        count: added.length,
        message: `new fields became columns: ${added.map((c) => `${c.name} (${datasetType(c.type)})`).join(', ')}`,
      })
      notes.push(
        ...probableRenames(
          vanished,
          wanted.filter((w) => added.some((a) => a.name === w.name)),
        ),
      )
    }
  }
  const ids = new Map((await options.ensureColumns(wanted)).map((c) => [c.name, c]))
  const keySelect = new Map(
    keyColumns.map((k) => [
      k.name,
      `coalesce(${k.names.map((n) => `${identifier(k.column.name)}[${literal(n)}]`).join(', ')})`,
    ]),
  )
  const written = wanted.map((w) => {
    const column = ids.get(w.name)
    if (column === undefined) throw new Error(`the ledger gave no id to column ${w.name}`)
    return { name: w.name, select: keySelect.get(w.name) ?? identifier(w.name), column }
  })
  return {
    read,
    rescue,
    reject_undeclared: feed.new_columns === 'reject' && undeclared.length > 0,
    written,
  }
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
    const refused = await options.formats.probe({ key: object.key, path: object.passed.path }, options.duckdb)
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

function partitionRules(
  feed: Feed,
  partition: Partition | undefined,
): Record<string, (value: string) => readonly Rule[]> {
  const time = feed.contract.time_column
  const column = feed.contract.columns.find((c) => c.name === time)
  if (column === undefined || partition === undefined) return {}
  if (column.type.kind === 'date') {
    const day = `DATE ${literal(partition.name.slice(0, 10))}`
    return { [column.name]: (v) => [['out_of_partition', `${v} <> ${day}`]] }
  }
  const bound = (at: Date) =>
    `TIMESTAMP ${literal(at.toISOString().replace('T', ' ').replace('Z', ''))}`
  const { start, end } = partition
  return {
    [column.name]: (v) => [['out_of_partition', `${v} < ${bound(start)} OR ${v} >= ${bound(end)}`]],
  }
}

/** Fills the table `bad` with a group's refused rows. Counting comes first: a clean group is done with it. */
async function findBadRows(
  group: SourceGroup,
  columns: DatasetColumns,
  duckdb: Duckdb,
): Promise<void> {
  const codes = groupCodes(group, columns.reject_undeclared)
  if (codes.length === 0) return
  const coded = (list: typeof codes) =>
    `(SELECT *${list.map((c) => `, ${c.code} AS k${c.i}`).join('')} FROM ${valuedRows(group)})`
  const [counts] = await duckdb.all<Record<string, bigint>>(
    `SELECT ${codes.map((c) => `count(k${c.i}) AS k${c.i}`).join(', ')} FROM ${coded(codes)}`,
  )
  const broken = codes.filter((c) => (counts?.[`k${c.i}`] ?? 0n) > 0n)
  if (broken.length === 0) return
  const list = broken.map((c) => `{'i': ${c.i}, 'code': k${c.i}, 'shown': ${c.shown}}`).join(', ')
  await duckdb.run(
    `INSERT INTO bad SELECT _obj, _row, list_filter([${list}], lambda v: v.code IS NOT NULL) FROM ${coded(broken)} WHERE ${broken.map((c) => `k${c.i} IS NOT NULL`).join(' OR ')}`,
  )
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

/** Valid rows of all groups with typed columns; rows in `bad` left out. */
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
    return `SELECT _obj, _row, ${values.join(', ')} FROM ${valuedRows(group)} s${anyBad ? ' WHERE NOT EXISTS (FROM bad b WHERE b._obj = s._obj AND b._row = s._row)' : ''}`
  })
  return selects.join(' UNION ALL ')
}

async function writeCandidates(
  path: string,
  columns: DatasetColumns,
  options: CheckOptions,
): Promise<number> {
  const { duckdb, objects } = options
  await duckdb.run('CREATE OR REPLACE TEMP TABLE load_objects (_obj INTEGER, _object VARCHAR)')
  for (let at = 0; at < objects.length; at += 1000) {
    const rows = objects.slice(at, at + 1000).map((o, i) => `(${at + i}, ${literal(o.key)})`)
    await duckdb.run(`INSERT INTO load_objects VALUES ${rows.join(', ')}`)
  }
  const select = columns.written
    .map((w) =>
      w.name === OBJECT_COLUMN ? 'o._object AS _object' : `${w.select} AS ${identifier(w.name)}`,
    )
    .join(', ')
  const losers = (await anyRow('losers', duckdb))
    ? ' WHERE NOT EXISTS (FROM losers l WHERE l._obj = r._obj AND l._row = r._row)'
    : ''
  const rows = await duckdb.all<{ Count: bigint }>(
    `COPY (SELECT ${select} FROM valid_rows r JOIN load_objects o USING (_obj)${losers}) TO ${literal(path)} (FORMAT parquet, CODEC 'zstd', COMPRESSION_LEVEL 1, FIELD_IDS ${fieldIds(columns.written.map((w) => w.column))})`,
  )
  return Number(rows[0]?.Count ?? 0n)
}

async function anyRow(table: string, duckdb: Duckdb): Promise<boolean> {
  return (await duckdb.all(`SELECT 1 FROM ${table} LIMIT 1`)).length > 0
}

async function repairNotes(duckdb: Duckdb): Promise<Note[]> {
  const [row] = await duckdb.all<{ n: bigint }>(
    'SELECT count(*) AS n FROM json_judgements WHERE repaired',
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
