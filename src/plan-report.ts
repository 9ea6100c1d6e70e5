import type { NotLoaded, Plan, PlanItem } from './exchange/plan/plan.ts'

/** A feed's plan as `plan` prints it: what is loaded and what is not, each with why, by partition. */
export function planReport(plan: Plan) {
  const rows = [...plan.items.map(loaded), ...plan.not_loaded.map(passedOver)]
  return rows.sort((a, b) => (a.partition < b.partition ? -1 : 1))
}

const loaded = (item: PlanItem) => ({
  feed: item.feed,
  partition: item.partition,
  action: 'load' as const,
  reason: item.reason as string,
  message: item.reason_text,
  publish: item.publish,
  generation: item.generation,
  objects: item.reads.length,
  bytes: item.bytes,
  notes: item.warnings.map(({ code, message, count }) => ({ code, message, count })),
})

const passedOver = ({ feed, partition, why, waiting_for, message }: NotLoaded) => ({
  feed,
  partition,
  action: why === 'waiting' ? ('wait' as const) : ('none' as const),
  reason: why === 'waiting' ? (waiting_for ?? why) : why,
  message,
  objects: 0,
  bytes: 0,
  notes: [],
})
