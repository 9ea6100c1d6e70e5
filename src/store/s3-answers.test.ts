import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bytes, listed, readText } from '../../test/conformance/store-bench.ts'
import { Store } from '../core/config.ts'
import { openS3 } from './s3.ts'
import { S3_DEADLINES, type S3Settings } from './s3-client.ts'
import type { ObjectStore } from './store.ts'

/** What a service answers, as AWS writes it, and how often it is asked. */

type Answer = (request: IncomingMessage, response: ServerResponse, number: number) => void
let answer: Answer
/** When each request came, in milliseconds. */
let asked: number[]
let store: ObjectStore
const server = createServer((request, response) => {
  asked.push(performance.now())
  request.resume().on('end', () => answer(request, response, asked.length))
})

const ATTEMPTS = 3
beforeEach(async () => {
  asked = []
  if (!server.listening)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  store = await open(ATTEMPTS)
})
afterEach(async () => {
  await store[Symbol.asyncDispose]()
  await new Promise((resolve) => server.close(resolve))
})

function open(attempts: number): Promise<ObjectStore> {
  const { port } = server.address() as AddressInfo
  const settings = {
    type: 's3',
    bucket: 'partner',
    endpoint: `http://127.0.0.1:${port}`,
    force_path_style: true,
    auth: { type: 'access_key', access_key_id: 'key', secret_access_key: 'secret' },
  }
  const env = { base_dir: '/', resolveSecret: (secret: unknown) => String(secret) }
  return openS3(Store.parse(settings) as S3Settings, env, { ...S3_DEADLINES, attempts })
}

const refuse =
  (status: number, code: string, message: string): Answer =>
  (_, response) => {
    response.writeHead(status, { 'Content-Type': 'application/xml' })
    response.end(
      `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message><RequestId>4442587FB7D0A2F9</RequestId><HostId>x</HostId></Error>`,
    )
  }
const SLOW = refuse(503, 'SlowDown', 'Please reduce your request rate.')

const CALLS: readonly (readonly [string, (store: ObjectStore) => Promise<unknown>])[] = [
  ['read', (s) => readText(s, 'a')],
  ['write', (s) => s.write('a', bytes('x'))],
  ['list', (s) => listed(s, '')],
  ['delete', (s) => s.delete(['a'])],
  ['unfinishedUploads', (s) => s.unfinishedUploads(['a'])],
  ['abortUpload', (s) => s.abortUpload({ key: 'a', id: '1' })],
]

describe('a service that asks to slow down', () => {
  it('is asked again later and later, and then no more', async () => {
    answer = SLOW
    await expect(readText(store, 'a')).rejects.toMatchObject({
      code: 'store_unavailable',
      retryable: true,
      message: expect.stringContaining('SlowDown: Please reduce your request rate'),
    })
    expect(asked).toHaveLength(ATTEMPTS)
    const pauses = asked.slice(1).map((at, i) => at - (asked[i] ?? 0))
    expect(pauses[0]).toBeGreaterThan(240)
    expect(pauses[1]).toBeGreaterThan(490)
  })

  it('is waited for as long as it says', async () => {
    answer = (request, response, number) => {
      if (number > 1) return response.end('text')
      response.setHeader('Retry-After', '1')
      SLOW(request, response, number)
    }
    expect(await readText(store, 'a')).toBe('text')
    expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThan(900)
  })

  it.each(CALLS)('%s succeeds after that', async (_, call) => {
    answer = (request, response, number) => {
      if (number < ATTEMPTS) return SLOW(request, response, number)
      response.setHeader('ETag', '"e"')
      const xml = { GET: '<ListBucketResult/>', POST: '<DeleteResult/>' }[request.method ?? '']
      response.end(xml)
    }
    await call(store)
    expect(asked).toHaveLength(ATTEMPTS)
  })
})

describe.each([
  [403, 'AccessDenied', 'access_denied'],
  [403, 'InvalidAccessKeyId', 'credentials_invalid'],
  [404, 'NoSuchBucket', 'bucket_not_found'],
  [400, 'InvalidRequest', 'store_refused'],
  [501, 'NotImplemented', 'store_refused'],
])('what will not pass by itself: %d %s', (status, code, expected) => {
  it.each(CALLS)('%s is asked once', async (_, call) => {
    answer = refuse(status, code, 'No.')
    await expect(call(store)).rejects.toMatchObject({ code: expected, retryable: false })
    expect(asked).toHaveLength(1)
  })
})

describe('a listing', () => {
  const object = (key: string) =>
    `<Contents><Key>${key}</Key><LastModified>2023-01-01T00:00:00.000Z</LastModified><ETag>"e"</ETag><Size>1</Size></Contents>`
  /** Pages in turn; each but the last one says that there are more. */
  const listing =
    (...pages: readonly (readonly string[])[]): Answer =>
    (_, response, number) => {
      const more = number < pages.length
      const token = more ? `<NextContinuationToken>${number}</NextContinuationToken>` : ''
      const contents = (pages[number - 1] ?? []).map(object).join('')
      response.writeHead(200, { 'Content-Type': 'application/xml' })
      response.end(
        `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>partner</Name><IsTruncated>${more}</IsTruncated>${token}${contents}</ListBucketResult>`,
      )
    }

  it('in key order is taken as it is', async () => {
    answer = listing(['A', 'a', 'a/b'], ['a0', '\u{FFFD}', '\u{1F600}'])
    expect(await listed(store, '')).toEqual(['A', 'a', 'a/b', 'a0', '\u{FFFD}', '\u{1F600}'])
  })

  it.each([
    ['in another order', [['b', 'a']], '"a" after "b"'],
    ['in the order of a dictionary', [['a', 'B']], '"B" after "a"'],
    ['with a page out of its place', [['c', 'd'], ['a']], '"a" after "d"'],
    ['with a page given twice', [['a', 'b'], ['a', 'b'], ['c']], '"a" after "b"'],
    ['with a key given twice', [['a'], ['a']], '"a" after "a"'],
  ])('%s is refused by name', async (_, pages, said) => {
    answer = listing(...pages)
    await expect(listed(store, '')).rejects.toMatchObject({
      code: 'listing_disordered',
      retryable: false,
      message: expect.stringContaining(`s3://partner/ is not in key order: it gave ${said}`),
    })
  })
})

describe('unfinished uploads', () => {
  const upload = (key: string, id: string) =>
    `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`
  const page = (uploads: string, more = '') =>
    `<ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType><IsTruncated>${more !== ''}</IsTruncated>${more}${uploads}</ListMultipartUploadsResult>`
  const xml = (response: ServerResponse, text: string) => {
    response.writeHead(200, { 'Content-Type': 'application/xml' })
    response.end(text)
  }

  it('are asked for page by page, and those of longer keys left out', async () => {
    const queries: URLSearchParams[] = []
    answer = (request, response, number) => {
      queries.push(new URL(request.url ?? '', 'http://s3').searchParams)
      const more =
        '<NextKeyMarker>a+b%2B%C3%A9</NextKeyMarker><NextUploadIdMarker>2</NextUploadIdMarker>'
      const first = page(upload('a+b%2B%C3%A9', '1') + upload('a+b%2B%C3%A9', '2'), more)
      xml(
        response,
        number === 1 ? first : page(upload('a+b%2B%C3%A9', '3') + upload('a+b%2B%C3%A9c', '4')),
      )
    }
    const found = await store.unfinishedUploads(['a b+é'])
    expect(found).toEqual(['1', '2', '3'].map((id) => ({ key: 'a b+é', id })))
    const asked = queries.map((query) =>
      ['prefix', 'key-marker', 'upload-id-marker'].map((name) => query.get(name)),
    )
    expect(asked).toEqual([
      ['a b+é', null, null],
      ['a b+é', 'a b+é', '2'],
    ])
  })

  it('that are denied name the permission', async () => {
    answer = refuse(403, 'AccessDenied', 'Access Denied')
    await expect(store.unfinishedUploads(['a'])).rejects.toMatchObject({
      code: 'access_denied',
      message:
        's3:ListBucketMultipartUploads on s3://partner was denied (AccessDenied: Access Denied).',
    })
    await expect(store.abortUpload({ key: 'a', id: '1' })).rejects.toMatchObject({
      code: 'access_denied',
      message:
        's3:AbortMultipartUpload on s3://partner/a was denied (AccessDenied: Access Denied).',
    })
  })

  it('that have ended meanwhile are aborted without an error', async () => {
    answer = refuse(404, 'NoSuchUpload', 'The specified upload does not exist.')
    await store.abortUpload({ key: 'a', id: '1' })
    expect(asked).toHaveLength(1)
  })
})
