import { describe, expect, it } from 'vitest'
import { memoryTerminal } from '../../test/memory-terminal.ts'
import type { CheckReport } from '../check-access.ts'
import type { AccessCheck } from '../core/access.ts'
import { checkText } from './check-text.ts'
import { textWidth } from './text-width.ts'

const url = 's3://metamx-acme-share/data/auctions/'
const step = (name: AccessCheck['step'], more: Partial<AccessCheck>): AccessCheck => ({
  step: name,
  result: 'ok',
  needed: true,
  detail: '',
  asked: `ListObjectsV2 ${url}`,
  seconds: 0,
  ...more,
})
const list = step('list', { detail: `2 objects under ${url}` })
const get = step('get', {
  result: 'failed',
  asked: `GetObject ${url}y=2015/m=10/d=17/H=09/file1ab.gz`,
  detail: 's3:GetObject is denied on data/auctions/y=2015/m=10/d=17/H=09/file1ab.gz',
  permission: 's3:GetObject',
  resource: 'arn:aws:s3:::metamx-acme-share/data/auctions/*',
  change: 'Allow s3:GetObject on arn:aws:s3:::metamx-acme-share/data/auctions/* for role r.',
})
const version = step('get_version', {
  result: 'failed',
  needed: false,
  detail: 's3:GetObjectVersion is denied',
  permission: 's3:GetObjectVersion',
  change: 'Allow s3:GetObjectVersion on it.',
})
const skipped = step('decrypt', { result: 'skipped', detail: 'not asked, as get failed' })

const report = (checks: readonly AccessCheck[], more: Partial<CheckReport> = {}): CheckReport => ({
  store: 'metamx',
  feed: 'auctions',
  url,
  ok: checks.every(({ result, needed }) => result !== 'failed' || !needed),
  checks,
  ...more,
})
const shown = (what: CheckReport, width?: number) =>
  checkText(what, memoryTerminal(width === undefined ? {} : { width }))

describe('checkText', () => {
  it('shows each step, then what to change, then the verdict', () => {
    expect(shown(report([list, get, skipped]), 120)).toBe(
      `feed auctions in store metamx: s3://metamx-acme-share/data/auctions/

step     result   detail                                                                  asked
list     ok       2 objects under s3://metamx-acme-share/data/auctions/                   ListObjectsV2 …
get      failed   s3:GetObject is denied on                                               GetObject …y=2015/m=10/d=17/H…
                  data/auctions/y=2015/m=10/d=17/H=09/file1ab.gz
decrypt  skipped  not asked, as get failed

get: Allow s3:GetObject on arn:aws:s3:::metamx-acme-share/data/auctions/* for role r.
hint: \`bucketline policy auctions\` prints the policy with all that loads need, to paste.

1 failed of 3 steps, 1 skipped
`,
    )
  })

  it.each([60, 80, 100, 120])('fits into %i columns', (width) => {
    const strays = [
      { object: 'data/auctions/x', reason: 'too short; expected y={yyyy}, such as y=2023' },
    ]
    const layout = { objects: 2, more: false, taken: 1, markers: 0, ignored: 0, strays }
    const text = shown(report([list, get, version, skipped], { layout }), width)
    for (const line of text.split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(width)
    expect(text).toContain('too short')
    expect(text).not.toContain('such as y=2023')
  })

  it('says of a step that loads can do without that they can', () => {
    const text = shown(report([list, version]))
    expect(text).toContain('get version: Loads work without it. Allow s3:GetObjectVersion on it.')
    expect(text).toContain('access works: 2 steps\n')
    expect(text).not.toContain('bucketline policy')
  })

  it('speaks of the store where there is no feed', () => {
    const { feed: _, ...store } = report([get])
    const text = checkText(store, memoryTerminal())
    expect(text).toContain('store metamx: s3://')
    expect(text).not.toContain('bucketline policy')
  })

  it('says in one line that all is well', () => {
    expect(shown(report([list, skipped]))).toMatch(/\n\naccess works: 2 steps, 1 skipped\n$/)
  })
})
