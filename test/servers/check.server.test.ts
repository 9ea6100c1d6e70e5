import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AccessStep } from '../../src/core/access.ts'
import { type Asked, askAll } from '../checks.ts'
import { type RunningServer, startServer } from './launch.ts'
import { type AccessKey, type MinioAdmin, minioAdmin } from './minio-admin.ts'

const run = promisify(execFile)
const BUCKET = 'metamx-acme-share'
const PREFIX = 'data/auctions/'
const KEY = `${PREFIX}y=2015/m=10/d=17/H=09/file1ab.gz`

let server: RunningServer
let admin: MinioAdmin
let client: S3Client
let root: AccessKey
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bucketline-check-'))
  server = await startServer('minio')
  admin = minioAdmin(server)
  const { url, access_key_id = '', secret_access_key = '' } = server.settings
  root = { access_key_id, secret_access_key }
  client = new S3Client({
    region: 'us-east-1',
    endpoint: url,
    forcePathStyle: true,
    credentials: { accessKeyId: access_key_id, secretAccessKey: secret_access_key },
  })
  await admin.makeBucket(BUCKET)
  await admin.makeBucket('versioned', { versioning: true })
  await put(BUCKET, KEY)
  await put(BUCKET, `${PREFIX}y=2015/m=10/d=17/H=9/unpadded.gz`)
  await put('versioned', 'k', { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'testkey' })
})
afterAll(async () => {
  client.destroy()
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

async function put(Bucket: string, Key: string, more: object = {}): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket, Key, Body: 'text', ...more }))
}

const settings = (key: AccessKey, more: object = {}) => ({
  type: 's3',
  bucket: BUCKET,
  endpoint: server.settings.url,
  force_path_style: true,
  auth: { type: 'access_key', ...key },
  ...more,
})

interface Statement {
  readonly actions: readonly string[]
  readonly resource: string
  readonly condition?: object
}

let users = 0
/** A user that may do just this. */
async function userWith(statements: readonly Statement[]): Promise<AccessKey> {
  users += 1
  const name = `user-${users}`
  const key = await admin.addUser(name, 'some-secret-12')
  await admin.setPolicy(`policy-${users}`, {
    Version: '2012-10-17',
    Statement: statements.map(({ actions, resource, condition }) => ({
      Effect: 'Allow',
      Action: actions,
      Resource: [resource],
      ...(condition === undefined ? {} : { Condition: condition }),
    })),
  })
  await admin.attach(`policy-${users}`, name)
  return key
}

const LIST: Statement = { actions: ['s3:ListBucket'], resource: `arn:aws:s3:::${BUCKET}` }
const objects = (...actions: string[]): Statement => ({
  actions: actions.map((name) => `s3:${name}`),
  resource: `arn:aws:s3:::${BUCKET}/${PREFIX}*`,
})

const resultsOf = (asked: Asked, ...steps: AccessStep[]) =>
  steps.map((step) => asked.of(step).result).join(' ')

describe('a user without one action', () => {
  const ask = async (statements: readonly Statement[], write = false) =>
    askAll(settings(await userWith(statements)), { prefix: PREFIX, write })

  it('reads with the least that seed partners are asked for', async () => {
    const asked = await ask([LIST, objects('GetObject')])
    expect(asked.results).toBe(
      'bucket_name:ok connect:ok tls:skipped authentication:ok region:ok bucket:ok list:ok get:ok get_version:skipped decrypt:skipped',
    )
  })

  it('s3:ListBucket', async () => {
    const asked = await ask([objects('GetObject')])
    expect(resultsOf(asked, 'authentication', 'list', 'get')).toBe('ok failed skipped')
    expect(asked.of('list')).toMatchObject({
      permission: 's3:ListBucket',
      resource: `arn:aws:s3:::${BUCKET}`,
    })
  })

  it('s3:ListBucket below the prefix, by a condition that fits only itself', async () => {
    const condition = { StringEquals: { 's3:prefix': [PREFIX] } }
    const asked = await ask([{ ...LIST, condition }, objects('GetObject')])
    expect(asked.of('list')).toMatchObject({ result: 'failed', permission: 's3:ListBucket' })
    expect(asked.of('list').change).toContain('StringLike')
  })

  it('s3:ListBucket, which a condition on another prefix grants', async () => {
    const condition = { StringLike: { 's3:prefix': ['data/others/*'] } }
    const asked = await ask([{ ...LIST, condition }, objects('GetObject')])
    expect(asked.of('list')).toMatchObject({ result: 'failed', permission: 's3:ListBucket' })
    expect(asked.of('list').change).toContain(`"${PREFIX}*"`)
  })

  it('s3:GetObject', async () => {
    const asked = await ask([LIST])
    expect(resultsOf(asked, 'list', 'get', 'decrypt')).toBe('ok failed skipped')
    expect(asked.of('get')).toMatchObject({
      permission: 's3:GetObject',
      resource: `arn:aws:s3:::${BUCKET}/${PREFIX}*`,
    })
  })

  it.each(['PutObject', 'AbortMultipartUpload', 'ListBucketMultipartUploads', 'DeleteObject'])(
    's3:%s',
    async (missing) => {
      const actions = ['GetObject', 'PutObject', 'AbortMultipartUpload', 'DeleteObject']
      const bucket = ['s3:ListBucket', 's3:ListBucketMultipartUploads']
      const statements = [
        { ...LIST, actions: bucket.filter((each) => each !== `s3:${missing}`) },
        objects(...actions.filter((each) => each !== missing)),
      ]
      const asked = await ask(statements, true)
      const failed = asked.checks.filter(({ result }) => result === 'failed')
      expect(failed.map(({ permission }) => permission)).toEqual([`s3:${missing}`])
      const left = await probes()
      expect(left.length).toBe(missing === 'DeleteObject' ? 1 : 0)
      if (left[0] !== undefined)
        expect(failed[0]?.change).toContain(`Delete s3://${BUCKET}/${left[0]}`)
      await admin.mc('rm', '--recursive', '--force', `minio/${BUCKET}/${PREFIX}.bucketline`)
    },
  )

  // On AWS a version takes s3:GetObjectVersion; here s3:GetObject opens versions too.
  it('none that a version and its key take', async () => {
    const reading = {
      actions: ['s3:ListBucket', 's3:GetObject'],
      resource: 'arn:aws:s3:::versioned*',
    }
    const asked = await askAll(settings(await userWith([reading]), { bucket: 'versioned' }))
    expect(resultsOf(asked, 'get', 'get_version', 'decrypt')).toBe('ok ok ok')
    expect(asked.of('get_version').asked).toMatch(/^GetObject s3:\/\/versioned\/k versionId=.{36}$/)
    expect(asked.of('decrypt').detail).toBe('SSE-KMS with arn:aws:kms:testkey')
  })
})

it('writes with a KMS key, and says which one is not there', async () => {
  const store = (sse_kms_key_id: string) => settings(root, { sse_kms_key_id })
  const there = await askAll(store('testkey'), { prefix: PREFIX, write: true })
  expect(resultsOf(there, 'put', 'multipart', 'abort', 'uploads', 'delete')).toBe('ok ok ok ok ok')
  const absent = await askAll(store('absent-key'), { prefix: PREFIX, write: true })
  expect(resultsOf(absent, 'put', 'multipart', 'delete')).toBe('failed skipped skipped')
  expect(absent.of('put')).toMatchObject({ resource: 'absent-key' })
  expect(absent.of('put').detail).toContain('kms:KeyNotFound')
  expect(await probes()).toEqual([])
})

/** Keys that a check left behind. */
async function probes(): Promise<string[]> {
  const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }))
  expect(uploads.Uploads ?? []).toEqual([])
  const page = await client.send(
    new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `${PREFIX}.bucketline-check-` }),
  )
  return (page.Contents ?? []).map(({ Key = '' }) => Key)
}

describe('what is wrong before any permission', () => {
  it.each([
    [
      'a wrong secret',
      () => settings({ ...root, secret_access_key: 'wrongwrong' }),
      'secret_access_key',
    ],
    ['an unknown key', () => settings({ ...root, access_key_id: 'nobody' }), 'access_key_id'],
    [
      'a session token that is none',
      () => settings(root, { auth: { type: 'access_key', ...root, session_token: 'bogus' } }),
      'session_token',
    ],
  ])('%s', async (_, open, words) => {
    const asked = await askAll(open())
    expect(resultsOf(asked, 'connect', 'authentication', 'list')).toBe('ok failed skipped')
    expect(asked.of('authentication').change).toContain(words)
  })

  it('another region, and goes on in the right one', async () => {
    const asked = await askAll(settings(root, { region: 'eu-west-1' }), { prefix: PREFIX })
    expect(resultsOf(asked, 'region', 'list', 'get')).toBe('failed ok ok')
    expect(asked.of('region').change).toBe('Set `region: us-east-1` on the store.')
  })

  it('an absent bucket', async () => {
    const asked = await askAll(settings(root, { bucket: 'absent-bucket' }))
    expect(resultsOf(asked, 'authentication', 'bucket', 'list')).toBe('ok failed skipped')
  })

  it('a role that its keys may not assume', async () => {
    const source = { ...root, secret_access_key: 'wrongwrong' }
    const role_arn = 'arn:aws:iam::123456789012:role/share'
    const sts_endpoint = server.settings.url
    const auth = { type: 'assume_role', role_arn, sts_endpoint, source }
    const asked = await askAll(settings(root, { auth }))
    expect(asked.of('authentication').result).toBe('failed')
    expect(asked.of('authentication').asked).toBe(`AssumeRole ${role_arn}`)
  })

  // MinIO ignores the role and gives credentials of the user that asks.
  it('nothing, with an assumed role', async () => {
    const source = await userWith([LIST, objects('GetObject')])
    const role_arn = 'arn:aws:iam::123456789012:role/share'
    const sts_endpoint = server.settings.url
    const auth = { type: 'assume_role', role_arn, sts_endpoint, source, external_id: 'x' }
    const asked = await askAll(settings(root, { auth }), { prefix: PREFIX })
    expect(asked.of('authentication').detail).toBe(`role ${role_arn}`)
    expect(resultsOf(asked, 'list', 'get')).toBe('ok ok')
  })
})

it('asks nothing that changes the bucket, unless told to', async () => {
  const reader = await userWith([LIST, objects('GetObject')])
  const asked = await askAll(settings(reader), { prefix: PREFIX })
  expect(asked.checks.some(({ step }) => ['put', 'multipart', 'delete'].includes(step))).toBe(false)
  expect(await probes()).toEqual([])
})

it('puts and deletes on the GCS emulator, and knows its bucket to be absent or there', async () => {
  const emulator = await startServer('fake-gcs-server')
  try {
    const { url } = emulator.settings
    const absent = await askAll({ type: 'gcs', bucket: 'absent', endpoint: url })
    expect(resultsOf(absent, 'bucket', 'list')).toBe('failed skipped')
    await fetch(`${url}/storage/v1/b?project=p`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'share', versioning: { enabled: true } }),
    })
    await fetch(`${url}/upload/storage/v1/b/share/o?uploadType=media&name=data/file`, {
      method: 'POST',
      body: 'text',
    })
    const store = { type: 'gcs', bucket: 'share', endpoint: url }
    const asked = await askAll(store, { prefix: 'data/', write: true })
    expect(asked.results).toBe(
      'connect:ok tls:skipped authentication:ok bucket:ok list:ok get:ok get_version:ok decrypt:ok put:ok delete:ok',
    )
    const keys = (await (await fetch(`${url}/storage/v1/b/share/o`)).json()) as {
      items: readonly { name: string }[]
    }
    expect(keys.items.map(({ name }) => name)).toEqual(['data/file'])
  } finally {
    await emulator.stop()
  }
})

describe('the command', () => {
  const program = fileURLToPath(new URL('../../bin/bucketline', import.meta.url))

  async function command(args: readonly string[], config: object, env: object = {}) {
    const file = join(folder, 'bucketline.json.yaml')
    // JSON is YAML.
    await writeFile(file, JSON.stringify({ data_dir: folder, ...config }))
    const ended = run(program, ['check', ...args, '--config', file], {
      env: { PATH: process.env.PATH, NO_COLOR: '1', ...env },
    })
    return ended.then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    )
  }

  it('prints a table and what to change, and exits 1 where a needed step failed', async () => {
    const config = {
      stores: { metamx: settings(await userWith([LIST])), open: settings(root) },
      feeds: {
        auctions: { store: 'metamx', prefix: PREFIX, preset: 'metamarkets-rollup' },
        others: { store: 'open', prefix: 'data/', preset: 'metamarkets-rollup' },
      },
    }
    const { code, stdout, stderr } = await command(['auctions'], config)
    expect(stderr).toBe('')
    expect(code).toBe(1)
    expect(stdout).toMatch(/^layout {2,}ok {2,}1 of 2 keys fit/m)
    expect(stdout).toMatch(/^get {2,}failed {2,}s3:GetObject is denied/m)
    expect(stdout).toContain(`get: Allow s3:GetObject on arn:aws:s3:::${BUCKET}/${PREFIX}*`)
    expect(stdout).toContain('"H=9" should have two digits')

    const store = await command(['open', '--json'], config)
    expect(store.code).toBe(0)
    const document = JSON.parse(store.stdout) as { ok: boolean; checks: readonly object[] }
    expect(document.ok).toBe(true)
    expect(document.checks).toContainEqual(
      expect.objectContaining({ step: 'get', result: 'ok', needed: true }),
    )

    const astray = await command(['others', '--json'], config)
    expect(astray.code).toBe(1)
    expect(JSON.parse(astray.stdout)).toMatchObject({
      feed: 'others',
      store: 'open',
      layout: { objects: 2, taken: 0, more: false },
    })
  })

  it('knows neither a store nor a feed of a name', async () => {
    const { code, stderr } = await command(['nothing'], { stores: {}, feeds: {} })
    expect(code).toBe(2)
    expect(stderr).toContain('error[target_not_found]')
  })

  it('names what is wrong with a certificate', async () => {
    const certificate = async (name: string) => {
      const files = { key: join(folder, `${name}.key`), cert: join(folder, `${name}.crt`) }
      // biome-ignore format: one option a line says less than the whole command
      await run('openssl', [
        'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
        '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-keyout', files.key, '-out', files.cert,
      ])
      return files
    }
    const { readFile } = await import('node:fs/promises')
    const serve = async (name: string) => {
      const files = await certificate(name)
      const web = createServer(
        { key: await readFile(files.key), cert: await readFile(files.cert) },
        (_, response) => response.writeHead(404).end('nothing here'),
      )
      await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
      return { web, cert: files.cert, port: (web.address() as AddressInfo).port }
    }
    const check = async (port: number, env: object) => {
      const store = settings(root, { endpoint: `https://localhost:${port}` })
      const { stdout } = await command(['s', '--json'], { stores: { s: store }, feeds: {} }, env)
      const { checks } = JSON.parse(stdout) as {
        checks: readonly { step: string; detail: string }[]
      }
      return (step: string) => checks.find((each) => each.step === step)
    }
    const own = await serve('localhost')
    const other = await serve('other.example')
    try {
      const unknown = await check(own.port, {})
      expect(unknown('tls')?.detail).toContain('not from a known authority')
      const known = await check(own.port, { NODE_EXTRA_CA_CERTS: own.cert })
      expect(known('tls')?.detail).toMatch(/^TLSv1\.3, certificate of localhost until \d{4}-/)
      expect(known('authentication')?.detail).toContain('does not answer as an S3 server does')
      const wrong = await check(other.port, { NODE_EXTRA_CA_CERTS: other.cert })
      expect(wrong('tls')?.detail).toBe(
        `the certificate of localhost:${other.port} is for other.example`,
      )
    } finally {
      own.web.closeAllConnections()
      own.web.close()
      other.web.closeAllConnections()
      other.web.close()
    }
  })
})
