import { expect } from 'vitest'
import type { openApp } from '../../src/app.ts'
import type { DeliveryRequest } from '../../src/deliver.ts'
import type { RejectedRow } from './workspace.ts'

/** Delivers through the composition root, and sees that the counts add up. */
export async function deliverWith(
  app: Awaited<ReturnType<typeof openApp>>,
  request: Partial<DeliveryRequest>,
) {
  const { rejects, ...report } = await app.deliver(
    { files: [], marker: true, replace: false, dry_run: false, ...request },
    { signal: new AbortController().signal, observe: () => undefined },
  )
  const rows: RejectedRow[] = []
  for await (const reject of rejects) rows.push(reject)
  expect(report.rows_read).toBe(
    report.rows_delivered + report.duplicates + report.rejected + report.withheld,
  )
  expect(rows).toHaveLength(report.rejected)
  return { ...report, rejects: rows }
}
