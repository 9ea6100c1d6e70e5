import { z } from 'zod'
import type { S3Auth, S3Store } from '../config.ts'
import { ExchangeError } from '../errors.ts'
import { AirbyteFormat, outputOf, spellFormat } from './airbyte-format.ts'
import { checked } from './checked.ts'
import { DEFAULT_PATH_FORMAT, type Destination } from './destination.ts'
import { destinationOf, FILE_NAME_TEXT, PATH_FORMAT_TEXT, SharedOptions } from './options.ts'

/**
 * The connector's configuration, by the names of the Airbyte S3 destination: what a platform has
 * stored for that one works here. Properties nobody knows are let pass.
 */

/** Regions a form offers. Others are taken too, as S3-compatible servers name their own. */
export const REGIONS = [
  '',
  ...['af-south-1', 'ap-east-1', 'ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3'],
  ...['ap-south-1', 'ap-south-2', 'ap-southeast-1', 'ap-southeast-2', 'ap-southeast-3'],
  ...['ap-southeast-4', 'ca-central-1', 'ca-west-1', 'cn-north-1', 'cn-northwest-1'],
  ...['eu-central-1', 'eu-central-2', 'eu-north-1', 'eu-south-1', 'eu-south-2', 'eu-west-1'],
  ...['eu-west-2', 'eu-west-3', 'il-central-1', 'me-central-1', 'me-south-1', 'sa-east-1'],
  ...['us-east-1', 'us-east-2', 'us-gov-east-1', 'us-gov-west-1', 'us-west-1', 'us-west-2'],
]

const text = (title: string, description: string, more: Readonly<Record<string, unknown>> = {}) =>
  z.string().meta({ title, description, ...more })

const secret = { airbyte_secret: true }

export const AirbyteConfig = z
  .looseObject({
    access_key_id: text(
      'S3 Key ID',
      'Access key id. Without keys and role: the environment, shared files, container or instance role.',
      secret,
    ).optional(),
    secret_access_key: text('S3 Access Key', 'Secret of the access key id.', secret).optional(),
    role_arn: text(
      'Role ARN',
      'ARN of a role to assume: by the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY where they are set, with the external id in AWS_ASSUME_ROLE_EXTERNAL_ID.',
      { examples: ['arn:aws:iam::123456789012:role/writer'] },
    ).optional(),
    s3_bucket_name: text('S3 Bucket Name', 'Name of the bucket.', {
      examples: ['airbyte_sync'],
    }).min(1, 'is empty'),
    s3_bucket_path: text(
      'S3 Bucket Path',
      'Directory in the bucket under which everything is written; variables of the path format work here too.',
      { examples: ['data_sync/test'] },
    ),
    s3_bucket_region: text(
      'S3 Bucket Region',
      'Region of the bucket; may be empty where an endpoint is given.',
      { enum: REGIONS, default: '' },
    ),
    format: AirbyteFormat,
    s3_endpoint: text(
      'Endpoint',
      'URL of an S3-compatible server; empty for AWS. Plain http is refused but for this machine.',
      { default: '', examples: ['http://localhost:9000'] },
    ).optional(),
    s3_path_format: text('S3 Path Format', PATH_FORMAT_TEXT, {
      examples: [DEFAULT_PATH_FORMAT],
    }).optional(),
    file_name_pattern: text('S3 Filename Pattern', FILE_NAME_TEXT, {
      examples: ['{date}', '{date:yyyy_MM}', '{timestamp}', '{part_number}', '{sync_id}'],
    }).optional(),
    ...SharedOptions,
    kms_key_id: text('KMS Key', 'KMS key that objects are encrypted with (SSE-KMS).').optional(),
    session_token: text('Session Token', 'Token of temporary access keys.', secret).optional(),
    external_id: text(
      'External ID',
      'External id for the role; it goes before AWS_ASSUME_ROLE_EXTERNAL_ID.',
      secret,
    ).optional(),
    path_style: z.boolean().optional().meta({
      title: 'Path Style',
      description:
        'Address the bucket in the path, not in the host name; default for endpoints other than AWS’s.',
    }),
    allow_insecure: z.boolean().default(false).meta({
      title: 'Allow Insecure',
      description: 'Permit plain http to a host that is not this machine.',
    }),
  })
  .meta({
    title: 'S3 Destination Spec',
    required: ['s3_bucket_name', 's3_bucket_path', 's3_bucket_region', 'format'],
  })
export type AirbyteConfig = z.output<typeof AirbyteConfig>

type Environment = Readonly<Record<string, string | undefined>>

/** Names the session in the bucket owner's logs and policies, as the Airbyte destination does. */
const SESSION_NAME = 'airbyte-sts-session'

/**
 * Where the configuration sends to, and what. Keys go before a role, a role before the default chain.
 * Throws `config_invalid` for what is missing or does not fit, `codec_unsupported` for LZO.
 */
export function readAirbyteConfig(
  value: unknown,
  env: Environment,
): { readonly store: z.output<typeof S3Store>; readonly destination: Destination } {
  const config = checked(AirbyteConfig, spell(value), 'config_invalid')
  const destination = destinationOf(config, {
    bucket_path: config.s3_bucket_path,
    path_format: config.s3_path_format,
    file_name_pattern: config.file_name_pattern,
    output: outputOf(config.format),
  })
  return { store: storeOf(config, env), destination }
}

/** Properties for which an empty text says something. */
const MAY_BE_EMPTY = ['s3_bucket_name', 's3_bucket_path', 's3_bucket_region', 's3_path_format']

/** Forms send empty texts, and some platforms nulls, for what was left out. */
function spell(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const given = Object.entries(value).filter(
    ([name, each]) => each !== null && (each !== '' || MAY_BE_EMPTY.includes(name)),
  )
  return Object.fromEntries(
    given.map(([name, each]) => [name, name === 'format' ? spellFormat(each) : each]),
  )
}

function storeOf(config: AirbyteConfig, env: Environment): z.output<typeof S3Store> {
  const endpoint = endpointOf(config.s3_endpoint)
  const region = config.s3_bucket_region || (endpoint === undefined ? '' : 'us-east-1')
  if (region === '') {
    throw new ExchangeError('config_invalid', 's3_bucket_region: is empty', {
      hint: 'Only with `s3_endpoint` may the region be left empty.',
    })
  }
  return {
    type: 's3',
    bucket: config.s3_bucket_name,
    prefix: '',
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    force_path_style: config.path_style ?? (endpoint !== undefined && !isAws(endpoint)),
    requester_pays: false,
    ...(config.kms_key_id === undefined ? {} : { sse_kms_key_id: config.kms_key_id }),
    allow_insecure: config.allow_insecure,
    auth: authOf(config, env),
  }
}

/** A host without a scheme is meant as https, as in the SDK the Airbyte destination uses. */
function endpointOf(endpoint: string | undefined): string | undefined {
  if (endpoint === undefined || endpoint.trim() === '') return undefined
  const url = endpoint.includes('://') ? endpoint.trim() : `https://${endpoint.trim()}`
  if (URL.canParse(url)) return url
  throw new ExchangeError('config_invalid', 's3_endpoint: is no URL')
}

const isAws = (endpoint: string): boolean =>
  /(?:^|\.)amazonaws\.com(?:\.cn)?$/i.test(new URL(endpoint).hostname)

function authOf(config: AirbyteConfig, env: Environment): z.output<typeof S3Auth> {
  const { access_key_id, secret_access_key, session_token, role_arn } = config
  if (access_key_id !== undefined && secret_access_key !== undefined) {
    return {
      type: 'access_key',
      access_key_id,
      secret_access_key,
      ...(session_token === undefined ? {} : { session_token }),
    }
  }
  if (access_key_id !== undefined || secret_access_key !== undefined) {
    const lacking = access_key_id === undefined ? 'access_key_id' : 'secret_access_key'
    throw new ExchangeError('config_invalid', `${lacking}: is missing beside the other key`, {
      hint: 'Give both keys, or neither.',
    })
  }
  if (role_arn === undefined) return { type: 'default_chain' }
  const external_id = config.external_id ?? set(env, 'AWS_ASSUME_ROLE_EXTERNAL_ID')
  const source = sourceOf(env)
  return {
    type: 'assume_role',
    role_arn,
    ...(external_id === undefined ? {} : { external_id }),
    session_name: SESSION_NAME,
    ...(source === undefined ? {} : { source }),
  }
}

/** The keys that assume the role; without them the default chain does. */
function sourceOf(env: Environment) {
  const access_key_id = set(env, 'AWS_ACCESS_KEY_ID')
  const secret_access_key = set(env, 'AWS_SECRET_ACCESS_KEY')
  const session_token = set(env, 'AWS_SESSION_TOKEN')
  if (access_key_id === undefined || secret_access_key === undefined) return undefined
  return {
    access_key_id,
    secret_access_key,
    ...(session_token === undefined ? {} : { session_token }),
  }
}

const set = (env: Environment, name: string): string | undefined => env[name] || undefined
