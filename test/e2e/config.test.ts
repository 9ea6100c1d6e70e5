import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openApp } from '../../src/app.ts'
import { asExchangeError, errorReport, errorText } from '../../src/cli/error-output.ts'
import type { ExchangeError } from '../../src/core/errors.ts'

const launcher = fileURLToPath(new URL('../../bin/bucketline', import.meta.url))

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bucketline-config-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const INBOX = 'stores:\n  inbox: { type: local, path: . }\n'
const feed = (settings: string) => `${INBOX}feeds:\n  events: { store: inbox, ${settings} }\n`

/** What `plan` says of a configuration that cannot work. */
async function refused(yaml: string, env: Record<string, string> = {}): Promise<ExchangeError> {
  await writeFile(join(folder, 'bucketline.yaml'), yaml)
  try {
    await using app = await openApp({
      config_file: 'bucketline.yaml',
      cwd: folder,
      env,
      command: 'test',
      signal: new AbortController().signal,
    })
    await app.plan({ feeds: [], all: false, force: false, replay: false })
  } catch (error) {
    return asExchangeError(error)
  }
  throw new Error('the configuration was accepted')
}

describe('a configuration that cannot work', () => {
  it.each([
    ['store: x\n', 'config_invalid', ':1:1: store: is no setting here; did you mean stores?'],
    ['', 'config_invalid', 'stores: is missing; wanted: settings by name'],
    ['- a\n', 'config_invalid', ':1:1: is a list; wanted: settings'],
    [
      feed('preset: hackle-event'),
      'config_invalid',
      ':4:27: feeds.events.preset: is not one of hackle-events, metamarkets-rollup, toplyne-events, toplyne-users, toplyne-accounts; did you mean hackle-events?',
    ],
    [
      feed('preset: hackle-events, max_reject_percent: 1'),
      'config_invalid',
      ':4:50: feeds.events.max_reject_percent: is no setting here; did you mean max_rejected_percent?',
    ],
    [
      feed('preset: hackle-events, look_back: 7'),
      'config_invalid',
      'feeds.events.look_back: is a number; wanted: text',
    ],
    [
      feed('preset: hackle-events, look_back: 7 days'),
      'config_invalid',
      'feeds.events.look_back: a duration such as 90s, 15m, 2h or 7d',
    ],
    [
      feed('preset: hackle-events, format: { type: csv, encoding: klingon }'),
      'config_invalid',
      'feeds.events.format.encoding: is no encoding; wanted: a WHATWG name',
    ],
    [
      `${INBOX}feeds:\n  my events: { store: inbox, preset: hackle-events }\n`,
      'config_invalid',
      ':4:3: feeds.my events: is no name: letters, digits',
    ],
    [
      feed('preset: hackle-events }\n  events: { store: inbox'),
      'config_invalid',
      ':5:3: Map keys must be unique',
    ],
    [
      feed('preset: hackle-events').replace('store: inbox', 'store: inbx'),
      'config_invalid',
      'Feed events names the store inbx, which is not configured.',
    ],
    [
      feed('preset: hackle-events').replace('store: inbox', 'store: constructor'),
      'config_invalid',
      'Feed events names the store constructor, which is not configured.',
    ],
    [feed('prefix: x'), 'config_invalid', 'Feed events has neither a contract nor a preset.'],
    [feed('contract: nope.odcs.yaml'), 'contract_invalid', 'There is no contract'],
    [
      feed('preset: hackle-events, partition_zone: Asia/Soul'),
      'zone_invalid',
      'Feed events: "Asia/Soul" is not a time zone.',
    ],
    [
      feed('preset: hackle-events, layout: "{file}.parquet"'),
      'layout_invalid',
      'Feed events: The layout "{file}.parquet" has no {yyyy}',
    ],
    [
      feed('preset: hackle-events, start: 2023-1-1'),
      'partition_invalid',
      'Feed events: "2023-1-1" is not the name of a partition.',
    ],
  ])('%j is refused where it is wrong', async (yaml, code, message) => {
    const error = await refused(yaml)
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
    // Nothing is made before the configuration is understood.
    expect(existsSync(join(folder, '.bucketline', 'datasets'))).toBe(false)
  })

  it('names one feed no more than another where a feed of an odd name is asked for', async () => {
    await writeFile(join(folder, 'bucketline.yaml'), feed('preset: hackle-events'))
    await using app = await openApp({
      config_file: 'bucketline.yaml',
      cwd: folder,
      env: {},
      command: 'test',
      signal: new AbortController().signal,
    })
    for (const name of ['constructor', '__proto__', 'nope'])
      await expect(app.status({ feeds: [name] })).rejects.toMatchObject({ code: 'feed_not_found' })
  })
})

describe('a secret', () => {
  const SECRET = 'topsecretliteral'
  const store = (settings: string) =>
    `stores:\n  p: { type: s3, bucket: b, ${settings} }\nfeeds:\n  x: { store: p, preset: metamarkets-rollup }\n`
  const keys = `auth: { type: access_key, access_key_id: AKIA, secret_access_key: ${SECRET} }`

  it.each([
    ['plain http', store(`endpoint: "http://example.com", ${keys}`), 'insecure_endpoint'],
    ['a URL', store(`endpoint: "http://u:${SECRET}@example.com"`), 'config_invalid'],
    ['a loopback URL', store(`endpoint: "http://u:${SECRET}@127.0.0.1:9"`), 'config_invalid'],
    ['a mistyped key', store(keys.replace('access_key_id', 'acces_key_id')), 'config_invalid'],
    ['a forgotten name', store(keys.replace('secret_access_key: ', '')), 'config_invalid'],
    [
      'a secret that YAML takes for an alias',
      store(keys.replace(SECRET, `*${SECRET}`)),
      'config_invalid',
    ],
    ['settings in the place of a name', store(`{ ${keys} }: x`), 'config_invalid'],
    ['a mistyped tag', store(keys.replace('access_key,', 'acces_key,')), 'config_invalid'],
    ['a list', store(keys.replace(SECRET, `[${SECRET}]`)), 'config_invalid'],
    ['a wrong reference', store(keys.replace(SECRET, `{ envv: ${SECRET} }`)), 'config_invalid'],
    ['an open quote', store(keys.replace(SECRET, `"${SECRET}`)), 'config_invalid'],
    ['no file', store(keys.replace(SECRET, '{ file: nope.txt }')), 'secret_missing'],
    ['no variable', store(keys.replace(SECRET, '{ env: NOPE }')), 'secret_missing'],
    [
      'a dead ledger',
      `ledger: { url: "postgres://u:${SECRET}@127.0.0.1:9/d" }\n${feed('preset: hackle-events')}`,
      'ledger_unavailable',
    ],
    [
      'a wrong ledger',
      `ledger: { url: "postgres//u:${SECRET}@h/d" }\n${feed('preset: hackle-events')}`,
      'config_invalid',
    ],
  ])('is not shown by an error about %s', async (_, yaml, code) => {
    const error = await refused(yaml)
    expect(error.code).toBe(code)
    const shown = errorText(error, (_style, text) => text) + JSON.stringify(errorReport(error))
    expect(shown).not.toContain(SECRET)
  })

  it('on plain http is refused by the name of its store', async () => {
    const { message, hint } = await refused(store(`endpoint: "http://example.com", ${keys}`))
    expect(message).toBe(
      'Store p: `endpoint` is plain http to example.com, which is not this machine.',
    )
    expect(hint).toContain('allow_insecure: true')
  })
})

/** As the design writes it, comments and all. */
const EXAMPLE = `# bucketline.yaml
data_dir: .bucketline             # ledger (PGlite), datasets, staging; the embedded default
memory_limit: 1GB
# ledger: { url: { env: DATABASE_URL } }      engine: { type: duckdb }
stores:
  metamx:
    type: s3                      # s3 | gcs | local | memory
    bucket: metamx-acme-share
    region: us-east-1
    endpoint: http://127.0.0.1:9000        # only for S3-compatible servers
    force_path_style: true
    auth: { type: access_key, access_key_id: { env: KEY }, secret_access_key: { env: SECRET } }
  inbox: { type: local, path: ./inbox }
feeds:
  auctions: { store: metamx, prefix: data/auctions/, preset: metamarkets-rollup }
  events:
    store: inbox
    prefix: test/prefix-custom/
    contract: contracts/events.odcs.yaml
    layout: dt={yyyy}-{MM}-{dd}/{file}.parquet
    completion: { type: marker, name: _SUCCESS }
    max_rejected_percent: 1
`

describe('the example of the design', () => {
  it('loads what a sample of its feed delivers, from any folder', async () => {
    const config = join(folder, 'bucketline.yaml')
    const bucketline = (...words: readonly string[]) =>
      spawnSync(launcher, [...words, '--config', config], { cwd: tmpdir(), encoding: 'utf8' })
    await mkdir(join(folder, 'contracts'))
    await mkdir(join(folder, 'inbox'))
    await writeFile(config, EXAMPLE)
    const contract = bucketline('contract', 'show', 'hackle-events', '--format', 'yaml')
    await writeFile(join(folder, 'contracts/events.odcs.yaml'), contract.stdout)
    const target = join(folder, 'inbox/test/prefix-custom')
    // The feed says nothing of a format: its layout does.
    expect(bucketline('contract', 'sample', 'events', target, '--rows', '20')).toMatchObject({
      stderr: '',
      status: 0,
    })
    const { stdout, status } = bucketline('load', 'events', '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout).loads).toMatchObject([{ state: 'published', rows_published: 20 }])
    expect(existsSync(join(folder, '.bucketline/datasets/events'))).toBe(true)
  })
})
