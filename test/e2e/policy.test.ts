import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const launcher = fileURLToPath(new URL('../../bin/bucketline', import.meta.url))
const fixture = (name: string) =>
  fileURLToPath(new URL(`../fixtures/policies/${name}`, import.meta.url))
const WHO = 'arn:aws:iam::123456789012:role/loader'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bucketline-policy-'))
  await writeFile(
    join(folder, 'bucketline.yaml'),
    `stores:
  keys: { type: s3, bucket: acme-share, prefix: shared, auth: { type: access_key, access_key_id: { env: KEY }, secret_access_key: { env: SECRET } } }
  role: { type: s3, bucket: acme-share, auth: { type: assume_role, role_arn: "arn:aws:iam::123456789012:role/x", external_id: { env: EXTERNAL_ID } } }
  open: { type: s3, bucket: acme-share, auth: { type: assume_role, role_arn: "arn:aws:iam::123456789012:role/x" } }
  inbox: { type: local, path: ./inbox }
feeds:
  events: { store: keys, prefix: events/, preset: hackle-events }
  rollup: { store: role, preset: metamarkets-rollup }
  fresh: { store: open, preset: metamarkets-rollup }
  local: { store: inbox, preset: hackle-events }
`,
  )
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** No secret is set: none is needed to write a policy. */
function policy(args: readonly string[], input?: string) {
  const { stdout, stderr, status } = spawnSync(launcher, ['policy', ...args], {
    cwd: folder,
    encoding: 'utf8',
    input: input ?? '',
  })
  return { stdout, stderr, status }
}

describe('policy FEED', () => {
  it('prints a document that can be pasted, and beside it what to do with it', () => {
    const { stdout, stderr, status } = policy(['events'])
    expect(status).toBe(0)
    expect(stderr).toBe(
      'IAM policy for the user or role whose keys are used: reads s3://acme-share/shared/events/.\n',
    )
    const { Version, Statement } = JSON.parse(stdout)
    expect([Version, Statement.length]).toEqual(['2012-10-17', 2])
    expect(stdout).toContain('"s3:prefix": "shared/events/*"')

    const lint = policy(['--lint', '-', 'events'], stdout)
    expect(lint).toEqual({ stdout: 'standard input: no defects\n', stderr: '', status: 0 })
  })

  it('prints both documents of a role as one list', () => {
    const words = ['rollup', '--principal', WHO, '--external-id', 'agreed', '--json']
    const { stdout, status } = policy(words)
    const { policies } = JSON.parse(stdout)
    expect([status, policies.length]).toEqual([0, 2])
    expect(policies[0]).toMatchObject({
      form: 'role',
      title: expect.stringContaining('Trust policy'),
      document: { Statement: [{ Condition: { StringEquals: { 'sts:ExternalId': 'agreed' } } }] },
    })
  })

  it('makes up an external id and says where it goes, unless one is configured', () => {
    const { stdout, stderr } = policy(['fresh', '--principal', WHO])
    const id = /"sts:ExternalId": "([0-9a-f-]{36})"/.exec(stdout)?.[1] ?? 'none'
    expect(stderr).toContain(
      `The external id ${id} was made up; set auth.external_id of the store open`,
    )
    const configured = policy(['rollup', '--principal', WHO])
    expect([configured.stdout, configured.status]).toEqual(['', 2])
    expect(configured.stderr).toMatch(/^error\[usage\].*\nhint: .*--external-id/)
  })

  it.each([
    [['local'], /^error\[usage\]: Feed local lies in inbox, a store of type local/],
    [['nothing'], /^error\[feed_not_found\]/],
    [[], /^error\[usage\]: A policy is for a feed/],
  ])('says what is wrong with %j', (words, message) => {
    const { stdout, stderr, status } = policy(words)
    expect([stdout, status]).toEqual(['', 2])
    expect(stderr).toMatch(message)
  })
})

describe('policy --lint', () => {
  it('names defects with their lines, and fails where one is an error', () => {
    const file = fixture('metamarkets.json')
    const { stdout, stderr, status } = policy(['--lint', file])
    expect([stderr, status]).toEqual(['', 1])
    expect(stdout).toContain(`${file}:19:24: error duplicate_sid: another statement has the Sid `)
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(`${file}: 1 error, 7 warnings`)
    const { findings } = JSON.parse(policy(['--lint', file, '--json']).stdout)
    expect(findings).toHaveLength(8)
    expect(findings[0]).toEqual({
      code: 'version_old',
      severity: 'warning',
      message: expect.any(String),
      instead: '"Version": "2012-10-17"',
      policy: 1,
      path: 'Version',
      line: 2,
      column: 20,
    })
  })

  it('passes with warnings, and reads for the job that is named', () => {
    const words = ['--lint', fixture('hackle-gcs.txt')]
    expect(policy(words)).toMatchObject({
      stdout: expect.stringContaining('0 errors, 3 warnings\n'),
      status: 0,
    })
    expect(policy([...words, '--write']).stdout).toContain('0 errors, 1 warning\n')
  })

  it('says that there is no such file', () => {
    const { stderr, status } = policy(['--lint', 'missing.json'])
    expect(status).toBe(2)
    expect(stderr).toMatch(/^error\[policy_not_found\]: The file missing\.json cannot be read/)
  })
})
