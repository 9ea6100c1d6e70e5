import type { PolicyFinding } from '../core/policy/lint.ts'
import { formatPlural } from './format-value.ts'
import type { Terminal } from './terminal.ts'
import { visible } from './text-width.ts'
import { hangingText } from './wrap-text.ts'

const COLORS = { error: 'red', warning: 'yellow' } as const

/** Findings with their place as editors and terminals link to it, what to write instead, and a verdict. */
export function findingsText(
  source: string,
  findings: readonly PolicyFinding[],
  { style, width }: Pick<Terminal, 'style' | 'width'>,
): string {
  const lines = findings.map((each) => {
    const { severity, code, line, column, message, instead, path } = each
    const place = path === undefined ? '' : ` (${visible(path)})`
    const what = `${source}:${line}:${column}: ${style(COLORS[severity], `${severity} ${code}`)}: ${visible(message)}${style('dim', place)}\n`
    return `${what}${hangingText('    instead: ', visible(instead), width)}\n`
  })
  const count = (severity: PolicyFinding['severity']) =>
    findings.filter((each) => each.severity === severity).length
  const verdict =
    findings.length === 0
      ? style('green', 'no defects')
      : [formatPlural(count('error'), 'error'), formatPlural(count('warning'), 'warning')].join(
          ', ',
        )
  return `${lines.join('')}${source}: ${verdict}\n`
}
