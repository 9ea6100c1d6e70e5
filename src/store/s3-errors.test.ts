import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { Store } from '../core/config.ts'
import type { ErrorCode, ExchangeError } from '../core/errors.ts'
import { openS3 } from './s3.ts'
import type { S3Settings } from './s3-client.ts'
import type { ObjectStore } from './store.ts'

/**
 * Answers no server that the tests can start gives, as AWS documents them or as a proxy's page would be;
 * what real servers refuse is in test/servers/.
 */
interface Given {
  readonly status: number
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

const DEADLINES = { connect_ms: 1_000, idle_ms: 1_000, request_ms: 2_000, attempts: 1 }

async function refusal(
  { status, body, headers = {} }: Given,
  call: (store: ObjectStore) => Promise<unknown>,
): Promise<ExchangeError> {
  const server = createServer((incoming, outgoing) => {
    incoming.resume().on('end', () => {
      outgoing.writeHead(status, { 'content-type': 'application/xml', ...headers })
      outgoing.end(incoming.method === 'HEAD' ? undefined : body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const settings = Store.parse({
    type: 's3',
    bucket: 'partner',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    force_path_style: true,
    auth: { type: 'access_key', access_key_id: 'key', secret_access_key: 'secret' },
  })
  const env = { base_dir: '/', resolveSecret: String }
  await using store = await openS3(settings as S3Settings, env, DEADLINES)
  try {
    return await call(store).then(
      (value) => expect.fail(`not refused: ${value}`),
      (error: ExchangeError) => error,
    )
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const error = (code: string, message: string, more = '') =>
  `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message>${more}<RequestId>1</RequestId></Error>`

const read = (store: ObjectStore) => store.read('a')
const head = (store: ObjectStore) => store.head('a')
const write = (store: ObjectStore) => store.write('a', new TextEncoder().encode('x'))
async function list(store: ObjectStore): Promise<void> {
  for await (const _ of store.list('')) return
}

interface Case {
  readonly given: Given
  readonly call: (store: ObjectStore) => Promise<unknown>
  readonly code: ErrorCode
  readonly message: RegExp
  readonly hint: RegExp
  readonly retryable?: boolean
}

const html = '<!doctype html><html><title>No</title><br></html>'
const kms_denied =
  'User: arn:aws:iam::1:user/u is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext'

const CASES: Readonly<Record<string, Case>> = {
  'a bucket elsewhere, by redirect': {
    given: {
      status: 301,
      headers: { 'x-amz-bucket-region': 'ap-northeast-2' },
      body: error('PermanentRedirect', 'The bucket must be addressed using another endpoint.'),
    },
    call: read,
    code: 'wrong_region',
    message: /not in region us-east-1 but in ap-northeast-2/,
    hint: /`region: ap-northeast-2`/,
  },
  'a bucket elsewhere, asked by HEAD': {
    given: { status: 301, headers: { 'x-amz-bucket-region': 'ap-northeast-2' }, body: '' },
    call: head,
    code: 'wrong_region',
    message: /but in ap-northeast-2/,
    hint: /`region: ap-northeast-2`/,
  },
  'a bucket elsewhere, by the signature': {
    given: {
      status: 400,
      body: error(
        'AuthorizationHeaderMalformed',
        'The authorization header is malformed; the region is wrong',
        '<Region>eu-west-1</Region>',
      ),
    },
    call: list,
    code: 'wrong_region',
    message: /but in eu-west-1/,
    hint: /`region: eu-west-1`/,
  },
  'another refusal that names our own region': {
    given: {
      status: 400,
      headers: { 'x-amz-bucket-region': 'us-east-1' },
      body: error('InvalidRequest', 'No such thing'),
    },
    call: list,
    code: 'store_refused',
    message: /InvalidRequest: No such thing/,
    hint: /own code/,
  },
  'a KMS key that may not be used to read': {
    given: { status: 403, body: error('AccessDenied', kms_denied) },
    call: read,
    code: 'access_denied',
    message: /The KMS key for s3:\/\/partner\/a could not be used/,
    hint: /encrypted; these credentials need kms:Decrypt on its key/,
  },
  'a KMS key that may not be used to write': {
    given: {
      status: 403,
      body: error('AccessDenied', 'not authorized to perform: kms:GenerateDataKey on resource: k'),
    },
    call: write,
    code: 'access_denied',
    message: /The KMS key/,
    hint: /`sse_kms_key_id`.*need kms:GenerateDataKey/,
  },
  'a KMS key that is disabled': {
    given: { status: 400, body: error('KMS.DisabledException', 'k is disabled.') },
    call: read,
    code: 'access_denied',
    message: /KMS\.DisabledException/,
    hint: /kms:Decrypt/,
  },
  'a permission that is missing': {
    given: { status: 403, body: error('AccessDenied', 'Access Denied') },
    call: list,
    code: 'access_denied',
    message: /s3:ListBucket on s3:\/\/partner was denied/,
    hint: /Grant s3:ListBucket/,
  },
  'a clock that is off': {
    given: {
      status: 403,
      headers: { date: 'Sat, 01 Jan 2000 00:00:00 GMT' },
      body: error('RequestTimeTooSkewed', 'The difference is too large.'),
    },
    call: read,
    code: 'credentials_invalid',
    message: /clock of this machine .*, 20\d\d-.* here and 2000-01-01T00:00:00.000Z there/,
    hint: /clock/,
  },
  'a page of a proxy, refused': {
    given: { status: 403, body: html },
    call: read,
    code: 'access_denied',
    message: /an answer that is not S3’s: HTTP 403/,
    hint: /`endpoint`.*proxy/,
  },
  'a page of a proxy that serves nothing now': {
    given: { status: 502, body: html },
    call: list,
    code: 'store_unavailable',
    message: /an answer that is not S3’s: HTTP 502/,
    hint: /Run again/,
    retryable: true,
  },
  'a page of another server': {
    given: { status: 200, body: html },
    call: list,
    code: 'store_refused',
    message: /an answer that is not S3’s: HTTP 200/,
    hint: /`endpoint`.*proxy/,
  },
  'a redirect of another server': {
    given: { status: 301, headers: { location: 'https://127.0.0.1/' }, body: html },
    call: list,
    code: 'store_refused',
    message: /an answer that is not S3’s: HTTP 301/,
    hint: /`endpoint`.*proxy/,
  },
}

describe('what S3 says is named', () => {
  it.each(Object.entries(CASES))('%s', async (_, { given, call, ...expected }) => {
    const { code, message, hint, retryable } = await refusal(given, call)
    expect({ code, message, hint, retryable }).toEqual({
      code: expected.code,
      message: expect.stringMatching(expected.message),
      hint: expect.stringMatching(expected.hint),
      retryable: expected.retryable ?? false,
    })
  })
})
