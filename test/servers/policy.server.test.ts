import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import {
  ListMultipartUploadsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import type { GeneratedPolicy, PolicyDocument } from '../../src/core/policy/generate.ts'
import { lintPolicies } from '../../src/core/policy/lint.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { bytes, expectCode, listed, readText } from '../conformance/store-bench.ts'
import { openHttpProxy } from './http-proxy.ts'
import { type RunningServer, startServer } from './launch.ts'
import { type AccessKey, type MinioAdmin, minioAdmin } from './minio-admin.ts'
import { cutOffUpload, openS3Bucket, openS3Store, s3RootClient, s3Server } from './s3-bucket.ts'
import { addReader } from './s3-reader.ts'

/**
 * Policies as `bucketline policy` prints them, on servers that enforce them: with exactly these every call
 * that a load makes works, nothing else does, and without any one of their actions one call fails.
 *
 * What is not proved here: MinIO takes no named user as the Principal of a bucket policy, so that form is
 * proved there for everyone (`*`) and on versitygw for a named user, whose name stands for the ARN.
 * MinIO’s STS asks neither for the role nor for an external id: of the form `role` the permissions are
 * proved, its trust policy only as a document that moto’s IAM takes. MinIO does not ask for kms:Decrypt.
 * No server here authorizes as Google Cloud does.
 */

/** Milliseconds: a proof is a dozen runs of the command line. */
const PROOF = 600_000
const bin = join(import.meta.dirname, '../../bin/bucketline')
const BUCKET = 'partner'
const PRINCIPAL = 'arn:aws:iam::123456789012:user/reader'
const SENDER: AccessKey = { access_key_id: 'sender', secret_access_key: 'sendersecret12' }

const servers: RunningServer[] = []
let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'bucketline-policy-'))
})
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()))
  await rm(root, { recursive: true, force: true })
})

async function start(name: Parameters<typeof startServer>[0]): Promise<RunningServer> {
  const server = await startServer(name)
  servers.push(server)
  return server
}

interface Site {
  readonly server: RunningServer
  /** The bucket as its owner sees it. */
  readonly owner: ObjectStore
  delivered: number
}

/** A bucket with a feed under `data/auctions/` and other things beside it. */
async function openSite(server: RunningServer): Promise<Site> {
  const { store: owner } = await openS3Bucket(s3Server(server), BUCKET)
  const site = { server, owner, delivered: 0 }
  await owner.write('other/secret', bytes('not for them'))
  await owner.write('data/auctions-old/secret', bytes('not for them'))
  await deliver(site)
  return site
}

/** One more hour. */
async function deliver(site: Site): Promise<void> {
  const HH = String(site.delivered).padStart(2, '0')
  site.delivered += 1
  await site.owner.write(
    `data/auctions/y=2023/m=01/d=01/H=${HH}/a.gz`,
    gzipSync(`${JSON.stringify({ timestamp: `2023-01-01T${HH}:10:00Z`, cnt: 1 })}\n`),
  )
}

async function workspace(
  { settings: { url } }: Pick<RunningServer, 'settings'>,
  auth: object,
): Promise<string> {
  const dir = await mkdtemp(join(root, 'work-'))
  const store = { type: 's3', bucket: BUCKET, endpoint: url, force_path_style: true, auth }
  const feed = { store: 'bucket', prefix: 'data/auctions', preset: 'metamarkets-rollup' }
  const config = { stores: { bucket: store }, feeds: { auctions: feed } }
  await writeFile(join(dir, 'bucketline.yaml'), stringify(config))
  return dir
}

interface Output {
  readonly policies: readonly GeneratedPolicy[]
  readonly loads: readonly { readonly state: string; readonly code?: string }[]
  readonly partitions: readonly unknown[]
}

/** Runs the command line; what fails is an error that holds the output. */
async function run(cwd: string, ...args: string[]): Promise<Output> {
  const { stdout } = await promisify(execFile)(bin, [...args, '--json'], {
    cwd,
    env: { ...process.env, BUCKETLINE_NOW: '2023-01-10T00:00:00Z' },
  })
  return JSON.parse(stdout) as Output
}

/** What fails of everything that receiving does, first to last; undefined where nothing does. */
async function failure(
  site: Site,
  auth: object,
  server = site.server,
): Promise<string | undefined> {
  const dir = await workspace(server, auth)
  try {
    expect((await run(dir, 'load')).loads).toHaveLength(site.delivered)
    await deliver(site)
    // A later run walks the directories with a delimiter and lists the open ones.
    expect((await run(dir, 'load')).loads).toHaveLength(1)
    return undefined
  } catch (error) {
    const { stdout } = error as { stdout?: string }
    if (stdout === undefined) throw error
    return stdout
  }
}

const documentsOf = async (dir: string, ...flags: string[]): Promise<PolicyDocument[]> =>
  (await run(dir, 'policy', 'auctions', ...flags)).policies.flatMap((each) => each.document ?? [])

const actionsOf = (document: PolicyDocument) => document.Statement.flatMap(({ Action }) => Action)

/** Without one action; a statement that had no other goes too. */
const without = (document: PolicyDocument, action: string): PolicyDocument => ({
  ...document,
  Statement: document.Statement.map((each) => ({
    ...each,
    Action: each.Action.filter((name) => name !== action),
  })).filter((each) => each.Action.length > 0),
})

/** Everything of the document works, each action is needed, and there is one of each kind at least. */
async function prove(
  document: PolicyDocument,
  io: {
    readonly apply: (document: PolicyDocument) => Promise<unknown>
    readonly failure: () => Promise<string | undefined>
  },
): Promise<void> {
  await io.apply(document)
  expect(await io.failure()).toBeUndefined()
  const actions = actionsOf(document)
  expect(actions.length).toBeGreaterThan(1)
  for (const action of actions) {
    await io.apply(without(document, action))
    const failed = await io.failure()
    expect(failed, `without ${action}`).toContain('access_denied')
    expect(failed, `without ${action}`).toContain(action)
  }
  await io.apply(document)
}

/** Nothing beside the feed can be seen, and nothing written. */
async function expectNothingElse(store: ObjectStore): Promise<void> {
  expect((await listed(store, 'data/auctions/')).length).toBeGreaterThan(0)
  for (const prefix of ['', 'data/', 'other/', 'data/auctions', 'data/auctions-old/']) {
    await expectCode(listed(store, prefix), 'access_denied')
  }
  for (const key of ['other/secret', 'data/auctions-old/secret']) {
    await expectCode(readText(store, key), 'access_denied')
  }
  const key = 'data/auctions/y=2023/m=01/d=01/H=00/a.gz'
  await expectCode(store.write(key, bytes('mine')), 'access_denied')
  await expectCode(store.delete([key]), 'access_denied')
}

const nothing = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: ['s3:ListBucket'], Resource: ['arn:aws:s3:::none'] }],
}

describe('on MinIO', { timeout: PROOF }, () => {
  let site: Site
  let admin: MinioAdmin
  let reader: AccessKey
  beforeAll(async () => {
    const server = await start('minio')
    site = await openSite(server)
    admin = minioAdmin(server)
    reader = await admin.addUser('partner-reader', 'readersecret12')
    // Something to attach; each test replaces it by what it proves.
    await admin.setPolicy('proved', nothing)
    await admin.attach('proved', reader.access_key_id)
  })
  const keys = (key: AccessKey) => ({ type: 'access_key', ...key })
  const apply = (document: PolicyDocument) => admin.setPolicy('proved', document)

  it('the policy of a user is enough, and none of its actions too many', async () => {
    const [document] = await documentsOf(await workspace(site.server, keys(reader)))
    if (document === undefined) throw new Error('no document')
    await prove(document, { apply, failure: () => failure(site, keys(reader)) })
    const dir = await workspace(site.server, keys(reader))
    expect((await run(dir, 'plan')).partitions).toHaveLength(site.delivered)
    await run(dir, 'check', 'auctions')
    await expectNothingElse(await openS3Store(site.server, { bucket: BUCKET, auth: keys(reader) }))
  })

  it('MinIO lets objects be decrypted without kms:Decrypt, so that action is not proved', async () => {
    const [document] = await documentsOf(await workspace(site.server, keys(reader)))
    if (document === undefined) throw new Error('no document')
    await apply(document)
    const client = s3RootClient(s3Server(site.server))
    const Key = 'data/auctions/encrypted'
    const put = new PutObjectCommand({
      Bucket: BUCKET,
      Key,
      Body: 'rows',
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: 'testkey',
    })
    expect((await client.send(put)).SSEKMSKeyId).toContain('testkey')
    const store = await openS3Store(site.server, { bucket: BUCKET, auth: keys(reader) })
    expect(await readText(store, Key)).toBe('rows')
    await site.owner.delete([Key])
    client.destroy()
  })

  it('a condition on the prefix itself, as the linter says, misses what later runs list', async () => {
    const [document] = await documentsOf(await workspace(site.server, keys(reader)))
    const narrow = JSON.parse(
      JSON.stringify(document).replace(
        '"StringLike":{"s3:prefix":"data/auctions/*"}',
        '"StringEquals":{"s3:prefix":"data/auctions/"}',
      ),
    ) as PolicyDocument
    const found = lintPolicies(JSON.stringify(narrow), { job: 'receive' })
    expect(found.map(({ code }) => code)).toEqual(['listing_missed'])
    await apply(narrow)
    expect(await failure(site, keys(reader))).toContain('access_denied')
  })

  it('the permissions of a role are enough, and none of their actions too many', async () => {
    const auth = {
      type: 'assume_role',
      role_arn: 'arn:aws:iam::123456789012:role/partner',
      external_id: 'agreed',
      sts_endpoint: site.server.settings.url,
      source: reader,
    }
    const dir = await workspace(site.server, auth)
    const flags = ['--principal', PRINCIPAL, '--external-id', 'agreed']
    const [trust, permissions] = await documentsOf(dir, ...flags)
    if (trust === undefined || permissions === undefined) throw new Error('two documents')
    expect(actionsOf(trust)).toEqual(['sts:AssumeRole'])
    await prove(permissions, { apply, failure: () => failure(site, auth) })
  })

  it('the policy of the bucket is enough for requests without a signature', async () => {
    const dir = await workspace(site.server, keys(reader))
    const flags = ['--form', 'bucket', '--principal', PRINCIPAL]
    const [document] = await documentsOf(dir, ...flags)
    if (document === undefined) throw new Error('no document')
    const open = JSON.parse(JSON.stringify(document).replaceAll(PRINCIPAL, '*')) as PolicyDocument
    const proxy = await openHttpProxy(site.server.settings.url)
    proxy.before = ({ headers }) => {
      for (const name of Object.keys(headers))
        if (name === 'authorization' || name.startsWith('x-amz-')) delete headers[name]
    }
    const client = s3RootClient(s3Server(site.server))
    await prove(open, {
      apply: (each) =>
        client.send(new PutBucketPolicyCommand({ Bucket: BUCKET, Policy: JSON.stringify(each) })),
      failure: () => failure(site, keys(reader), { ...site.server, settings: { url: proxy.url } }),
    })
    client.destroy()
    await proxy.close()
  })

  it('the policy for sending is enough, and none of its actions too many', async () => {
    const dir = await workspace(site.server, keys(reader))
    const [document] = await documentsOf(dir, '--write')
    if (document === undefined) throw new Error('no document')
    await admin.addUser(SENDER.access_key_id, SENDER.secret_access_key)
    await admin.setPolicy('sender', document)
    await admin.attach('sender', SENDER.access_key_id)
    const store = await openS3Store(site.server, { bucket: BUCKET, auth: keys(SENDER) })
    const client = s3RootClient(s3Server(site.server))

    let attempts = 0
    const send = async (): Promise<string | undefined> => {
      const key = 'data/auctions/sent/a'
      try {
        await store.write(key, bytes('rows'))
        expect(await readText(store, key)).toBe('rows')
        expect(await listed(store, 'data/auctions/sent/')).toEqual([key])
        await store.delete([key])
      } catch (error) {
        const { code, message } = error as { code?: string; message: string }
        if (code === undefined) throw error
        return `${code} ${message}`
      }
      // A body that breaks off: the parts that were sent are to be removed again.
      attempts += 1
      const large = `data/auctions/sent/large-${attempts}`
      const broken = async function* () {
        yield new Uint8Array(20 * 1024 * 1024)
        throw new Error('the source broke off')
      }
      const body = ReadableStream.from(broken()) as ReadableStream<Uint8Array>
      await expect(store.write(large, body)).rejects.toThrow('broke off')
      const list = new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: large })
      const left = (await client.send(list)).Uploads?.length ?? 0
      if (left > 0) return 'access_denied: s3:AbortMultipartUpload'
      // A process that is killed removes nothing; the next one does.
      const killed = `data/auctions/sent/killed-${attempts}`
      await cutOffUpload(client, BUCKET, killed)
      try {
        const found = await store.unfinishedUploads([killed])
        expect(found).toHaveLength(1)
        for (const upload of found) await store.abortUpload(upload)
        return undefined
      } catch (error) {
        const { code, message } = error as { code?: string; message: string }
        if (code === undefined) throw error
        return `${code} ${message}`
      }
    }
    await prove(document, { apply: (each) => admin.setPolicy('sender', each), failure: send })
    await expectCode(store.write('other/mine', bytes('x')), 'access_denied')
    await expectCode(store.delete(['other/secret']), 'access_denied')
    client.destroy()
  })
})

describe('on versitygw', { timeout: PROOF }, () => {
  it('the policy of the bucket is enough for a named user, and none of its actions too many', async () => {
    const server = await start('versitygw')
    const site = await openSite(server)
    const reader = await addReader(server, BUCKET)
    const auth = { type: 'access_key', ...reader }
    const flags = ['--form', 'bucket', '--principal', PRINCIPAL]
    const [document] = await documentsOf(await workspace(server, auth), ...flags)
    if (document === undefined) throw new Error('no document')
    const named = JSON.parse(
      JSON.stringify(document).replaceAll(PRINCIPAL, reader.access_key_id),
    ) as PolicyDocument
    const client = s3RootClient(s3Server(server))
    await prove(named, {
      apply: (each) =>
        client.send(new PutBucketPolicyCommand({ Bucket: BUCKET, Policy: JSON.stringify(each) })),
      failure: () => failure(site, auth),
    })
    await expectNothingElse(await openS3Store(server, { bucket: BUCKET, auth }))
    client.destroy()
  })
})

describe('on moto', { timeout: PROOF }, () => {
  /** One call of IAM; what it refuses is its code. */
  async function iam(url: string, parameters: Record<string, string>): Promise<string> {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        // Told from other services by the scope; the signature is not looked at.
        authorization:
          'AWS4-HMAC-SHA256 Credential=any/20230101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0',
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ Version: '2010-05-08', ...parameters }),
    })
    return /<Code>(.*)<\/Code>/.exec(await response.text())?.[1] ?? String(response.status)
  }

  it('IAM takes the documents of a user and a role as they are printed', async () => {
    const { settings } = await start('moto')
    const dir = await workspace({ settings }, { type: 'default_chain' })
    const flags = ['--form', 'role', '--principal', PRINCIPAL, '--external-id', 'agreed']
    const [trust, permissions] = await documentsOf(dir, ...flags)
    const call = (Action: string, parameters: Record<string, string>) =>
      iam(settings.url, { Action, ...parameters })
    // It looks at a trust policy only when one is changed.
    const AssumeRolePolicyDocument = JSON.stringify(trust)
    expect(await call('CreateRole', { RoleName: 'partner', AssumeRolePolicyDocument })).toBe('200')
    const changeTrust = (document: unknown) =>
      call('UpdateAssumeRolePolicy', {
        RoleName: 'partner',
        PolicyDocument: JSON.stringify(document),
      })
    const createPolicy = (document: unknown, PolicyName: string) =>
      call('CreatePolicy', { PolicyName, PolicyDocument: JSON.stringify(document) })
    expect(await changeTrust(trust)).toBe('200')
    expect(await createPolicy(permissions, 'partner')).toBe('200')
    // Each in the other's place is refused.
    expect(await changeTrust(permissions)).toBe('MalformedPolicyDocument')
    expect(await createPolicy(trust, 'wrong')).toBe('MalformedPolicyDocument')
  })
})
