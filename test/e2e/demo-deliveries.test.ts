import { createHash } from 'node:crypto'
import { glob, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { deliverLater, deliverMended, deliverMorning } from '../../scripts/demo/deliveries.ts'
import { openInbox } from '../../scripts/demo/inbox.ts'
import { PRESETS } from '../../src/core/config.ts'
import { readConfig } from '../../src/read-config.ts'

const made: string[] = []
afterEach(async () => {
  for (const dir of made.splice(0)) await rm(dir, { recursive: true, force: true })
})

/** Every delivery but the flights, with what a load is to make of them and a digest of each object. */
async function deliver() {
  const dir = await mkdtemp(join(tmpdir(), 'bucketline-demo-test-'))
  made.push(dir)
  await using inbox = await openInbox(dir)
  const expected = [
    ...(await deliverMorning(inbox)),
    ...(await deliverLater(inbox)),
    ...(await deliverMended(inbox)),
  ]
  const digests: Record<string, string> = {}
  for await (const entry of glob('**/*', { cwd: dir, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    digests[path.slice(dir.length + 1)] = createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
  }
  return { expected, digests }
}

describe('the deliveries of the demo', () => {
  it('are the same on every run', async () => {
    const first = await deliver()
    const second = await deliver()
    expect(Object.keys(first.digests).length).toBeGreaterThan(20)
    expect(second).toEqual(first)
  })

  it('are of every preset, and refuse a partition and rows for many reasons', async () => {
    const { feeds } = await readConfig(
      new URL('../../examples/demo/bucketline.yaml', import.meta.url).pathname,
    )
    const { expected } = await deliver()
    const delivered = new Set(expected.map(({ feed }) => feeds[feed]?.preset))
    expect([...delivered].sort()).toEqual([...PRESETS].sort())
    expect(expected.filter(({ state }) => state === 'refused')).toHaveLength(1)
    const codes = new Set(expected.flatMap(({ rejected }) => Object.keys(rejected)))
    expect(codes.size).toBeGreaterThanOrEqual(8)
  })
})
