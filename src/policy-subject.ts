import type { Config } from './core/config.ts'
import { ExchangeError } from './core/errors.ts'
import type { Feed } from './core/feed.ts'
import { keyBase } from './core/layout/key-role.ts'
import type { PolicySubject } from './core/policy/generate.ts'

const EXAMPLE_TIME: Readonly<Record<string, string>> = {
  yyyy: '2023',
  MM: '01',
  dd: '01',
  HH: '00',
  mm: '00',
  file: 'part-0',
}

/** What an access policy for a feed has to know. Throws `usage` for a feed in no bucket. */
export function policySubject(feed: Feed, settings: Config['stores'][string]): PolicySubject {
  if (settings.type !== 's3' && settings.type !== 'gcs') {
    throw new ExchangeError(
      'usage',
      `Feed ${feed.name} lies in ${feed.store}, a store of type ${settings.type}, which takes no policy.`,
      { hint: 'Policies are for stores of type s3 and gcs.' },
    )
  }
  const { type, bucket, auth } = settings
  return {
    name: feed.name,
    store: feed.store,
    type,
    bucket,
    base: keyBase(feed.prefix),
    example: feed.layout.template.replace(
      /\{(\w+)\}/g,
      (_, name: string) => EXAMPLE_TIME[name] ?? name,
    ),
    auth: auth.type,
    ...(settings.type === 'gcs' ? {} : { region: settings.region }),
    ...(settings.type === 'gcs' || settings.sse_kms_key_id === undefined
      ? {}
      : { kms_key: settings.sse_kms_key_id }),
    ...(auth.type === 'assume_role' ? { has_external_id: auth.external_id !== undefined } : {}),
  }
}
