import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { CheckReport } from '../../src/check-access.ts'
import { httpLoopback, silentLoopback } from '../loopback.ts'

const program = fileURLToPath(new URL('../../bin/bucketline', import.meta.url))

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bucketline-check-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function start(args: readonly string[], config: object, env: object = {}) {
  // JSON is YAML.
  await writeFile(join(dir, 'bucketline.yaml'), JSON.stringify({ feeds: {}, ...config }))
  return spawn(program, ['check', ...args], {
    cwd: dir,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NO_COLOR: '1',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_CONFIG_FILE: '/dev/null',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
async function ended(child: ChildProcess) {
  const [out, err, [code]] = await Promise.all([
    child.stdout === null ? '' : text(child.stdout),
    child.stderr === null ? '' : text(child.stderr),
    once(child, 'close'),
  ])
  return { out, err, code: code as number }
}
const check = async (...args: Parameters<typeof start>) => ended(await start(...args))
const reportOf = ({ out }: { readonly out: string }) => JSON.parse(out) as CheckReport
const stepOf = (report: CheckReport, name: string) =>
  report.checks.find(({ step }) => step === name)

const s3 = (endpoint: string, more: object = {}) => ({
  type: 's3',
  bucket: 'metamx-acme-share',
  endpoint,
  force_path_style: true,
  auth: {
    type: 'access_key',
    access_key_id: 'AKIAIOSFODNN7EXAMPLE',
    secret_access_key: 'hidden-secret',
  },
  ...more,
})

async function deliver(...keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    await mkdir(dirname(join(dir, 'inbox', key)), { recursive: true })
    await writeFile(join(dir, 'inbox', key), 'x')
  }
}
const inbox = {
  stores: { inbox: { type: 'local', path: './inbox' } },
  feeds: { auctions: { store: 'inbox', prefix: 'data/auctions', preset: 'metamarkets-rollup' } },
}

it('shows what a layout takes of a folder, writes on demand and leaves nothing', async () => {
  await deliver('data/auctions/y=2015/m=10/d=17/H=09/a.gz', 'data/auctions/y=2015/m=10/d=17/a.gz')
  const { out, err, code } = await check(['auctions', '--write'], inbox)
  expect(err).toBe('')
  expect(code).toBe(0)
  expect(out).toMatch(/^layout {2,}ok {2,}1 of 2 keys fit .*2015-10-17T09/m)
  expect(out).toMatch(/^delete {2,}ok/m)
  expect(out).toContain('1 object in no partition:')
  expect(out).toContain('access works: 6 steps\n')
  // Nor is there a ledger: nothing was opened that is not looked at.
  expect((await readdir(dir)).sort()).toEqual(['bucketline.yaml', 'inbox'])
  expect(await readdir(join(dir, 'inbox/data/auctions'))).toEqual(['y=2015'])
})

it('fails where a feed looks in the wrong place', async () => {
  await deliver('data/auctions/2015-10-17/a.gz')
  const result = await check(['auctions', '--json'], inbox)
  expect(result.code).toBe(1)
  const report = reportOf(result)
  expect(report).toMatchObject({ store: 'inbox', feed: 'auctions', ok: false })
  expect(stepOf(report, 'layout')?.result).toBe('failed')
  expect(report.layout?.strays).toEqual([
    { object: 'data/auctions/2015-10-17/a.gz', reason: expect.stringContaining('y={yyyy}') },
  ])
})

it('fails on a folder that is missing, and on a name that is none', async () => {
  const missing = await check(['inbox'], inbox)
  expect(missing.code).toBe(1)
  expect(missing.out).toContain('folder: Create the folder')
  const unknown = await check(['nowhere'], inbox)
  expect(unknown.code).toBe(2)
  expect(unknown.err).toContain('error[target_not_found]')
  expect(unknown.err).toContain('The stores are: inbox. The feeds are: auctions.')
})

it('says that there are no credentials at all', async () => {
  await using server = await httpLoopback(() => undefined)
  const stores = { s: s3(server.url, { auth: { type: 'default_chain' } }) }
  const result = await check(['s', '--json'], { stores })
  expect(result.code).toBe(1)
  expect(stepOf(reportOf(result), 'authentication')).toMatchObject({
    result: 'failed',
    detail: 'no credentials in the environment, the shared files or the instance role',
    change: expect.stringContaining('AWS_ACCESS_KEY_ID'),
  })
})

it('goes through the proxy that the environment names', async () => {
  const asked: string[] = []
  await using proxy = await httpLoopback((_, url) => {
    asked.push(url.host)
    const body =
      '<ListBucketResult><Name>metamx-acme-share</Name><KeyCount>0</KeyCount></ListBucketResult>'
    return { status: 200, headers: { 'content-type': 'application/xml' }, body }
  })
  const stores = { s: s3('http://s3.partner.invalid', { allow_insecure: true }) }
  const result = await check(['s', '--json'], { stores }, { HTTP_PROXY: proxy.url })
  const report = reportOf(result)
  expect(stepOf(report, 'connect')?.detail).toContain(
    `127.0.0.1:${proxy.port} (the proxy of the environment)`,
  )
  expect(stepOf(report, 'list')?.result).toBe('ok')
  expect(asked).toEqual(['s3.partner.invalid'])
  expect(result.code).toBe(0)
})

it('gives up on a server that never answers, and shows no secret', async () => {
  await using silent = await silentLoopback()
  const { out, code } = await check(['s', '--timeout', '1'], { stores: { s: s3(silent.url) } })
  expect(code).toBe(1)
  expect(out).toContain(`no answer from 127.0.0.1:${silent.port} to a signed request within 1 s`)
  expect(out).not.toContain('hidden-secret')
})

it('ends at once when it is interrupted', async () => {
  await using silent = await silentLoopback()
  const child = await start(['s', '--timeout', '60'], { stores: { s: s3(silent.url) } })
  const end = ended(child)
  await silent.connections(2)
  child.kill('SIGINT')
  const { code, err } = await end
  expect(code).toBe(130)
  expect(err).toContain('error[interrupted]')
})
