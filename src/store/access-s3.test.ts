import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { type Asked, askAll } from '../../test/checks.ts'
import { httpLoopback, type LoopbackAnswer, silentLoopback } from '../../test/loopback.ts'
import { Store } from '../core/config.ts'
import { openAccess } from './open-access.ts'

// What AWS itself answers, from a loopback server: no server that can be run here speaks these.

const USER = 'arn:aws:iam::123456789012:user/loader'
const KEY_ARN = 'arn:aws:kms:us-east-1:123456789012:key/1234abcd'
const OBJECT = 'data/y=2015/file.gz'

const refusal = (status: number, code: string, message: string, more = ''): LoopbackAnswer => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message>${more}<RequestId>R</RequestId><HostId>H</HostId></Error>`,
})
const denied = (message = 'Access Denied') => refusal(403, 'AccessDenied', message)
const notAuthorized = (action: string, on: string) =>
  denied(`User: ${USER} is not authorized to perform: ${action} on ${on}`)

const listing = (keys: readonly string[] = [OBJECT], headers = {}): LoopbackAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/xml', ...headers },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>metamx-acme-share</Name><Prefix></Prefix><KeyCount>${keys.length}</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>${keys
    .map(
      (key) =>
        `<Contents><Key>${key}</Key><LastModified>2023-01-01T00:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>5</Size><StorageClass>STANDARD</StorageClass></Contents>`,
    )
    .join('')}</ListBucketResult>`,
})
const object = (headers = {}): LoopbackAnswer => ({
  status: 206,
  headers: { etag: '"e"', 'content-range': 'bytes 0-0/5', ...headers },
  body: 'x',
})

type Kind =
  | 'list'
  | 'get'
  | 'head'
  | 'get_version'
  | 'put'
  | 'create'
  | 'part'
  | 'complete'
  | 'abort'
  | 'uploads'
  | 'delete'

function kindOf({ method }: IncomingMessage, url: URL): Kind {
  const { searchParams: query } = url
  if (method === 'HEAD') return 'head'
  if (method === 'DELETE') return query.has('uploadId') ? 'abort' : 'delete'
  if (method === 'POST') return query.has('uploads') ? 'create' : 'complete'
  if (method === 'PUT') return query.has('partNumber') ? 'part' : 'put'
  if (query.has('list-type')) return 'list'
  if (query.has('uploads')) return 'uploads'
  return query.has('versionId') ? 'get_version' : 'get'
}

type Answers = Partial<
  Record<Kind, LoopbackAnswer | ((request: IncomingMessage, url: URL) => LoopbackAnswer)>
>

/** Checks a bucket that answers so; what is not told works. */
async function check(
  answers: Answers,
  { settings = {}, ...options }: { settings?: object } & Parameters<typeof askAll>[1] = {},
): Promise<Asked & { readonly calls: readonly string[] }> {
  const calls: string[] = []
  const works: Answers = {
    list: listing(),
    get: object(),
    head: { ...object(), status: 200 },
    get_version: object(),
    put: { status: 200, headers: { etag: '"p"' } },
    create: {
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: '<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>U1</UploadId></InitiateMultipartUploadResult>',
    },
    part: { status: 200, headers: { etag: '"p1"' } },
    complete: {
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: '<CompleteMultipartUploadResult><ETag>"m"</ETag></CompleteMultipartUploadResult>',
    },
    abort: { status: 204 },
    uploads: {
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: '<ListMultipartUploadsResult/>',
    },
    delete: { status: 204 },
  }
  await using server = await httpLoopback((request, url) => {
    const kind = kindOf(request, url)
    calls.push(kind)
    const answer = answers[kind] ?? works[kind]
    return typeof answer === 'function' ? answer(request, url) : answer
  })
  const asked = await askAll(
    {
      type: 's3',
      bucket: 'metamx-acme-share',
      endpoint: server.url,
      force_path_style: true,
      auth: { type: 'access_key', access_key_id: 'AKIAIOSFODNN7EXAMPLE', secret_access_key: 's' },
      ...settings,
    },
    { prefix: 'data/', ...options },
  )
  return { ...asked, calls }
}

describe('list', () => {
  it('names the permission, the bucket and the prefix of a plain denial', async () => {
    const asked = await check({ list: denied() })
    expect(asked.of('authentication').result).toBe('ok')
    expect(asked.of('list')).toMatchObject({
      result: 'failed',
      permission: 's3:ListBucket',
      resource: 'arn:aws:s3:::metamx-acme-share',
      detail: 's3:ListBucket is denied under data/',
    })
    expect(asked.of('list').change).toContain(
      'Allow s3:ListBucket on arn:aws:s3:::metamx-acme-share',
    )
    expect(asked.of('list').change).toContain('"data/*"')
    expect(asked.of('get').result).toBe('skipped')
    expect(asked.of('get').detail).toContain('S3 answers 403 to an absent one too')
  })

  it('sends an explicit denial to the statement that makes it', async () => {
    const on =
      'resource: "arn:aws:s3:::metamx-acme-share" with an explicit deny in a resource-based policy'
    const asked = await check({ list: notAuthorized('s3:ListBucket', on) })
    expect(asked.of('list').change).toContain('out of its Deny statement')
    expect(asked.of('list').change).toContain(USER)
  })

  it('tells a requester-pays bucket from a denial', async () => {
    const asked = await check({
      list: ({ headers }) =>
        headers['x-amz-request-payer'] === 'requester' ? listing() : denied(),
    })
    expect(asked.of('list')).toMatchObject({
      result: 'failed',
      detail: 'metamx-acme-share is a requester-pays bucket',
    })
    expect(asked.of('list').permission).toBeUndefined()
    expect(asked.of('list').change).toContain('`requester_pays: true`')
  })

  it('goes on paying where that was agreed, and says what it costs', async () => {
    const asked = await check(
      { list: listing([OBJECT], { 'x-amz-request-charged': 'requester' }) },
      { settings: { requester_pays: true } },
    )
    expect(asked.of('list').result).toBe('ok')
    expect(asked.of('list').change).toContain('billed to you')
  })

  it('finds a condition that lets the prefix be listed but nothing below it', async () => {
    const asked = await check({
      list: (_, url) => (url.searchParams.get('prefix') === 'data/' ? listing() : denied()),
    })
    expect(asked.of('list')).toMatchObject({ result: 'failed', permission: 's3:ListBucket' })
    expect(asked.of('list').detail).toContain('denied for "data/y=2015/"')
    expect(asked.of('list').change).toContain('StringLike')
  })
})

describe('region', () => {
  const malformed = refusal(
    400,
    'AuthorizationHeaderMalformed',
    "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-central-1'",
    '<Region>eu-central-1</Region>',
  )
  it('names the right one and goes on there', async () => {
    const asked = await check({
      list: ({ headers }) =>
        headers.authorization?.includes('/eu-central-1/') ? listing() : malformed,
    })
    expect(asked.of('region')).toMatchObject({
      result: 'failed',
      change: 'Set `region: eu-central-1` on the store.',
    })
    expect(asked.of('region').detail).toContain('is in eu-central-1, not in us-east-1')
    expect(asked.of('get').result).toBe('ok')
  })

  it('stops where the right one is not told', async () => {
    const asked = await check({
      list: refusal(301, 'PermanentRedirect', 'Use another endpoint.', '<Endpoint>x</Endpoint>'),
    })
    expect(asked.results).toContain('authentication:skipped region:failed')
    expect(asked.of('region').change).toContain('`region`')
    expect(asked.of('list').detail).toBe('not asked, as region failed')
  })

  it('takes it from the header of a redirect', async () => {
    const redirect = refusal(301, 'PermanentRedirect', 'Use another endpoint.')
    const asked = await check({
      list: ({ headers }) =>
        headers.authorization?.includes('/eu-west-1/')
          ? listing()
          : { ...redirect, headers: { ...redirect.headers, 'x-amz-bucket-region': 'eu-west-1' } },
    })
    expect(asked.of('region').change).toBe('Set `region: eu-west-1` on the store.')
    expect(asked.of('list').result).toBe('ok')
  })
})

describe('authentication', () => {
  it.each([
    [403, 'SignatureDoesNotMatch', '`auth.secret_access_key`'],
    [403, 'InvalidAccessKeyId', '`auth.access_key_id`'],
    [400, 'ExpiredToken', 'new temporary credentials'],
    [400, 'InvalidToken', '`session_token`'],
    [403, 'RequestTimeTooSkewed', 'clock'],
  ])('%i %s', async (status, code, words) => {
    const asked = await check({ list: refusal(status, code, 'Said by the service.') })
    expect(asked.of('authentication').result).toBe('failed')
    expect(asked.of('authentication').detail).toContain(code)
    expect(asked.of('authentication').change).toContain(words)
    expect(asked.of('list').result).toBe('skipped')
  })

  it('names sts:AssumeRole where the role is refused', async () => {
    const role_arn = 'arn:aws:iam::210987654321:role/share'
    const answer = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: ${USER} is not authorized to perform: sts:AssumeRole on resource: ${role_arn}</Message></Error><RequestId>R</RequestId></ErrorResponse>`
    await using sts = await httpLoopback(() => ({
      status: 403,
      headers: { 'content-type': 'text/xml' },
      body: answer,
    }))
    const source = { access_key_id: 'AKIAIOSFODNN7EXAMPLE', secret_access_key: 's' }
    const auth = { type: 'assume_role', role_arn, sts_endpoint: sts.url, source }
    const asked = await check({}, { settings: { auth } })
    expect(asked.of('authentication')).toMatchObject({
      result: 'failed',
      permission: 'sts:AssumeRole',
      resource: role_arn,
      asked: `AssumeRole ${role_arn}`,
    })
    expect(asked.of('authentication').change).toContain(USER)
    expect(asked.calls).toEqual([])
  })
})

it('says that it is STS that does not answer', async () => {
  await using silent = await silentLoopback()
  const role_arn = 'arn:aws:iam::210987654321:role/share'
  const source = { access_key_id: 'AKIAIOSFODNN7EXAMPLE', secret_access_key: 's' }
  const auth = { type: 'assume_role', role_arn, sts_endpoint: silent.url, source }
  const asked = await check({}, { settings: { auth }, deadline_ms: 300 })
  expect(asked.of('authentication').detail).toBe(
    `STS did not say whether ${role_arn} may be assumed within 0.3 s`,
  )
  expect(asked.of('authentication').change).toContain('`auth.sts_endpoint`')
})

describe('bucket', () => {
  it('is absent', async () => {
    const asked = await check({
      list: refusal(404, 'NoSuchBucket', 'The specified bucket does not exist'),
    })
    expect(asked.of('bucket').result).toBe('failed')
    expect(asked.of('list').detail).toBe('not asked, as bucket failed')
  })
  it.each(['metamx_acme_share', 'Metamx-Acme-Share'])('%s is no DNS name', async (bucket) => {
    const asked = await check({}, { settings: { bucket } })
    expect(asked.of('bucket_name').result).toBe('failed')
    expect(asked.of('bucket_name').change).toContain('metamx-acme-share')
    expect(asked.of('list').result).toBe('ok')
  })
})

describe('get and decrypt', () => {
  const reading = ['get', 'get_version', 'decrypt'] as const
  const results = (asked: Asked) => reading.map((step) => asked.of(step).result).join(' ')

  it('names s3:GetObject where HEAD is denied as well', async () => {
    const asked = await check({ get: denied(), head: { status: 403 } })
    expect(results(asked)).toBe('failed skipped skipped')
    expect(asked.of('get')).toMatchObject({
      permission: 's3:GetObject',
      resource: 'arn:aws:s3:::metamx-acme-share/data/*',
      asked: `GetObject s3://metamx-acme-share/${OBJECT}`,
    })
  })

  it('names kms:Decrypt where the message does', async () => {
    const on = `resource: ${KEY_ARN} because no identity-based policy allows the kms:Decrypt action`
    const asked = await check({ get: notAuthorized('kms:Decrypt', on) })
    expect(results(asked)).toBe('ok skipped failed')
    expect(asked.of('decrypt')).toMatchObject({ permission: 'kms:Decrypt', resource: KEY_ARN })
    expect(asked.of('decrypt').change).toBe(
      `Allow kms:Decrypt on ${KEY_ARN} in the IAM policy of ${USER}.`,
    )
  })

  it('takes the key from HEAD where the message names none', async () => {
    const on =
      'the resource associated with this ciphertext because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access'
    const head = {
      status: 200,
      headers: {
        'x-amz-server-side-encryption': 'aws:kms',
        'x-amz-server-side-encryption-aws-kms-key-id': KEY_ARN,
      },
    }
    const asked = await check({ get: notAuthorized('kms:Decrypt', on), head })
    expect(asked.of('decrypt')).toMatchObject({ permission: 'kms:Decrypt', resource: KEY_ARN })
    expect(asked.of('decrypt').change).toContain('key policy')
  })

  it('tells a silent KMS denial by HEAD, which takes no key', async () => {
    const head = {
      status: 200,
      headers: {
        'x-amz-server-side-encryption': 'aws:kms',
        'x-amz-server-side-encryption-aws-kms-key-id': KEY_ARN,
      },
    }
    const asked = await check({ get: denied(), head })
    expect(results(asked)).toBe('ok skipped failed')
    expect(asked.of('decrypt')).toMatchObject({ permission: 'kms:Decrypt', resource: KEY_ARN })
  })

  it('does not call a denial one of KMS because HEAD passes without a key', async () => {
    const asked = await check({ get: denied(), head: { status: 200 } })
    expect(asked.of('get')).toMatchObject({ result: 'failed', permission: 's3:GetObject' })
  })

  it('names a key that is disabled', async () => {
    const asked = await check({
      get: refusal(400, 'KMS.DisabledException', `${KEY_ARN} is disabled.`),
      head: { status: 200, headers: { 'x-amz-server-side-encryption-aws-kms-key-id': KEY_ARN } },
    })
    expect(results(asked)).toBe('ok skipped failed')
    expect(asked.of('decrypt').change).toBe(`Enable ${KEY_ARN} again, or use a key that exists.`)
    expect(asked.of('decrypt').permission).toBeUndefined()
  })

  it('names SSE-C', async () => {
    const message =
      'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.'
    const asked = await check({ get: refusal(400, 'InvalidRequest', message) })
    expect(results(asked)).toBe('ok skipped failed')
    expect(asked.of('decrypt').detail).toContain('SSE-C')
  })

  it('names an archived object', async () => {
    const message = "The operation is not valid for the object's storage class"
    const asked = await check({ get: refusal(403, 'InvalidObjectState', message) })
    expect(asked.of('get')).toMatchObject({ result: 'failed', detail: `${OBJECT} is archived` })
  })

  it('reads a version, and does not fail the whole where only that is denied', async () => {
    const get = object({ 'x-amz-version-id': 'V1', 'x-amz-server-side-encryption': 'AES256' })
    const works = await check({ get })
    expect(results(works)).toBe('ok ok ok')
    expect(works.of('get_version').asked).toBe(
      `GetObject s3://metamx-acme-share/${OBJECT} versionId=V1`,
    )
    const asked = await check({ get, get_version: denied() })
    expect(asked.of('get_version')).toMatchObject({
      result: 'failed',
      needed: false,
      permission: 's3:GetObjectVersion',
    })
  })

  it('reads what is preferred, and passes over what has no bytes', async () => {
    const list = listing(['data/', 'data/a', 'data/b'])
    expect((await check({ list })).of('get').detail).toBe('data/a')
    const asked = await check({ list }, { prefers: ({ key }) => key === 'data/b' })
    expect(asked.of('get').detail).toBe('data/b')
  })

  it('has nothing to read in an empty prefix', async () => {
    const asked = await check({ list: listing([]) })
    expect(results(asked)).toBe('skipped skipped skipped')
    expect(asked.of('list').detail).toBe('nothing lies under s3://metamx-acme-share/data/ yet')
  })
})

describe('write', () => {
  const writing = ['put', 'multipart', 'abort', 'uploads', 'delete'] as const
  const results = (asked: Asked) => writing.map((step) => asked.of(step).result).join(' ')

  it('writes nothing unless asked', async () => {
    const { calls } = await check({})
    expect(calls.filter((kind) => !['list', 'get', 'head'].includes(kind))).toEqual([])
  })

  it('writes one object in both ways and deletes it', async () => {
    const keys = new Set<string>()
    const put = (_: IncomingMessage, url: URL) => {
      keys.add(url.pathname)
      return { status: 200, headers: { etag: '"p"' } }
    }
    const asked = await check({ put }, { write: true })
    expect(results(asked)).toBe('ok ok ok ok ok')
    expect([...keys].join()).toMatch(/^\/metamx-acme-share\/data\/\.bucketline-check-[0-9a-f]{8}$/)
    expect(asked.calls.slice(-7)).toEqual([
      'create',
      'part',
      'complete',
      'create',
      'abort',
      'uploads',
      'delete',
    ])
  })

  it('names s3:PutObject and deletes nothing', async () => {
    const asked = await check({ put: denied() }, { write: true })
    expect(results(asked)).toBe('failed skipped skipped skipped skipped')
    expect(asked.of('put')).toMatchObject({
      permission: 's3:PutObject',
      resource: 'arn:aws:s3:::metamx-acme-share/data/*',
    })
    expect(asked.calls).not.toContain('delete')
  })

  it('names the action that a key denies to a write', async () => {
    const on = `resource: ${KEY_ARN} because no identity-based policy allows the kms:GenerateDataKey action`
    const asked = await check({ put: notAuthorized('kms:GenerateDataKey', on) }, { write: true })
    expect(asked.of('put')).toMatchObject({ permission: 'kms:GenerateDataKey', resource: KEY_ARN })
  })

  it('says where the object stays that may not be deleted', async () => {
    const asked = await check({ delete: denied() }, { write: true })
    expect(asked.of('delete')).toMatchObject({ result: 'failed', permission: 's3:DeleteObject' })
    expect(asked.of('delete').change).toMatch(
      /^Delete s3:\/\/metamx-acme-share\/data\/\.bucketline-check-[0-9a-f]{8} by hand\./,
    )
  })

  it('completes an upload that may not be given up, so that none stays open', async () => {
    const asked = await check({ abort: denied() }, { write: true })
    expect(results(asked)).toBe('ok ok failed ok ok')
    expect(asked.of('abort')).toMatchObject({
      needed: false,
      permission: 's3:AbortMultipartUpload',
    })
    const after = ['create', 'abort', 'part', 'complete', 'uploads', 'delete']
    expect(asked.calls.slice(-6)).toEqual(after)
  })

  it('can do without listing uploads, and names the permission', async () => {
    const asked = await check({ uploads: denied() }, { write: true })
    expect(results(asked)).toBe('ok ok ok failed ok')
    expect(asked.of('uploads')).toMatchObject({
      needed: false,
      permission: 's3:ListBucketMultipartUploads',
      resource: 'arn:aws:s3:::metamx-acme-share',
    })
  })

  it('deletes the object when it is interrupted', async () => {
    const stop = new AbortController()
    const calls: string[] = []
    const note = (kind: string, answer: LoopbackAnswer) => () => {
      calls.push(kind)
      return answer
    }
    await expect(
      check(
        {
          put: note('put', { status: 200, headers: { etag: '"p"' } }),
          delete: note('delete', { status: 204 }),
        },
        {
          write: true,
          signal: stop.signal,
          onStep: (step) => {
            if (step === 'multipart') stop.abort(new Error('stopped'))
          },
        },
      ),
    ).rejects.toThrow('stopped')
    expect(calls).toEqual(['put', 'delete'])
  })
})

it('never shows a secret', async () => {
  const asked = await check({ list: denied(), put: denied() }, { write: true })
  const shown = JSON.stringify(asked.checks)
  expect(shown).toContain('AKIA…MPLE')
  expect(shown).not.toContain('AKIAIOSFODNN7EXAMPLE')
})

describe('AWS itself', () => {
  const open = (bucket: string, region = 'us-east-1') =>
    openAccess(
      Store.parse({ type: 's3', bucket, region }),
      { base_dir: '/', resolveSecret: String },
      { prefix: '', write: false },
    )
  const signal = new AbortController().signal

  it.each([
    ['metamx-acme-share', 'us-east-1', 'metamx-acme-share.s3.us-east-1.amazonaws.com:443'],
    ['metamx-acme-share', 'eu-west-1', 'metamx-acme-share.s3.eu-west-1.amazonaws.com:443'],
    // No certificate fits a name with dots, so it goes into the path.
    ['acme.share', 'us-east-1', 's3.us-east-1.amazonaws.com:443'],
    ['Acme_Share', 'us-east-1', 's3.us-east-1.amazonaws.com:443'],
  ])('%s in %s is reached at %s', async (bucket, region, host) => {
    await using access = await open(bucket, region)
    expect(access.probes.find(({ step }) => step === 'connect')?.asked).toBe(`TCP ${host}`)
  })

  it('remarks on a bucket name with dots', async () => {
    await using access = await open('acme.share')
    const finding = await access.probes[0]?.run(signal)
    expect(finding).toMatchObject({ result: 'ok', detail: 'acme.share has dots' })
    expect(finding?.change).toContain('acme-share')
  })
})
