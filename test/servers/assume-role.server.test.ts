import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bytes, listed, readText } from '../conformance/store-bench.ts'
import { type HttpProxy, openHttpProxy, type ProxiedRequest } from './http-proxy.ts'
import { type RunningServer, startServer } from './launch.ts'
import { minioAdmin } from './minio-admin.ts'
import { openS3Bucket, openS3Store, s3Server } from './s3-bucket.ts'
import { addReader } from './s3-reader.ts'

/**
 * MinIO's STS gives the caller its own rights back for a while. It ignores the role's ARN and the external
 * id, so that it refuses a wrong one cannot be tested here: what is tested is that our request carries
 * them, by a proxy that keeps what was asked.
 */
const ROLE = 'arn:aws:iam::123456789012:role/partner-reader'

let server: RunningServer
let proxy: HttpProxy
let source: { access_key_id: string; secret_access_key: string }

beforeAll(async () => {
  server = await startServer('minio')
  const { store } = await openS3Bucket(s3Server(server), 'partner')
  await store.write('data', bytes('text'))
  source = await addReader(server, 'partner')
})
beforeEach(async () => {
  proxy = await openHttpProxy(server.settings.url)
})
afterEach(() => proxy.close())
afterAll(() => server.stop())

const open = (auth: object = {}, env: Record<string, string> = {}) =>
  openS3Store(
    server,
    {
      bucket: 'partner',
      endpoint: proxy.url,
      auth: { type: 'assume_role', role_arn: ROLE, sts_endpoint: proxy.url, source, ...auth },
    },
    env,
  )
const asked = (request: ProxiedRequest) =>
  Object.fromEntries(new URLSearchParams(request.body.toString()))
const roleRequests = () => proxy.requests.filter(({ method }) => method === 'POST').map(asked)

describe('assume_role', () => {
  it('reads with the role’s keys; the external id travels to STS and nowhere else', async () => {
    const store = await open(
      { external_id: { env: 'EXTERNAL_ID' }, session_name: 'nightly' },
      { EXTERNAL_ID: 'ext-8f2+/=&' },
    )
    expect(await readText(store, 'data')).toBe('text')
    expect(await listed(store, '')).toEqual(['data'])
    const [first, ...others] = proxy.requests
    expect(asked(first as ProxiedRequest)).toMatchObject({
      Action: 'AssumeRole',
      RoleArn: ROLE,
      RoleSessionName: 'nightly',
      ExternalId: 'ext-8f2+/=&',
    })
    expect(first?.headers.authorization).toContain(`Credential=${source.access_key_id}/`)
    expect(others).toHaveLength(2)
    for (const { headers, path } of others) {
      expect(headers['x-amz-security-token']).toMatch(/^eyJ/)
      expect(headers.authorization).not.toContain(source.access_key_id)
      expect(JSON.stringify([headers, path])).not.toContain('ext-8f2')
    }
  })

  it('without an external id none is sent', async () => {
    expect(await listed(await open(), '')).toEqual(['data'])
    expect(roleRequests()).toHaveLength(1)
    expect(roleRequests()[0]).not.toHaveProperty('ExternalId')
  })

  it('has the rights of the role and no more', async () => {
    const store = await open()
    await expect(store.write('data', bytes('x'))).rejects.toMatchObject({
      code: 'access_denied',
      hint: expect.stringContaining('Grant s3:PutObject'),
    })
  })

  it('asks once for many calls, and again before its keys run out', async () => {
    const store = await open()
    await Promise.all(Array.from({ length: 8 }, () => readText(store, 'data')))
    expect(roleRequests()).toHaveLength(1)
    // Keys that have four minutes left are renewed: the client keeps five in hand.
    const soon = new Date(Date.now() + 240_000).toISOString()
    proxy.alter = (answer, { method }) =>
      method === 'POST'
        ? {
            ...answer,
            body: Buffer.from(
              answer.body.toString().replace(/<Expiration>.*?</, `<Expiration>${soon}<`),
            ),
          }
        : answer
    const renewing = await open()
    for (let i = 0; i < 3; i += 1) expect(await readText(renewing, 'data')).toBe('text')
    expect(roleRequests().length).toBeGreaterThanOrEqual(3)
  })

  // For keys that are wrong MinIO answers as AWS does where the trust policy does not name the caller.
  it.each([
    ['a wrong secret', { secret_access_key: 'wrongwrong' }],
    ['an unknown key', { access_key_id: 'nobody' }],
  ])('%s of the source is named with the role', async (_, changes) => {
    const store = await open({ source: { ...source, ...changes } })
    await expect(listed(store, '')).rejects.toMatchObject({
      code: 'credentials_invalid',
      message: expect.stringContaining(ROLE),
      hint: expect.stringContaining('trust policy'),
      retryable: false,
    })
    expect(proxy.requests.every(({ method }) => method === 'POST')).toBe(true)
  })

  // AWS's documented answers in the place of MinIO's: https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
  it.each([
    ['InvalidClientTokenId', 403, /^`auth.source` were not accepted: .* unknown or disabled/],
    ['SignatureDoesNotMatch', 403, /^`auth.source` were not accepted: the secret access key/],
    ['ExpiredToken', 400, /^`auth.source` were not accepted: the session token has expired/],
  ])('what AWS says of the source’s keys is passed on: %s', async (code, status, hint) => {
    const body = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>Refused.</Message></Error><RequestId>1</RequestId></ErrorResponse>`
    proxy.alter = ({ headers }) => ({ status, headers, body: Buffer.from(body) })
    await expect(listed(await open(), '')).rejects.toMatchObject({
      code: 'credentials_invalid',
      message: expect.stringContaining(code),
      hint: expect.stringMatching(hint),
    })
  })

  it('an STS that cannot serve now is a passing fault', async () => {
    proxy.alter = (answer, { method }) =>
      method === 'POST' ? { ...answer, status: 503, body: Buffer.from('') } : answer
    await expect(listed(await open(), '')).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining(ROLE),
      retryable: true,
    })
  })

  it('a session whose user is disabled is refused', async () => {
    const admin = minioAdmin(server)
    const user = await admin.addUser('leaving', 'leavingsecret')
    await admin.attach(source.access_key_id, 'leaving')
    const store = await open({ source: user })
    expect(await readText(store, 'data')).toBe('text')
    await admin.disableUser('leaving')
    // What MinIO says of keys it has given out itself; AWS says ExpiredToken or AccessDenied.
    await expect(store.read('data')).rejects.toMatchObject({ code: 'access_denied' })
    await expect(listed(store, '')).rejects.toMatchObject({ code: 'access_denied' })
    await expect(listed(await open({ source: user }), '')).rejects.toMatchObject({
      code: 'credentials_invalid',
      message: expect.stringContaining(ROLE),
    })
  })

  it('its keys, copied into `access_key`, work with their token and not without it', async () => {
    const text = (xml: string, name: string) =>
      new RegExp(`<${name}>(.*?)</${name}>`).exec(xml)?.[1] ?? ''
    const sessions: { access_key_id: string; secret_access_key: string; session_token: string }[] =
      []
    proxy.alter = (answer, { method }) => {
      const xml = answer.body.toString()
      if (method === 'POST') {
        sessions.push({
          access_key_id: text(xml, 'AccessKeyId'),
          secret_access_key: text(xml, 'SecretAccessKey'),
          session_token: text(xml, 'SessionToken'),
        })
      }
      return answer
    }
    for (const _ of [1, 2]) await listed(await open(), '')
    const [first, second] = sessions as [(typeof sessions)[0], (typeof sessions)[0]]
    const copied = (keys: object) =>
      openS3Store(server, { bucket: 'partner', auth: { type: 'access_key', ...keys } })
    expect(await readText(await copied(first), 'data')).toBe('text')
    for (const wrong of [
      { ...first, session_token: undefined },
      { ...first, session_token: second.session_token },
    ]) {
      await expect(listed(await copied(wrong), '')).rejects.toMatchObject({
        code: 'credentials_invalid',
        message: expect.stringContaining('the session token is not valid'),
      })
    }
  })
})
