import type { SyncStatus } from '../../core/sync-status.ts'
import type { KeptStates, Ledger, SyncRecord } from '../../ledger/ledger.ts'

export interface SyncStatusOptions {
  readonly ledger: Pick<Ledger, 'syncs' | 'keptStates'>
  /** Those of the configuration, with the names of their destinations. */
  readonly configured: ReadonlyMap<string, string>
  /** Whether the process `host:pid` may still be there. */
  readonly mayRun: (holder: string) => boolean
}

/** Each sync of the configuration in its order, then others that the ledger knows, by name. Reads the ledger only. */
export async function syncStatuses(options: SyncStatusOptions): Promise<readonly SyncStatus[]> {
  const { ledger, configured, mayRun } = options
  const last = new Map((await ledger.syncs()).map((record) => [record.sync, record]))
  const kept = Map.groupBy(await ledger.keptStates(), ({ sync }) => sync)
  return [...new Set([...configured.keys(), ...last.keys()])].map((sync) => {
    const record = last.get(sync)
    return {
      sync,
      configured: configured.has(sync),
      destination: configured.get(sync) ?? record?.destination ?? '',
      ...attemptOf(record, mayRun),
      ...standingOf(kept.get(sync) ?? []),
    }
  })
}

type Attempt = Omit<
  SyncStatus,
  'sync' | 'configured' | 'destination' | 'states' | 'states_kind' | 'states_at'
>

function attemptOf(record: SyncRecord | undefined, mayRun: SyncStatusOptions['mayRun']): Attempt {
  if (record === undefined)
    return { state: 'never', records: 0, objects: 0, bytes: 0, bad_values: 0 }
  const { sync, attempt_id, destination, holder, state, ...facts } = record
  if (state !== 'running') return { ...facts, state: judged(record) }
  if (mayRun(holder)) return { ...facts, state }
  // The ledger learns of it when the next attempt begins.
  return {
    ...facts,
    state: judged(record),
    code: 'interrupted',
    message: `The process that ran this sync (${holder}) ended or was cut off before it finished.`,
  }
}

const judged = ({ state, records, streams_complete = 0 }: SyncRecord): SyncStatus['state'] => {
  if (state === 'succeeded') return state
  return records > 0 || streams_complete > 0 ? 'incomplete' : 'failed'
}

/** A sync whose source was changed for one of another kind keeps states of both; the latest tell what it is now. */
function standingOf(
  kept: readonly KeptStates[],
): Pick<SyncStatus, 'states' | 'states_kind' | 'states_at'> {
  const [latest] = kept.toSorted((a, b) => b.committed_at.getTime() - a.committed_at.getTime())
  if (latest === undefined) return { states: 0, states_kind: 'none' }
  return { states: latest.count, states_kind: latest.kind, states_at: latest.committed_at }
}
