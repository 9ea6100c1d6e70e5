import { CRC32C } from '@google-cloud/storage'
import { describe, expect, it } from 'vitest'
import { askAll } from '../../test/checks.ts'
import { closedPort, httpLoopback, type LoopbackAnswer } from '../../test/loopback.ts'
import { PROBE_TEXT } from './access.ts'

// What Google itself answers, from a loopback server: the emulator denies nothing.

// The vendor’s client compares what it sent with what the service says it got.
const CRC = new CRC32C()
CRC.update(Buffer.from(PROBE_TEXT))

const EMAIL = 'loader@project.iam.gserviceaccount.com'
const json = (status: number, body: unknown): LoopbackAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})
const refusal = (status: number, message: string, reason = 'forbidden') =>
  json(status, {
    error: { code: status, message, errors: [{ message, domain: 'global', reason }] },
  })
const denied = (permission: string) =>
  refusal(
    403,
    `${EMAIL} does not have ${permission} access to the Google Cloud Storage object. Permission '${permission}' denied on resource (or it may not exist).`,
  )
const item = {
  kind: 'storage#object',
  name: 'data/file.gz',
  size: '5',
  generation: '17',
  timeCreated: '2023-01-01T00:00:00.000Z',
}

interface Answers {
  readonly list?: LoopbackAnswer
  readonly media?: (generation: string | null) => LoopbackAnswer
  readonly put?: LoopbackAnswer
  readonly remove?: LoopbackAnswer
}

async function check(answers: Answers, options: Parameters<typeof askAll>[1] = {}) {
  const calls: string[] = []
  await using server = await httpLoopback(({ method }, url) => {
    const { pathname, searchParams: query } = url
    if (pathname.startsWith('/upload/')) {
      calls.push('put')
      return (
        answers.put ??
        json(200, {
          ...item,
          name: query.get('name') ?? 'x',
          generation: '18',
          crc32c: CRC.toString(),
        })
      )
    }
    if (method === 'DELETE') {
      calls.push('delete')
      return answers.remove ?? { status: 204 }
    }
    if (pathname.endsWith('/o')) return answers.list ?? json(200, { items: [item] })
    if (query.get('alt') === 'media') {
      return (
        answers.media?.(query.get('generation')) ?? {
          status: 206,
          headers: { 'x-goog-generation': '17', 'content-range': 'bytes 0-0/5' },
          body: 'x',
        }
      )
    }
    return json(200, item)
  })
  const asked = await askAll(
    { type: 'gcs', bucket: 'partner-share', endpoint: server.url },
    { prefix: 'data/', ...options },
  )
  return { ...asked, calls }
}

it('works', async () => {
  const asked = await check({})
  expect(asked.results).toBe(
    'connect:ok tls:skipped authentication:ok bucket:ok list:ok get:ok get_version:ok decrypt:ok',
  )
  expect(asked.of('get_version').asked).toBe('objects.get gs://partner-share/data/file.gz#17')
  expect(asked.calls).toEqual([])
})

it('names the role that a listing takes, and the account', async () => {
  const asked = await check({ list: denied('storage.objects.list') })
  expect(asked.of('authentication').result).toBe('ok')
  expect(asked.of('list')).toMatchObject({
    result: 'failed',
    permission: 'storage.objects.list',
    change: `Grant roles/storage.objectViewer on gs://partner-share to serviceAccount:${EMAIL}: it holds storage.objects.list.`,
  })
  expect(asked.of('get').detail).toBe('not asked, as list failed')
})

it('names a denied read', async () => {
  const asked = await check({ media: () => denied('storage.objects.get') })
  expect(asked.of('get')).toMatchObject({ result: 'failed', permission: 'storage.objects.get' })
})

it.each([
  [
    'there is no bucket',
    refusal(404, 'The specified bucket does not exist.', 'notFound'),
    'bucket',
  ],
  [
    'requester-pays',
    refusal(400, 'Bucket is a requester pays bucket but no user project provided.', 'required'),
    'list',
  ],
  ['credentials', refusal(401, 'Invalid Credentials', 'authError'), 'authentication'],
] as const)('%s', async (words, list, step) => {
  const asked = await check({ list })
  expect(asked.of(step).result).toBe('failed')
  expect(asked.of(step).detail).toContain(words)
  expect(asked.of(step).change).not.toBe('')
})

describe('decrypt', () => {
  it.each([
    [
      'cloudkms.cryptoKeyVersions.useToDecrypt',
      refusal(
        403,
        'Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service account has been authorized to use this key.',
      ),
    ],
    [
      undefined,
      refusal(
        400,
        'The target object is encrypted by a customer-supplied encryption key.',
        'resourceIsEncryptedWithCustomerEncryptionKey',
      ),
    ],
  ])('%s', async (permission, answer) => {
    const asked = await check({ media: () => answer })
    expect(asked.of('get').result).toBe('ok')
    expect(asked.of('get_version').result).toBe('skipped')
    expect(asked.of('decrypt').result).toBe('failed')
    expect(asked.of('decrypt').permission).toBe(permission)
  })
})

describe('write', () => {
  it('writes one object and deletes it', async () => {
    const asked = await check({}, { write: true })
    expect(asked.results).toMatch(/put:ok delete:ok$/)
    expect(asked.calls).toEqual(['put', 'delete'])
  })
  it('names storage.objects.create and deletes nothing', async () => {
    const asked = await check({ put: denied('storage.objects.create') }, { write: true })
    expect(asked.results).toMatch(/put:failed delete:skipped$/)
    expect(asked.of('put')).toMatchObject({ permission: 'storage.objects.create' })
    expect(asked.calls).not.toContain('delete')
  })
  it('says where the object stays that may not be deleted', async () => {
    const asked = await check({ remove: denied('storage.objects.delete') }, { write: true })
    expect(asked.of('delete')).toMatchObject({ permission: 'storage.objects.delete' })
    expect(asked.of('delete').change).toMatch(
      /^Delete gs:\/\/partner-share\/data\/\.bucketline-check-/,
    )
  })
})

it('names a port on which nothing listens', async () => {
  const port = await closedPort()
  const endpoint = `http://127.0.0.1:${port}`
  const asked = await askAll({ type: 'gcs', bucket: 'partner-share', endpoint })
  expect(asked.of('connect').detail).toBe(`nothing listens on 127.0.0.1:${port}`)
  expect(asked.of('list').detail).toBe('not asked, as connect failed')
})
