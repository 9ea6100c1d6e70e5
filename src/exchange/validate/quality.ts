import type { Contract, QualityRule, Threshold } from '../../core/contract/contract.ts'
import { ExchangeError } from '../../core/errors.ts'
import { type Duckdb, identifier, literal } from '../../duckdb/duckdb.ts'
import type { Note } from '../../ledger/ledger.ts'

/**
 * Runs the contract's rules on the whole partition: over the valid rows that are about to be
 * published, in `files` and `kept`. A broken rule of severity `error` refuses the partition, a `warning` becomes a note.
 */
export async function brokenQuality(
  contract: Contract,
  rows: { readonly files: readonly string[]; readonly kept?: string | undefined },
  duckdb: Duckdb,
): Promise<{ readonly broken?: string; readonly notes: readonly Note[] }> {
  const notes: Note[] = []
  let broken: string | undefined
  if (contract.quality.length === 0) return { notes }
  const kept = rows.kept === undefined ? '' : ` UNION ALL BY NAME (${rows.kept})`
  await duckdb.run(
    `CREATE OR REPLACE TEMP VIEW partition_rows AS SELECT * FROM read_parquet([${rows.files.map(literal).join(', ')}], hive_partitioning = false)${kept}`,
  )
  for (const rule of contract.quality) {
    const value = await measure(rule, duckdb)
    if (holds(rule.threshold, value)) continue
    const message = `quality rule ${rule.name}: ${rule.metric} is ${value}${rule.unit === 'percent' ? ' %' : ''}, ${thresholdText(rule.threshold)} wanted`
    if (rule.severity === 'error') broken ??= message
    else notes.push({ code: 'quality_warning', message, count: 1 })
  }
  return broken === undefined ? { notes } : { broken, notes }
}

async function measure(rule: QualityRule, duckdb: Duckdb): Promise<number> {
  const sql = measureSql(rule)
  try {
    const [row] = await duckdb.all<{ value: number | bigint | null }>(
      `SELECT (${sql})::DOUBLE AS value`,
    )
    return Number(row?.value ?? 0)
  } catch (cause) {
    throw new ExchangeError(
      'contract_invalid',
      `quality rule ${rule.name} cannot be run: ${firstLine(cause)}`,
      {
        hint: 'A sql rule is one SELECT of one number; {object} stands for the partition’s rows.',
        cause,
      },
    )
  }
}

function measureSql(rule: QualityRule): string {
  const counted = (condition: string) =>
    rule.unit === 'percent'
      ? `SELECT 100.0 * count(*) FILTER (WHERE ${condition}) / greatest(count(*), 1) FROM partition_rows`
      : `SELECT count(*) FILTER (WHERE ${condition}) FROM partition_rows`
  switch (rule.metric) {
    case 'row_count':
      return 'SELECT count(*) FROM partition_rows'
    case 'null_values':
      return counted(`${identifier(rule.column)} IS NULL`)
    case 'missing_values': {
      const list = (rule.missing ?? [null, ''])
        .filter((v) => v !== null)
        .map((v) => literal(String(v)))
      const in_list =
        list.length === 0 ? '' : ` OR ${identifier(rule.column)}::VARCHAR IN (${list.join(', ')})`
      return counted(`${identifier(rule.column)} IS NULL${in_list}`)
    }
    case 'invalid_values': {
      const text = `${identifier(rule.column)}::VARCHAR`
      const valid: string[] = []
      if (rule.valid !== undefined)
        valid.push(`${text} IN (${rule.valid.map((v) => literal(String(v))).join(', ')})`)
      if (rule.pattern !== undefined)
        valid.push(`regexp_full_match(${text}, ${literal(rule.pattern)})`)
      return counted(
        `${text} IS NOT NULL AND NOT (${valid.length === 0 ? 'true' : valid.join(' AND ')})`,
      )
    }
    case 'duplicate_values': {
      const columns = rule.columns.map(identifier).join(', ')
      const extra = `SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM partition_rows GROUP BY ${columns} HAVING count(*) > 1)`
      return rule.unit === 'percent'
        ? `SELECT 100.0 * (${extra}) / greatest((SELECT count(*) FROM partition_rows), 1)`
        : extra
    }
    case 'sql':
      return rule.query
        .replaceAll(/\$\{(table|object)\}|\{object\}|\$\{model\}/g, 'partition_rows')
        .replaceAll(
          /\$\{(column|property)\}|\{property\}/g,
          rule.column === undefined ? '' : identifier(rule.column),
        )
        .replace(/;\s*$/, '')
  }
}

/** Whether a measured value satisfies a threshold; both bounds of `between` belong to it. */
export function holds({ operator, values }: Threshold, value: number): boolean {
  const [a = Number.NaN, b = Number.NaN] = values
  switch (operator) {
    case 'must_be':
      return value === a
    case 'must_not_be':
      return value !== a
    case 'must_be_greater_than':
      return value > a
    case 'must_be_greater_or_equal_to':
      return value >= a
    case 'must_be_less_than':
      return value < a
    case 'must_be_less_or_equal_to':
      return value <= a
    case 'must_be_between':
      return value >= a && value <= b
    case 'must_not_be_between':
      return value < a || value > b
  }
}

const thresholdText = ({ operator, values }: Threshold) =>
  `${operator.replace(/^must_(not_)?be_?/, '$1').replaceAll('_', ' ')} ${values.join(' and ')}`.trim()

const firstLine = (cause: unknown) =>
  String(cause instanceof Error ? cause.message : cause).split('\n')[0]
