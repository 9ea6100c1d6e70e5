import { describe, expect, it } from 'vitest'
import { FeedSettings, PRESETS } from '../core/config.ts'
import { keyReader } from '../core/layout/key-role.ts'
import { readFeed } from '../read-feed.ts'
import { probeKey } from '../store/access.ts'
import { checkLayout, takenBy } from './check.ts'

const NOW = new Date('2023-01-02T00:00:00Z')
const info = (key: string, size = 5) => ({ key, size, version: 'v', modified_at: NOW })
const feedOf = async (preset: string, prefix: string) =>
  (await readFeed('f', FeedSettings.parse({ store: 's', preset, prefix }), undefined, '/')).feed

async function looked(keys: readonly string[], more = false) {
  const feed = await feedOf('metamarkets-rollup', 'data/auctions')
  return checkLayout(feed, { objects: keys.map((key) => info(key)), more }, NOW)
}

describe('checkLayout', () => {
  it('counts what is taken, and names the first with its partition', async () => {
    const { report, finding } = await looked([
      'data/auctions/_SUCCESS',
      'data/auctions/y=2015/m=10/d=17/H=09/a.gz',
      'data/auctions/y=2015/m=10/d=17/H=10/b.gz',
    ])
    expect(report).toEqual({
      objects: 3,
      more: false,
      taken: 2,
      markers: 0,
      ignored: 1,
      first: { object: 'data/auctions/y=2015/m=10/d=17/H=09/a.gz', partition: '2015-10-17T09' },
      strays: [],
    })
    expect(finding).toMatchObject({
      result: 'ok',
      detail: expect.stringContaining('2 of 3 keys fit'),
    })
    expect(finding.change).toBeUndefined()
  })

  it('fails where no key fits, and says what is expected where', async () => {
    const { report, finding } = await looked(['data/auctions/2015/10/17/09/a.gz'], true)
    expect(report.strays).toEqual([
      { object: 'data/auctions/2015/10/17/09/a.gz', reason: expect.stringContaining('y={yyyy}') },
    ])
    expect(finding.result).toBe('failed')
    expect(finding.detail).toContain('0 of 1 first key')
    expect(finding.change).toContain('data/auctions/y={yyyy}/m={MM}/d={dd}/H={HH}/{file}.gz')
  })

  it('remarks on strays among keys that fit', async () => {
    const { finding } = await looked([
      'data/auctions/y=2015/m=10/d=17/H=09/a.gz',
      'data/auctions/y=2015/m=10/d=17/H=9/a.gz',
    ])
    expect(finding.result).toBe('ok')
    expect(finding.change).toContain('1 key is in no partition')
  })

  it('has nothing to say of an empty prefix', async () => {
    expect((await looked([])).finding.result).toBe('skipped')
  })

  it('does not fail where only ignored objects lie', async () => {
    expect((await looked(['data/auctions/_SUCCESS'])).finding.result).toBe('ok')
  })
})

it('takenBy knows the data under the prefix', async () => {
  const taken = takenBy(await feedOf('metamarkets-rollup', 'data/auctions'), NOW)
  expect(taken(info('data/auctions/y=2015/m=10/d=17/H=09/a.gz'))).toBe(true)
  expect(taken(info('data/other/y=2015/m=10/d=17/H=09/a.gz'))).toBe(false)
  expect(taken(info('data/auctions/x'))).toBe(false)
})

it.each(PRESETS)('no layout of %s takes a probe object', async (preset) => {
  const reader = keyReader(await feedOf(preset, ''))
  expect(reader.key(probeKey(''), 90, NOW).role).toBe('ignored')
})
