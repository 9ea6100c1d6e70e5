import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Secret } from '../core/config.ts'
import { ExchangeError } from '../core/errors.ts'

/** Where secret references are looked up. */
export interface SecretSources {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Folder that relative paths of `{ file }` start from. */
  readonly base_dir: string
}

/**
 * The value of a secret: a literal as it is, `{ env }` from the environment, `{ file }` as the file's
 * trimmed text. Throws `secret_missing`, which names the variable or file and never a value.
 */
export function resolveSecret(secret: Secret, sources: SecretSources): string {
  if (typeof secret === 'string') return secret
  if ('env' in secret) {
    const value = sources.env[secret.env]
    if (value !== undefined && value !== '') return value
    const fault = value === undefined ? 'is not set' : 'is empty'
    throw new ExchangeError('secret_missing', `The environment variable ${secret.env} ${fault}.`)
  }
  const path = resolve(sources.base_dir, secret.file)
  let value: string
  try {
    value = readFileSync(path, 'utf8').trim()
  } catch (cause) {
    throw new ExchangeError('secret_missing', `The secret file ${path} cannot be read.`, { cause })
  }
  if (value === '') throw new ExchangeError('secret_missing', `The secret file ${path} is empty.`)
  return value
}

/**
 * Throws `insecure_endpoint` for a plain http URL to another machine, where keys and data would travel
 * readable, and `config_invalid` for one that is no http URL or holds credentials. `name` says which
 * setting it is.
 */
export function checkEndpoint(url: string, name: string, allow_insecure: boolean): void {
  const { protocol, hostname, host, username, password } = new URL(url)
  // Whoever writes keys into a URL would find them in every message that names it.
  if (username !== '' || password !== '')
    throw new ExchangeError('config_invalid', `${name} holds a user name or a password.`, {
      hint: 'Keys belong into `auth`, best as `{ env: NAME }` or `{ file: PATH }`.',
    })
  if (protocol === 'https:') return
  if (protocol === 'http:' && (allow_insecure || isLoopback(hostname))) return
  const details = { endpoint: url }
  if (protocol === 'http:') {
    const message = `${name} is plain http to ${host}, which is not this machine.`
    throw new ExchangeError('insecure_endpoint', message, { details })
  }
  throw new ExchangeError('config_invalid', `${name} must be an https or http URL.`, { details })
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  )
}
