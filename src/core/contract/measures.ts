import type { Contract, Measure } from './contract.ts'

/** A column as a dataset has it, declared or come with the data. */
export interface DatasetColumnName {
  readonly name: string
  readonly semantic: 'column' | 'dimension' | 'measure'
}

/**
 * The aggregates that explorers can offer for a dataset with these columns: the sum of each
 * measure column, then the contract's own measures whose columns are all there.
 */
export function offeredMeasures(
  contract: Contract,
  columns: readonly DatasetColumnName[],
): Measure[] {
  const there = new Set(columns.map(({ name }) => name.toLowerCase()))
  const sums = columns
    .filter(({ semantic }) => semantic === 'measure')
    .map(({ name }) => {
      const declared = contract.columns.find((column) => column.name === name)
      return {
        name,
        expression: `sum("${name.replaceAll('"', '""')}")`,
        ...(declared?.description === undefined ? {} : { description: declared.description }),
      }
    })
  const own = contract.measures.filter(({ expression }) =>
    expressionColumns(expression).every((name) => there.has(name.toLowerCase())),
  )
  return [...sums, ...own]
}

const words = new Set(
  `all and any as asc between by case cast collate desc distinct else end escape except exclude exists
  false filter first from following group having ilike in interval is isnull last like limit not notnull
  null nulls on or order over partition preceding range rows select similar some then to true try_cast
  unbounded union where when within`.split(/\s+/),
)

/** Names of the columns that an SQL expression uses, each once, as written. */
export function expressionColumns(expression: string): string[] {
  const token =
    /'(?:[^']|'')*'|--[^\n]*|\/\*[\s\S]*?\*\/|::\s*[A-Za-z_]\w*|\bas\s+[A-Za-z_]\w*|"((?:[^"]|"")+)"|[A-Za-z_]\w*|\d[\w.]*/gi
  const found = new Set<string>()
  for (const match of expression.matchAll(token)) {
    const [text, quoted] = match
    if (quoted !== undefined) found.add(quoted.replaceAll('""', '"'))
    else if (/^[A-Za-z_]\w*$/.test(text) && !words.has(text.toLowerCase())) {
      // A name before a bracket is a function.
      const after = expression.slice(match.index + text.length)
      if (!/^\s*\(/.test(after)) found.add(text)
    }
  }
  return [...found]
}
