/**
 * Runs `work` on every item, at most `limit` at a time, and gives the results in the items' order.
 * The first failure ends it: what has begun is waited for, nothing more begins, and it throws.
 */
export async function inParallel<Item, Result>(
  items: Iterable<Item>,
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const queue = [...items].entries()
  let failed = false
  const worker = async () => {
    for (const [index, item] of queue) {
      if (failed) return
      try {
        results[index] = await work(item)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const settled = await Promise.allSettled(Array.from({ length: limit }, worker))
  for (const outcome of settled) {
    if (outcome.status === 'rejected') throw outcome.reason
  }
  return results
}
