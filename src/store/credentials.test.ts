import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Store } from '../core/config.ts'
import { ExchangeError } from '../core/errors.ts'
import { checkEndpoint, resolveSecret } from './credentials.ts'
import { openStore } from './open-store.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bucketline-secret-'))
  await writeFile(join(folder, 'key'), '  from a file\n')
  await writeFile(join(folder, 'blank'), ' \n')
})
afterAll(() => rm(folder, { recursive: true }))

function codeOf(run: () => unknown): ExchangeError {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(ExchangeError)
    return error as ExchangeError
  }
  throw new Error('nothing was thrown')
}

describe('secrets', () => {
  const sources = () => ({ env: { SET: 'from env', EMPTY: '' }, base_dir: folder })

  it('come from the environment, a file relative to the configuration, or as they are', () => {
    expect(resolveSecret({ env: 'SET' }, sources())).toBe('from env')
    expect(resolveSecret({ file: 'key' }, sources())).toBe('from a file')
    expect(resolveSecret({ file: join(folder, 'key') }, sources())).toBe('from a file')
    expect(resolveSecret('as it is', sources())).toBe('as it is')
  })

  it('that are missing name the variable or file', () => {
    for (const [secret, name] of [
      [{ env: 'UNSET' }, 'UNSET is not set'],
      [{ env: 'EMPTY' }, 'EMPTY is empty'],
      [{ file: 'absent' }, join(folder, 'absent')],
      [{ file: 'blank' }, join(folder, 'blank')],
    ] as const) {
      const error = codeOf(() => resolveSecret(secret, sources()))
      expect(error.code).toBe('secret_missing')
      expect(error.message).toContain(name)
    }
  })
})

describe('endpoints', () => {
  it('may be plain http on this machine only', () => {
    for (const url of [
      'https://minio.example.com',
      'http://127.0.0.1:9000',
      'http://127.8.9.10',
      'http://localhost:9000',
      'http://bucket.localhost:9000',
      'http://[::1]:9000',
    ]) {
      expect(() => checkEndpoint(url, '`endpoint`', false)).not.toThrow()
    }
    for (const url of [
      'http://minio.example.com:9000',
      'http://10.0.0.5',
      'http://0.0.0.0',
      'http://127.0.0.1.example.com',
      'http://localhost.example.com',
    ]) {
      const error = codeOf(() => checkEndpoint(url, '`endpoint`', false))
      expect(error.code).toBe('insecure_endpoint')
      expect(error.message).toContain(new URL(url).host)
      expect(error.hint).toContain('allow_insecure: true')
      expect(() => checkEndpoint(url, '`endpoint`', true)).not.toThrow()
    }
    expect(codeOf(() => checkEndpoint('ftp://x', '`endpoint`', true)).code).toBe('config_invalid')
  })

  it.each([
    ['s3', { type: 's3', bucket: 'b', endpoint: 'http://store.example.com' }],
    ['gcs', { type: 'gcs', bucket: 'b', endpoint: 'http://store.example.com' }],
    [
      'sts',
      {
        type: 's3',
        bucket: 'b',
        auth: {
          type: 'assume_role',
          role_arn: 'arn:aws:iam::123456789012:role/partner',
          sts_endpoint: 'http://sts.example.com',
        },
      },
    ],
  ])('are checked when a store opens: %s', async (_, settings) => {
    const env = { base_dir: folder, resolveSecret: () => 'x' }
    await expect(openStore(Store.parse(settings), env)).rejects.toMatchObject({
      code: 'insecure_endpoint',
    })
    const allowed = await openStore(Store.parse({ ...settings, allow_insecure: true }), env)
    await allowed[Symbol.asyncDispose]()
  })
})

describe('a service account key', () => {
  it('that is none is named without being shown', async () => {
    const settings = Store.parse({
      type: 'gcs',
      bucket: 'b',
      auth: { type: 'service_account', key: 'top-secret-text' },
    })
    const env = { base_dir: folder, resolveSecret: (secret: unknown) => String(secret) }
    const error = await openStore(settings, env).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'credentials_invalid' })
    expect(JSON.stringify(error) + String(error)).not.toContain('top-secret')
  })

  it('that cannot sign is refused before anything is sent', async () => {
    const key = JSON.stringify({ client_email: 'a@b.example.com', private_key: 'top-secret-text' })
    const settings = Store.parse({
      type: 'gcs',
      bucket: 'b',
      auth: { type: 'service_account', key },
    })
    const env = { base_dir: folder, resolveSecret: (secret: unknown) => String(secret) }
    const store = await openStore(settings, env)
    const error = await store.head('x').catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'credentials_invalid' })
    expect(JSON.stringify(error) + String(error)).not.toContain('top-secret')
  })
})
