import type { CheckReport } from '../check-access.ts'
import type { AccessCheck } from '../core/access.ts'
import { formatPlural } from './format-value.ts'
import { straysText } from './strays.ts'
import { type Cell, renderTable } from './table.ts'
import type { Color, Terminal } from './terminal.ts'
import { hangingText } from './wrap-text.ts'

const stepName = ({ step }: AccessCheck): string => step.replaceAll('_', ' ')

/** Red breaks loads, yellow does not. */
function colorOf({ result, needed, change }: AccessCheck): Color {
  if (result === 'failed') return needed ? 'red' : 'yellow'
  if (result === 'skipped') return 'dim'
  return change === undefined ? 'green' : 'yellow'
}

/** What `check` shows people: the steps as a table, then what to change, then the verdict. */
export function checkText(report: CheckReport, terminal: Terminal): string {
  const { store, feed, url, checks } = report
  const { style, width } = terminal
  const place = feed === undefined ? `store ${store}` : `feed ${feed} in store ${store}`
  const cell = (each: AccessCheck): Cell => ({ text: each.result, color: colorOf(each) })
  const table = renderTable(
    [
      { title: 'step' },
      { title: 'result' },
      { title: 'detail', flexible: 2, least: 50, narrow: 'wrap' },
      { title: 'asked', flexible: 1, least: 30, narrow: 'cut', drop: 1 },
    ],
    checks.map((each) => [
      stepName(each),
      cell(each),
      each.result === 'skipped' ? { text: each.detail, color: 'dim' } : each.detail,
      // What the heading says already is left out: the key is what differs.
      {
        text: each.result === 'skipped' ? '' : (each.asked ?? '').replaceAll(url, '…'),
        color: 'dim',
      },
    ]),
    { width, style },
  )
  const changes = checks
    .filter(({ change }) => change !== undefined)
    .map((each) => {
      const lead = `${style(colorOf(each), `${stepName(each)}:`)} `
      const unneeded = each.result === 'failed' && !each.needed ? 'Loads work without it. ' : ''
      return hangingText(lead, `${unneeded}${each.change}`, width)
    })
  const strays = (report.layout?.strays ?? []).map((each) => ({
    feed: feed ?? '',
    object: each.object,
    // What was expected stands above them, once.
    reason: each.reason.split('; expected ')[0] ?? '',
  }))
  return [
    hangingText(`${style('bold', place)}: `, url, width),
    '',
    `${table}`,
    ...changes,
    ...(strays.length === 0 ? [] : [straysText(strays, terminal).trimEnd()]),
    ...policyHint(report, terminal),
    ...(changes.length === 0 ? [] : ['']),
    verdict(report, terminal),
    '',
  ].join('\n')
}

/** A policy grants all of what is missing at once; it is made for feeds in a bucket. */
function policyHint({ feed, checks }: CheckReport, { style, width }: Terminal): readonly string[] {
  const missing = checks.some(
    ({ step, needed, permission }) => permission !== undefined && needed && READING.has(step),
  )
  if (feed === undefined || !missing) return []
  const text = `\`bucketline policy ${feed}\` prints the policy with all that loads need, to paste.`
  return [hangingText(`${style('cyan', 'hint:')} `, text, width)]
}

/** Steps whose permissions are in the policy of a feed. */
const READING: ReadonlySet<string> = new Set(['list', 'get', 'decrypt', 'authentication'])

function verdict({ checks }: CheckReport, { style }: Terminal): string {
  const failed = checks.filter(({ result, needed }) => result === 'failed' && needed)
  const skipped = checks.filter(({ result }) => result === 'skipped').length
  const left = skipped === 0 ? '' : `, ${skipped} skipped`
  const steps = formatPlural(checks.length, 'step')
  if (failed.length > 0) return `${style('red', `${failed.length} failed`)} of ${steps}${left}`
  return `${style('green', 'access works')}: ${steps}${left}`
}
