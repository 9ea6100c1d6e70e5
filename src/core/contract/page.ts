import type { CompletionSettings } from '../settings.ts'
import type { Contract } from './contract.ts'
import { showContract } from './show.ts'

/** How deliveries come, for the page; whatever is known. */
export interface PageDelivery {
  readonly layout?: string
  readonly completion?: CompletionSettings
  /** Such as `parquet`. */
  readonly format?: string
}

/** A contract as a Markdown page that a partner can follow when preparing deliveries. */
export function contractPage(contract: Contract, delivery: PageDelivery = {}): string {
  const shown = showContract(contract)
  const sections: string[] = [
    `# ${text(shown.name)}`,
    `Contract \`${shown.id}\`, version ${text(shown.version)}.`,
  ]
  const how = deliveryLines(delivery)
  if (how.length > 0) sections.push('## Delivery', list(how))
  sections.push(
    '## Columns',
    table(
      ['column', 'type', 'required', 'rules', 'what it is'],
      shown.columns.map((column) => [
        `\`${column.name}\``,
        text(column.type),
        column.key === undefined ? (column.required ? 'yes' : 'no') : `key ${column.key}`,
        text(column.rules.join('; ')),
        text(column.description ?? ''),
      ]),
    ),
    unknownColumns(contract),
  )
  if (shown.service_levels.length > 0) {
    sections.push(
      '## Service levels',
      list(shown.service_levels.map(({ name, value }) => `${words(name)}: ${value}`)),
    )
  }
  if (shown.quality.length > 0) {
    sections.push(
      '## Checks on the whole partition',
      list(
        shown.quality.map(
          ({ name, rule, severity }) =>
            `${name}: ${rule}${severity === 'warning' ? ' (a warning only)' : ''}`,
        ),
      ),
    )
  }
  if (shown.measures.length > 0) {
    sections.push(
      '## Measures',
      table(
        ['measure', 'expression', 'what it is'],
        shown.measures.map(({ name, title, expression, description }) => [
          text(title ?? name),
          `\`${expression.replaceAll('|', '\\|')}\``,
          text(description ?? ''),
        ]),
      ),
    )
  }
  if (shown.notes.length > 0) sections.push('## Notes', list(shown.notes))
  if (shown.not_executed.length > 0) {
    sections.push(
      '## Agreed, but not checked',
      list(shown.not_executed.map(({ path, reason }) => `\`${path}\`: ${reason}`)),
    )
  }
  return `${sections.join('\n\n')}\n`
}

function deliveryLines({ layout, completion, format }: PageDelivery): string[] {
  const lines: string[] = []
  if (layout !== undefined) lines.push(`Keys follow \`${layout}\`.`)
  if (format !== undefined) lines.push(`Objects are ${format}.`)
  if (completion?.type === 'marker') {
    lines.push(
      `A partition is complete when ${completion.allow_content ? 'an' : 'an empty'} object \`${completion.name}\` lies in it; write it last.`,
    )
  } else if (completion?.type === 'immediate') lines.push('Each object is loaded as it appears.')
  else if (completion?.type === 'quiet_period') {
    lines.push(
      `A partition is complete when nothing in it has changed for ${completion.quiet / 60_000} minutes.`,
    )
  } else if (completion?.type === 'manifest') {
    lines.push(
      `A partition is complete when the objects that its \`${completion.name}\` names are there.`,
    )
  }
  return lines
}

function unknownColumns(contract: Contract): string {
  const nested = contract.flat ? ' They may hold no object or list.' : ''
  const named = contract.ignore_case ? ' Names match in any case.' : ''
  switch (contract.new_columns) {
    case 'evolve':
      return `Further fields become columns when they are first seen.${nested}${named}`
    case 'rescue':
      return `Further fields are kept as JSON in \`_rescued\`.${nested}${named}`
    case 'reject':
      return `A row with any other field is refused.${named}`
  }
}

/** Without what Markdown would read as a table's edge or a tag. */
const text = (value: string): string =>
  value
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replace(/\s*\n\s*/g, ' ')
const words = (name: string): string => name.replaceAll('_', ' ')
const list = (lines: readonly string[]): string => lines.map((line) => `- ${text(line)}`).join('\n')
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
