import { expect, test } from 'vitest'
import { inParallel } from './in-parallel.ts'

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('results come in the items’ order, and never more than the limit at a time', async () => {
  let running = 0
  let most = 0
  const results = await inParallel([30, 1, 20, 5], 2, async (ms) => {
    running += 1
    most = Math.max(most, running)
    await wait(ms)
    running -= 1
    return ms
  })
  expect(results).toEqual([30, 1, 20, 5])
  expect(most).toBe(2)
  expect(await inParallel([], 3, wait)).toEqual([])
})

test('a failure ends it once what has begun is over', async () => {
  const done: number[] = []
  const run = inParallel([1, 2, 3, 4], 2, async (item) => {
    if (item === 1) throw new Error('no')
    await wait(5)
    done.push(item)
  })
  await expect(run).rejects.toThrow('no')
  expect(done).toEqual([2])
})
