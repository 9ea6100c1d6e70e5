import type { SyncStatus } from './app-port.ts'
import { formatBytes, formatCount, formatMinute, formatPlural } from './format-value.ts'
import { stateCell } from './load-report.ts'
import { renderTable } from './table.ts'
import type { Terminal } from './terminal.ts'
import { visible } from './text-width.ts'
import { hangingText } from './wrap-text.ts'

/** Syncs as a table, with why one is not whole below its row, and the sum; '' without any. */
export function syncStatusText(syncs: readonly SyncStatus[], terminal: Terminal): string {
  if (syncs.length === 0) return ''
  const { style, width } = terminal
  const below = (row: number) => {
    const { code, message } = syncs[row] ?? {}
    if (code === undefined) return ''
    return hangingText(`  ${style('red', code)}  `, visible(message ?? ''), width)
  }
  const table = renderTable(
    [
      { title: 'sync', flexible: 1, least: 16, narrow: 'cut' },
      { title: 'state' },
      { title: 'last run', drop: 3 },
      { title: 'streams', align: 'right' },
      { title: 'records', align: 'right' },
      { title: 'objects', align: 'right', drop: 2 },
      { title: 'size', align: 'right', drop: 1 },
      { title: 'goes on from' },
    ],
    syncs.map((each) => [
      each.sync,
      stateCell(each.state),
      each.started_at === undefined ? '' : formatMinute(each.started_at),
      streamsText(each),
      ...(each.state === 'never'
        ? ['', '', '']
        : [formatCount(each.records), formatCount(each.objects), formatBytes(each.bytes)]),
      standingText(each),
    ]),
    { width, style, below },
  )
  const counts = new Map<string, number>()
  for (const { state } of syncs) counts.set(state, (counts.get(state) ?? 0) + 1)
  const states = [...counts].map(([state, count]) => `${formatCount(count)} ${state}`).join(', ')
  return `${table}\n${formatPlural(syncs.length, 'sync')}: ${states}\n`
}

function streamsText({ streams, streams_complete }: SyncStatus): string {
  if (streams === undefined) return ''
  return streams_complete === undefined || streams_complete === streams
    ? formatCount(streams)
    : `${formatCount(streams_complete)} of ${formatCount(streams)}`
}

function standingText({ states, states_kind }: SyncStatus): string {
  if (states_kind === 'none') return 'nothing'
  return states_kind === 'global' ? 'global state' : formatPlural(states, states_kind)
}
