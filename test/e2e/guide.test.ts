import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { PRESETS } from '../../src/core/config.ts'
import { OBJECT_CODES, ROW_CODES } from '../../src/core/rejects.ts'
import { elementsOf, textOf } from '../support/html-page.ts'
import { contractOf } from '../support/workspace.ts'

const launcher = fileURLToPath(new URL('../../bin/bucketline', import.meta.url))
const NOW = '2026-11-24T09:30:00Z'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bucketline-guide-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function bucketline(...words: readonly string[]) {
  const { stdout, stderr, status } = spawnSync(launcher, words, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, BUCKETLINE_NOW: NOW },
  })
  return { stdout, stderr, status }
}

function guide(...words: readonly string[]): string {
  const { stdout, stderr, status } = bucketline('contract', 'guide', ...words)
  expect([stderr, status]).toEqual(['', 0])
  return stdout
}

const write = async (path: string, content: string | Uint8Array) => {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), content)
}

/** Whatever a page holds, it stands alone and its parts belong together. */
function expectSelfContained(page: string) {
  expect(page.startsWith('<!doctype html>\n<html lang="en">')).toBe(true)
  // Throws where a tag is not closed, or a sign of markup is left over in text.
  const elements = elementsOf(page)
  const names = new Set(elements.map(({ name }) => name))
  for (const name of ['script', 'img', 'iframe', 'object', 'embed', 'form', 'base', 'svg', 'video'])
    expect(names).not.toContain(name)
  const ids = elements.flatMap(({ attributes }) => attributes.id ?? [])
  expect(new Set(ids).size).toBe(ids.length)
  for (const { name, attributes } of elements) {
    expect(Object.keys(attributes).filter((each) => /^(on|src|style$|action)/.test(each))).toEqual(
      [],
    )
    const { href } = attributes
    if (name === 'link') expect(href).toBe('data:,')
    else if (href?.startsWith('#')) expect(ids).toContain(href.slice(1))
    else if (href !== undefined) {
      const offered = href.startsWith('data:') && attributes.download !== undefined
      expect(offered || /^(https|mailto):/.test(href), href.slice(0, 40)).toBe(true)
    }
    const labelled = attributes['aria-labelledby']
    if (labelled !== undefined) expect(ids).toContain(labelled)
  }
  const [style = ''] = /<style>[\s\S]*<\/style>/.exec(page) ?? []
  expect(style).not.toMatch(/url\(|@import|@font-face|expression\(/)
  const levels = elements.flatMap(({ name }) => (/^h[1-6]$/.test(name) ? [Number(name[1])] : []))
  expect(levels.filter((level) => level === 1)).toHaveLength(1)
  return elements
}

/** Files the page carries. */
const downloads = (page: string) =>
  new Map(
    elementsOf(page).flatMap(({ attributes: { download, href } }) =>
      download === undefined || href === undefined
        ? []
        : [[download, Buffer.from(href.slice(href.indexOf(',') + 1), 'base64')] as const],
    ),
  )

describe('the page', () => {
  it.each(PRESETS)('of %s stands alone and names every column and every code', (preset) => {
    const page = guide(preset)
    expectSelfContained(page)
    const text = textOf(page)
    expect(text).not.toMatch(/undefined|\[object|NaN|null value is null/)
    const { contract } = JSON.parse(bucketline('contract', 'show', preset, '--json').stdout)
    for (const { name, description } of contract.columns) {
      expect(page).toContain(`<code>${name}</code></h3>`)
      if (description !== undefined) expect(text).toContain(description.trim())
    }
    for (const [code, meaning] of Object.entries({ ...ROW_CODES, ...OBJECT_CODES })) {
      expect(page).toContain(`<code>${code}</code>`)
      expect(text).toContain(meaning)
    }
  })

  it('has one outline, and keys of the day', () => {
    const page = guide('hackle-events')
    const outline = expectSelfContained(page)
      .filter(({ name }) => /^h[1-3]$/.test(name))
      .map(({ name, text }) => `${'  '.repeat(Number(name[1]) - 1)}${text}`)
    expect(outline.join('\n')).toMatchInlineSnapshot(`
      "Delivering Hackle events
        Contents
        Where files go
          Keys of 2026-11-23, the last day that is over
          Keys of 2026-11-24, the day that is running
          Keys that are not read
          What is passed over
        When a delivery is complete, and due
          Saying that a day is complete
          When it is due
          Delivering again
        What is in a file
        Columns
          insert_id
          event_key
          ts
          metric_value
          identifiers
          event_properties
          user_properties
          platform_properties
          Further columns
        Duplicates and whole deliveries
          Duplicates
          Rules on a whole partition
          How many refused rows are tolerated
        A sample that passes
        Access
        Check before you deliver
          A file by itself
          A whole delivery, with keys and _SUCCESS
          Reading the answer
        What is refused, and why
          A row
          A whole file
        Checklist
        The contract as a document"
    `)
    expect(page).toContain(
      '<pre class="keys"><code>dt=2026-11-23/part-00000.parquet\ndt=2026-11-23/part-00001.parquet\ndt=2026-11-23/_SUCCESS</code></pre>',
    )
    expect(textOf(page)).toContain('2026-11-23 is due at 2026-11-24 04:00 UTC')
    expect(guide('hackle-events')).toBe(page)
  })

  it('of a contract file goes without a feed, and one that allows no sample says why', async () => {
    await write(
      'pairs.odcs.yaml',
      contractOf([{ name: 'flag', logicalType: 'boolean', required: true, unique: true }]),
    )
    const page = guide('pairs.odcs.yaml')
    expectSelfContained(page)
    expect(textOf(page)).toContain('No sample can be made up for this contract: flag: ')
  })
})

describe('hostile text', () => {
  it('is shown and never run', async () => {
    const evil = `</code><script>alert("1")</script>'&amp;`
    await write(
      'evil.odcs.yaml',
      contractOf(
        [
          { name: 'a', physicalName: evil, logicalType: 'string', description: evil },
          { name: 'b', logicalType: 'string', enum: [{ value: evil }], examples: [evil] },
          {
            name: 'm',
            logicalType: 'map',
            map: { key: text, value: text },
            customProperties: [{ property: 'requiredKeys', value: [evil] }],
          },
          {
            name: 'x',
            logicalType: 'string',
            logicalTypeOptions: { pattern: '<b>"+' },
            description: 'left\u202eright\u0007',
          },
        ],
        { description: evil },
        {
          id: `"><img src=x>`,
          name: evil,
          version: evil,
          description: { purpose: evil, usage: evil, limitations: evil },
          support: [
            { channel: evil, url: 'javascript:alert(1)' },
            { channel: 'desk', url: 'https://desk.example/?a="&b=<' },
          ],
        },
      ),
    )
    const page = guide('evil.odcs.yaml')
    const elements = expectSelfContained(page)
    const shown = textOf(page)
    expect(shown.split(evil).length).toBeGreaterThan(12)
    expect(page).not.toContain('<script')
    expect(page).not.toContain('\u202e')
    expect(shown).toContain('left\\u202eright\\u0007')
    const links = elements.filter(({ attributes }) => /^[a-z]+:/.test(attributes.href ?? ''))
    const schemes = links.map(({ attributes }) => attributes.href?.split(':')[0])
    expect(new Set(schemes)).toEqual(new Set(['data', 'https']))
    // A file's name cannot lead out of the folder it is saved to.
    for (const name of downloads(page).keys()) expect(name).toMatch(/^[\w.-]+$/)
  })
})

const text = { logicalType: 'string' }

describe('what the page carries', () => {
  it.each([
    ['hackle-events', 'test/deep/', 'dt=2026-11-23/_SUCCESS'],
    ['metamarkets-rollup', '', undefined],
    ['toplyne-users', 'users', undefined],
  ] as const)('is enough to check a delivery of %s', async (preset, prefix, marker) => {
    await write(
      'bucketline.yaml',
      stringify({
        stores: { bucket: { type: 's3', bucket: 'acme-share' } },
        feeds: { partner: { store: 'bucket', prefix, preset } },
      }),
    )
    const page = guide('partner')
    const files = downloads(page)
    expect(files.size).toBe(3)
    await rm(join(folder, 'bucketline.yaml'))
    for (const [name, bytes] of files) await write(name, bytes)
    // The keys and commands are taken off the page, as a person would.
    const base = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
    const sample = [...files.keys()].find((name) => name.startsWith('part-')) ?? ''
    const [, key = ''] = /for the key <code>([^<]+)<\/code>/.exec(page) ?? []
    expect(key.startsWith(base) && key.endsWith(sample)).toBe(true)
    await write(join('outbox', key.slice(base.length)), files.get(sample) ?? '')
    if (marker !== undefined) {
      expect(page).toContain(`<code>${base}${marker}</code>`)
      expect(bucketline('plan').stdout).toContain('1 waiting')
      await write(join('outbox', marker), '')
    }
    expect(page).toContain('<code>bucketline plan\nbucketline validate partner</code>')
    const { validations } = JSON.parse(bucketline('validate', 'partner', '--json').stdout)
    expect(validations).toMatchObject([
      { feed: 'partner', state: 'passed', rows_read: 20, rejected: 0 },
    ])
    const [, command = ''] = /<code>bucketline (validate --contract [^<]+)<\/code>/.exec(page) ?? []
    const alone = bucketline(...command.split(' ').slice(0, 3), sample, '--json')
    expect(JSON.parse(alone.stdout).validations).toMatchObject([{ state: 'passed', rows_read: 20 }])
    expect(
      bucketline('contract', 'sample', 'partner', 'more', '--rows', '50', '--json').status,
    ).toBe(0)
  })

  it('names the place and the policy of a feed, and no secret', async () => {
    await write(
      'bucketline.yaml',
      stringify({
        stores: {
          keys: {
            type: 's3',
            bucket: 'acme-share',
            region: 'eu-west-1',
            auth: {
              type: 'access_key',
              access_key_id: 'AKIAHIDDEN',
              secret_access_key: 'hidden-key',
            },
          },
          role: {
            type: 's3',
            bucket: 'acme-share',
            auth: {
              type: 'assume_role',
              role_arn: 'arn:aws:iam::123456789012:role/reader',
              external_id: 'hidden-id',
            },
          },
          google: { type: 'gcs', bucket: 'acme-gcs' },
        },
        feeds: {
          keyed: { store: 'keys', prefix: 'data/', preset: 'metamarkets-rollup' },
          roled: { store: 'role', preset: 'toplyne-events' },
          cloud: { store: 'google', prefix: 'in/', preset: 'toplyne-events' },
          named: {
            store: 'keys',
            preset: 'hackle-events',
            layout: '{yyyy}/{app}/{MM}-{dd}.parquet',
            completion: { type: 'immediate' },
          },
        },
      }),
    )
    const keyed = guide('keyed')
    expectSelfContained(keyed)
    expect(textOf(keyed)).toContain('"Resource": "arn:aws:s3:::acme-share/data/*"')
    expect(textOf(keyed)).toContain(
      'aws s3 cp --region eu-west-1 part-00000.gz \\\n  s3://acme-share/data/y=2026/m=11/d=24/H=08/part-00000.gz',
    )
    expect(keyed).not.toContain('hidden-key')
    expect(keyed).not.toContain('AKIAHIDDEN')

    const open = bucketline('contract', 'guide', 'roled')
    expect([open.status, open.stderr]).toEqual([
      0,
      'note: The page has no trust policy of the role: it needs --principal and --external-id.\n',
    ])
    expect(open.stdout).not.toContain('hidden-id')
    const who = ['--principal', 'arn:aws:iam::210987654321:role/loader', '--external-id', 'a<b']
    const filled = guide('roled', ...who)
    expectSelfContained(filled)
    expect(textOf(filled)).toContain('"sts:ExternalId": "a<b"')

    const named = guide('named')
    expect([...downloads(named).keys()]).toContain('11-23.parquet')
    expect(named).toContain('for the key <code>2026/sample/11-23.parquet</code>')

    const cloud = bucketline('contract', 'guide', 'cloud', '--json')
    const report = JSON.parse(cloud.stdout)
    expect(report).toMatchObject({
      source: 'feed cloud',
      notes: [expect.stringMatching('--principal')],
    })
    expect(textOf(report.html)).toContain('storage.objects.list on the bucket')
    expect(
      textOf(guide('cloud', '--principal', 'serviceAccount:a@b.iam.gserviceaccount.com')),
    ).toContain('gcloud ')
  })
})

describe('contract guide', () => {
  it('writes a file, and overwrites none without being told', async () => {
    const words = ['contract', 'guide', 'toplyne-events', '--output', 'page.html']
    expect(bucketline(...words)).toEqual({ stdout: 'created page.html\n', stderr: '', status: 0 })
    expect(await readFile(join(folder, 'page.html'), 'utf8')).toBe(guide('toplyne-events'))
    const again = bucketline(...words)
    expect([again.status, again.stderr]).toEqual([
      2,
      expect.stringMatching(/^error\[usage\]: page\.html is there already\nhint: .*--force/),
    ])
    expect(JSON.parse(bucketline(...words, '--force', '--json').stdout)).toEqual({
      source: 'preset toplyne-events',
      notes: [],
      created: ['page.html'],
    })
  })
})
