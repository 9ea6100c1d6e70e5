import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Config, PresetName } from './core/config.ts'
import { FeedSettings } from './core/config.ts'
import { ExchangeError } from './core/errors.ts'
import type { Feed } from './core/feed.ts'
import { parseContract } from './core/odcs/odcs.ts'
import { resolveFeed } from './core/resolve-feed.ts'
import { readPreset } from './exchange/contract/read-preset.ts'

/** A feed that only a contract or a preset describes, for files that belong to no feed yet. */
export async function contractFeed(
  request: { readonly preset?: string; readonly contract?: string },
  cwd: string,
): Promise<Feed> {
  if (request.preset === undefined && request.contract === undefined)
    throw new ExchangeError(
      'usage',
      'Files are checked against a feed, a preset or a contract: name one.',
      {
        hint: 'bucketline validate FEED FILE…, or --preset NAME, or --contract FILE.',
      },
    )
  const settings = FeedSettings.parse({
    store: 'none',
    ...(request.preset === undefined
      ? { layout: '{yyyy}-{MM}-{dd}/{file}' }
      : { preset: request.preset }),
    ...(request.contract === undefined ? {} : { contract: resolve(cwd, request.contract) }),
  })
  return feedOf('files', settings, undefined, cwd)
}

/** As `readFeed`, without the contract's text. */
export const feedOf = async (...args: Parameters<typeof readFeed>): Promise<Feed> =>
  (await readFeed(...args)).feed

/** Settles a feed's settings: reads its contract and its preset. Throws `config_invalid` or `contract_invalid`. */
export async function readFeed(
  name: string,
  settings: FeedSettings,
  config: Config | undefined,
  base_dir: string,
): Promise<{ readonly feed: Feed; readonly text: string }> {
  const store =
    config !== undefined && Object.hasOwn(config.stores, settings.store)
      ? config.stores[settings.store]
      : undefined
  if (config !== undefined && store === undefined)
    throw new ExchangeError(
      'config_invalid',
      `Feed ${name} names the store ${settings.store}, which is not configured.`,
      {
        hint: `The stores are: ${Object.keys(config.stores).join(', ') || 'none yet'}.`,
      },
    )
  if (settings.contract === undefined && settings.preset === undefined)
    throw new ExchangeError('config_invalid', `Feed ${name} has neither a contract nor a preset.`, {
      hint: 'Give it `preset: NAME` or `contract: PATH`; `bucketline contract import FILE` drafts one.',
    })
  const preset =
    settings.preset === undefined ? undefined : await readPreset(settings.preset as PresetName)
  const own =
    settings.contract === undefined
      ? undefined
      : await readContractFile(resolve(base_dir, settings.contract)).catch((cause: unknown) => {
          throw named(`Feed ${name}`, cause)
        })
  const source = own ?? preset
  if (source === undefined) throw new Error('a contract or a preset was read')
  try {
    const feed = resolveFeed(name, settings, {
      contract: source.contract,
      contract_text: source.text,
      store_prefix: store?.prefix ?? '',
      hash: (text) => createHash('sha256').update(text).digest('hex').slice(0, 16),
      ...(preset === undefined ? {} : { preset: preset.delivery }),
    })
    return { feed, text: source.text }
  } catch (cause) {
    throw named(`Feed ${name}`, cause)
  }
}

/** Says of what part of the configuration an error is, where it does not say so itself. */
export function named(part: string, cause: unknown): unknown {
  if (!(cause instanceof ExchangeError) || cause.message.startsWith(part)) return cause
  const { code, hint, retryable, details } = cause
  return new ExchangeError(code, `${part}: ${cause.message}`, { hint, retryable, details, cause })
}

async function readContractFile(path: string) {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ExchangeError('contract_invalid', `There is no contract ${path}.`, {
      cause,
      hint: 'Paths are relative to the configuration file.',
    })
  })
  return { text, ...parseContract(text, path) }
}
