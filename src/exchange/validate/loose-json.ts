import { literal } from '../../duckdb/duckdb.ts'
import { looseJson } from './nested-sql.ts'
import { type SourceGroup, type SourceOptions, sqlText } from './source-group.ts'

/**
 * DuckDB's json_valid takes trailing commas and NaN. Texts in JSON columns that might hold such a
 * thing are few; each distinct one is judged by a strict parser and the verdict joined back.
 */
export async function judgeLooseJson(
  groups: readonly SourceGroup[],
  options: SourceOptions,
): Promise<boolean> {
  let found = false
  const { duckdb } = options
  await duckdb.run(
    'CREATE OR REPLACE TEMP TABLE json_judgements (raw VARCHAR, repair BOOLEAN, text VARCHAR, repaired BOOLEAN, times BIGINT)',
  )
  for (const group of groups) {
    for (const column of group.columns) {
      const text = column.sql.json_text
      if (text === undefined) continue
      const repair = column.repair_trailing_comma
      const loose = await duckdb.all<{ t: string; n: bigint }>(
        `SELECT ${text} AS t, count(*) AS n FROM ${group.table} WHERE ${text} IS NOT NULL AND ${looseJson(text)} GROUP BY t`,
      )
      found ||= loose.length > 0
      for (let at = 0; at < loose.length; at += 1000) {
        const rows = loose.slice(at, at + 1000).map(({ t, n }) => {
          const verdict = strictJson(t, repair)
          return `(${literal(t)}, ${repair}, ${sqlText(verdict?.text)}, ${verdict?.repaired ?? false}, ${n})`
        })
        await duckdb.run(`INSERT INTO json_judgements VALUES ${rows.join(', ')}`)
      }
    }
  }
  return found
}

/** RFC 8259 by the platform's own parser; a comma before a closing bracket is taken out where the contract allows. */
export function strictJson(
  text: string,
  repairTrailingComma: boolean,
): { text: string; repaired: boolean } | undefined {
  if (parses(text)) return { text, repaired: false }
  if (!repairTrailingComma) return undefined
  const repaired = withoutTrailingCommas(text)
  return parses(repaired) ? { text: repaired, repaired: true } : undefined
}

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    // A verdict, not a failure: the caller refuses the row.
    return false
  }
}

/** Commas inside strings are left alone. */
function withoutTrailingCommas(text: string): string {
  return text.replace(
    /("(?:[^"\\]|\\.)*")|,(\s*[}\]])/gs,
    (_, string?: string, tail?: string) => string ?? tail ?? '',
  )
}
