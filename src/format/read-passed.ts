import { identifier, literal } from '../duckdb/duckdb.ts'
import { foldCase, HOLE } from './field-table.ts'
import type { JsonType, PassedObject } from './format.ts'

/**
 * A string value that begins with this character is no string: what follows is the JSON text of a
 * value that DuckDB would have changed (digits lost, a number beyond a double), or of a string
 * that itself begins with it.
 */
export const MARK = '\u0001'

/**
 * A column to read: a field by its exact name, or several spellings of one name (`Email` in some
 * rows, `email` in others) as one column. No row that passed has two of them.
 */
export type ReadColumn =
  | string
  | {
      readonly as: string
      readonly from: readonly string[]
      /** Type to read a JSON field in, where its object has no value of another kind (`PassedObject.fields`). */
      readonly type?: JsonType
    }

/** Room for what DuckDB counts beside the record itself. */
const SLACK = 1024
const MIN_OBJECT_BYTES = 1 << 20

/**
 * The table expression that reads a passed object in DuckDB: `_row BIGINT` and the asked-for
 * `columns`, whose fields must be names from `passed.fields`. JSON lines give columns of type JSON
 * unless another is asked for (a JSON null and a field that is not there are both NULL; see `MARK`), CSV gives VARCHAR, Parquet
 * the file's own types. Refused rows are left out. Row numbers hold whatever the number of threads,
 * as long as `preserve_insertion_order` is on, as it is by default.
 */
export function readPassed(passed: PassedObject, columns: readonly ReadColumn[]): string {
  const wanted = columns.map((column) =>
    typeof column === 'string' ? { as: column, from: [column] } : column,
  )
  switch (passed.format) {
    case 'parquet':
      return readParquet(passed, wanted)
    case 'jsonl':
      return readJsonl(passed, wanted)
    case 'csv':
      return readCsv(passed, wanted)
  }
}

type Wanted = Exclude<ReadColumn, string>

const firstRow = (passed: PassedObject) =>
  passed.rows.by === 'ordinal' ? passed.rows.first_row : 1

/** `, "from" AS "as"` for each column; names in one file differ by more than case. */
const picked = (columns: readonly Wanted[]) =>
  columns
    .map(({ as, from }) => {
      if (from.length !== 1)
        throw new Error(`${as} is read from ${from.length} columns of one file`)
      return `, ${identifier(from[0] as string)} AS ${identifier(as)}`
    })
    .join('')

function readParquet(passed: PassedObject, columns: readonly Wanted[]): string {
  const path = literal(passed.path)
  if (passed.fields.some(({ name }) => foldCase(name) === 'file_row_number')) {
    // The file's own column of that name hides the reader's; counting rows costs more.
    const number = `row_number() OVER () + ${firstRow(passed) - 1}`
    return `(SELECT ${number} AS _row${picked(columns)} FROM read_parquet(${path}, hive_partitioning = false))`
  }
  const number = `file_row_number + ${firstRow(passed)}`
  return `(SELECT ${number} AS _row${picked(columns)} FROM read_parquet(${path}, hive_partitioning = false, file_row_number = true))`
}

const JSON_LINES = "format='newline_delimited', compression='uncompressed'"

/**
 * Reads many objects of JSON lines in one go: their records are numbered through, in the order of
 * the objects, and each object's first number is known from its gate. One field for each column.
 */
export function readTogether(
  objects: readonly PassedObject[],
  columns: readonly {
    readonly as: string
    readonly from: readonly [string]
    readonly type?: JsonType
  }[],
): string {
  const paths = objects.map((o) => literal(o.path)).join(', ')
  const longest = objects.reduce((most, o) => Math.max(most, o.longest_record), 0)
  const holes = objects.some((o) => o.holes)
  const fields = new Map(columns.map(({ from: [name], type }) => [name, type ?? 'JSON']))
  if (holes || fields.size === 0) fields.set(HOLE, 'JSON')
  const types = [...fields].map(([name, type]) => `${identifier(name)}: '${type}'`).join(', ')
  let before = 0
  const starts = objects.map((o, at) => {
    const start = before - firstRow(o) + 1
    before += o.records
    return `(${at}, ${start})`
  })
  // `file_index` and ours under names that none of the fields has.
  const own = (name: string) => {
    let free = name
    while ([...fields.keys()].some((field) => foldCase(field) === free)) free += '_'
    return free
  }
  const unfit = [...fields.keys()].find(
    (field) => foldCase(field) === 'file_index' || isLikeHole(field),
  )
  if (unfit !== undefined) throw new Error(`objects with a field ${unfit} cannot be read together`)
  const [record, file] = [own('_record'), own('_file')]
  const source = `read_json([${paths}], ${JSON_LINES}, maximum_object_size=${Math.max(MIN_OBJECT_BYTES, longest + SLACK)}, auto_detect=false, hive_partitioning=false, columns={${types}})`
  const numbered = `SELECT row_number() OVER () AS ${record}, file_index AS ${file}, * FROM ${source}`
  const rows = `SELECT s._file, r.${record} - s._before AS _row${columns.map(({ as, from: [name] }) => `, r.${identifier(name)} AS ${identifier(as)}`).join('')} FROM (${numbered}) r JOIN (VALUES ${starts.join(', ')}) s(_file, _before) ON s._file = r.${file}`
  return holes ? `(${rows} WHERE ${notHole(`r.${identifier(HOLE)}`)})` : `(${rows})`
}

function readJsonl(passed: PassedObject, columns: readonly Wanted[]): string {
  const object_bytes = Math.max(MIN_OBJECT_BYTES, passed.longest_record + SLACK)
  const options = `${literal(passed.path)}, ${JSON_LINES}, maximum_object_size=${object_bytes}`
  // Under a name that none of the fields has.
  let row = '_row'
  while (passed.fields.some(({ name }) => foldCase(name) === row)) row += '_'
  const number = `row_number() OVER () + ${firstRow(passed) - 1} AS ${row}`
  const like_hole = passed.holes && columns.some(({ from: [name = ''] }) => isLikeHole(name))
  if (like_hole || columns.some(({ from }) => from.length > 1)) {
    // DuckDB reads no two fields whose names differ in case only: they are taken from whole objects.
    const members = columns
      .map(({ as, from, type }) => {
        const value = `coalesce(${from.map(member).join(', ')})`
        return `, ${typed(value, type)} AS ${identifier(as)}`
      })
      .join('')
    const hole = passed.holes ? ` WHERE ${notHole(member(HOLE))}` : ''
    const objects = `SELECT ${number}, json FROM read_ndjson_objects(${options})`
    return `(SELECT ${row} AS _row${members} FROM (${objects})${hole})`
  }
  const fields = new Map(columns.map(({ from, type }) => [from[0] as string, type ?? 'JSON']))
  if (passed.holes || fields.size === 0) fields.set(HOLE, 'JSON')
  const types = [...fields].map(([name, type]) => `${identifier(name)}: '${type}'`).join(', ')
  const source = `read_json(${options}, auto_detect=false, hive_partitioning=false, columns={${types}})`
  const hole = passed.holes ? ` WHERE ${notHole(identifier(HOLE))}` : ''
  return `(SELECT ${row} AS _row${picked(columns)} FROM (SELECT ${number}, * FROM ${source})${hole})`
}

/** A field that DuckDB takes for the one that tells a hole. */
const isLikeHole = (name: string) => name !== HOLE && foldCase(name) === HOLE

const notHole = (value: string) => `${value}::VARCHAR IS DISTINCT FROM '1'`

/** A JSON value in the type that a column is asked for in: other objects give it so. */
function typed(json: string, type: JsonType = 'JSON'): string {
  if (type === 'JSON') return json
  return type === 'VARCHAR' ? `(${json} ->> '$')` : `${json}::${type}`
}

/** A member of the object `json`; a JSON null is told as NULL, as `read_json` does. */
function member(name: string): string {
  const pointer = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
  return `nullif(json_extract(json, ${literal(pointer)}), 'null'::JSON)`
}

function readCsv(passed: PassedObject, columns: readonly Wanted[]): string {
  // Columns are known by their place: no name in the header can clash with another or with `_row`.
  const places = new Map(passed.fields.map(({ name }, at) => [name, `f${at}`]))
  const types = ["_row: 'BIGINT'", ...[...places.values()].map((place) => `${place}: 'VARCHAR'`)]
  const renamed = columns.map(({ as, from }) => ({
    as,
    from: from.map((name) => {
      const place = places.get(name)
      if (place === undefined) throw new Error(`the file has no column ${name}`)
      return place
    }),
  }))
  // Written by the gate, so nothing is left to be detected; only what stands unquoted is null.
  const source =
    `read_csv(${literal(passed.path)}, header=false, auto_detect=false, hive_partitioning=false, delim=',', quote='"', ` +
    `escape='"', nullstr='', allow_quoted_nulls=false, new_line='\\n', compression='none', ` +
    `max_line_size=${Math.max(MIN_OBJECT_BYTES, passed.longest_record + SLACK)}, ` +
    `${passed.breaks_in_fields === true ? 'parallel=false, ' : ''}columns={${types.join(', ')}})`
  return `(SELECT _row${picked(renamed)} FROM ${source})`
}
