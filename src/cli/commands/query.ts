import { z } from 'zod'
import { ExchangeError } from '../../core/errors.ts'
import type { QueryResult } from '../app-port.ts'
import { defineCommand } from '../command.ts'
import { csvLine } from '../csv-output.ts'
import { formatPlural, textValue } from '../format-value.ts'
import { writeJson } from '../json-output.ts'
import { fitTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { visible } from '../text-width.ts'
import { hangingText } from '../wrap-text.ts'

/** `query`: DuckDB SQL over the served datasets. */
export const query = defineCommand({
  name: 'query',
  summary: 'Run SQL over the datasets; each is a table of its feed’s name.',
  description:
    'The SQL is DuckDB’s and may only read. Every row has _object and _row, which say where it came from. Integers beyond 2^53 and decimals are strings in JSON; times are ISO 8601 in UTC.',
  arguments: z.object({
    sql: z.string().describe('One SELECT statement.').meta({ placeholder: 'SQL' }),
  }),
  flags: z.object({
    format: z
      .enum(['table', 'json', 'csv', 'parquet'])
      .default('table')
      .describe('How the result is printed.')
      .meta({ placeholder: 'FORMAT' }),
    output: z
      .string()
      .optional()
      .describe('Write the result to a file instead; needed for parquet.')
      .meta({ placeholder: 'FILE' }),
  }),
  examples: [
    {
      command:
        "bucketline query 'SELECT event_key, count(*) FROM events GROUP BY ALL ORDER BY 2 DESC'",
      what: 'events by name',
    },
    {
      command: "bucketline query 'FROM events' --format parquet --output events.parquet",
      what: 'a dataset as one file',
    },
  ],
  async run(context, input) {
    const { terminal } = context
    const format = context.json ? 'json' : input.format
    if (format === 'parquet' && input.output === undefined) {
      throw new ExchangeError('usage', 'Parquet is not text and cannot be printed', {
        hint: 'Name a file with --output FILE.',
      })
    }
    if (format === 'table' && input.output !== undefined) {
      throw new ExchangeError('usage', 'a table cannot be written to a file', {
        hint: 'Add --format csv, json or parquet.',
      })
    }
    await using app = await context.openApp()
    if (input.output !== undefined && format !== 'table') {
      await app.export(input.sql, { path: input.output, format })
      if (!context.json) terminal.err(`wrote ${input.output}\n`)
      return 0
    }
    const result = await app.query(input.sql)
    if (format === 'json') await writeResultJson(result, terminal)
    else if (format === 'csv') await writeResultCsv(result, terminal)
    else await terminal.out(resultText(result, terminal))
    return 0
  },
})

/** Names made different, as an object holds each name once: `count`, `count_1`. */
function distinctNames(columns: QueryResult['columns']): readonly string[] {
  const taken = new Set<string>()
  return columns.map(({ name }) => {
    let free = name
    for (let n = 1; taken.has(free); n += 1) free = `${name}_${n}`
    taken.add(free)
    return free
  })
}

async function writeResultJson(result: QueryResult, terminal: Terminal): Promise<void> {
  const names = distinctNames(result.columns)
  await writeJson(terminal, {
    columns: result.columns.map((column, index) => ({ name: names[index], type: column.type })),
    rows: result.rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]]))),
  })
}

async function writeResultCsv(result: QueryResult, terminal: Terminal): Promise<void> {
  await terminal.out(csvLine(result.columns.map((column) => column.name)))
  for (const row of result.rows) {
    if (terminal.closed) return
    await terminal.out(csvLine(row))
  }
}

/** Texts and nested values can be cut; of a time or a number a part says something else. */
const FLEXIBLE = /^(VARCHAR|BLOB|JSON|ENUM|STRUCT|MAP|UNION)|\]$/
const NUMERIC = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL)/

function resultText(result: QueryResult, terminal: Terminal): string {
  const { text, dropped } = fitTable(
    result.columns.map(({ name, type }, index) => ({
      title: name,
      // The last ones go first, so that what stands is what was asked for first.
      ...(index === 0 ? {} : { drop: result.columns.length - index }),
      ...(NUMERIC.test(type) ? { align: 'right' as const } : {}),
      ...(FLEXIBLE.test(type) ? { flexible: 1 } : {}),
    })),
    result.rows.map((row) =>
      row.map((value) => (value === null ? { text: 'null', color: 'dim' } : textValue(value))),
    ),
    { width: terminal.width, style: terminal.style },
  )
  const left_out =
    dropped.length === 0
      ? ''
      : `${hangingText('', `no room for ${dropped.map(visible).join(', ')}: --format json or csv shows all`, terminal.width)}\n`
  return `${text}\n${left_out}${formatPlural(result.rows.length, 'row')}\n`
}
