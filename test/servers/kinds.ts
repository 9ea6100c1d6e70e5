import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** A Go program, built from its module at a fixed version. */
export interface GoModule {
  readonly module: string
  readonly version: string
  /** Package inside the module that is the program; the module itself without it. */
  readonly package?: string
}

/** A program of a Python package, in a virtual environment of its own. */
export interface PythonPackage {
  /** As pip takes it, extras included, without the version. */
  readonly requirement: string
  readonly version: string
  /** Installed beside it, as pip takes them, versions included. */
  readonly beside?: readonly string[]
  /** Its program in the environment's `bin`. */
  readonly program: string
}

/** Where one run of a server lives. */
export interface Site {
  readonly binary: string
  /** Empty folder of its own, removed when the server stops. */
  readonly folder: string
  readonly port: number
}

export interface Launch {
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly user?: { readonly uid: number; readonly gid: number }
  /** True once the server serves. */
  ready(): Promise<boolean>
  /** What a client needs; the first one is the URL. */
  readonly settings: { readonly url: string } & Readonly<Record<string, string>>
}

export interface ServerKind {
  readonly build?: GoModule | PythonPackage
  /** Path of a program that a system package brings, or undefined where it is not installed. */
  installed?(): string | undefined
  prepare(site: Site): Launch | Promise<Launch>
}

const HOST = '127.0.0.1'

/** Without `refusals` only success counts; with them any answer that is no fault of the server. */
async function answers(url: string, { refusals = false } = {}): Promise<boolean> {
  try {
    const { ok, status } = await fetch(url, {
      signal: AbortSignal.timeout(2_000),
      redirect: refusals ? 'manual' : 'follow',
    })
    return ok || (refusals && status < 500)
  } catch {
    // Not listening yet: the caller asks again until its own deadline.
    return false
  }
}

/** Every server the tests can run against. To add one, add a row. */
export const SERVER_KINDS = {
  versitygw: {
    build: {
      module: 'github.com/versity/versitygw',
      version: 'v1.8.0',
      package: 'cmd/versitygw',
    },
    prepare({ folder, port }) {
      for (const part of ['root', 'iam', 'versions']) mkdirSync(join(folder, part))
      const [access_key_id, secret_access_key] = ['rootuser', 'rootsecret123']
      const url = `http://${HOST}:${port}`
      return {
        // biome-ignore format: one option a line says less than the whole command
        args: [
          '--port', `${HOST}:${port}`, '--access', access_key_id, '--secret', secret_access_key,
          '--region', 'us-east-1', '--health', '/health', '--iam-dir', join(folder, 'iam'), '--quiet',
          'posix', '--versioning-dir', join(folder, 'versions'), join(folder, 'root'),
        ],
        ready: () => answers(`${url}/health`),
        settings: { url, access_key_id, secret_access_key, region: 'us-east-1' },
      }
    },
  },

  minio: {
    build: {
      module: 'github.com/minio/minio',
      version: 'v0.0.0-20260212201848-7aac2a2c5b7c',
    },
    prepare({ folder, port }) {
      const [access_key_id, secret_access_key] = ['rootuser', 'rootsecret123']
      const url = `http://${HOST}:${port}`
      return {
        args: ['server', '--address', `${HOST}:${port}`, '--quiet', join(folder, 'data')],
        env: {
          MINIO_ROOT_USER: access_key_id,
          MINIO_ROOT_PASSWORD: secret_access_key,
          // Without it a console listens on all addresses.
          MINIO_BROWSER: 'off',
          MINIO_UPDATE: 'off',
          // Without it any signing region is taken.
          MINIO_SITE_REGION: 'us-east-1',
          MINIO_KMS_SECRET_KEY: `testkey:${Buffer.alloc(32).toString('base64')}`,
        },
        // It says that it is ready while the S3 side still answers 503, and refuses unsigned requests later.
        ready: async () =>
          (await answers(`${url}/minio/health/ready`)) && answers(url, { refusals: true }),
        settings: { url, access_key_id, secret_access_key, region: 'us-east-1' },
      }
    },
  },

  moto: {
    build: { requirement: 'moto[server]', version: '5.2.5', program: 'moto_server' },
    prepare({ port }) {
      const url = `http://${HOST}:${port}`
      return {
        args: ['-H', HOST, '-p', String(port)],
        ready: () => answers(`${url}/moto-api/data.json`),
        // It takes any keys.
        settings: {
          url,
          access_key_id: 'any',
          secret_access_key: 'anysecret',
          region: 'us-east-1',
        },
      }
    },
  },

  toxiproxy: {
    build: { module: 'github.com/Shopify/toxiproxy/v2', version: 'v2.5.0', package: 'cmd/server' },
    prepare({ port }) {
      const url = `http://${HOST}:${port}`
      return {
        args: ['-host', HOST, '-port', String(port)],
        env: { LOG_LEVEL: 'error' },
        ready: () => answers(`${url}/version`),
        settings: { url },
      }
    },
  },

  'fake-gcs-server': {
    build: { module: 'github.com/fsouza/fake-gcs-server', version: 'v1.56.1' },
    prepare({ port }) {
      const url = `http://${HOST}:${port}`
      return {
        // biome-ignore format: one option a line says less than the whole command
        args: [
          '-scheme', 'http', '-host', HOST, '-port', String(port), '-backend', 'memory',
          '-external-url', url, '-public-host', `${HOST}:${port}`, '-log-level', 'warn',
        ],
        ready: () => answers(`${url}/_internal/healthcheck`),
        settings: { url },
      }
    },
  },

  s3rver: {
    installed: () => process.execPath,
    prepare({ folder, port }) {
      const program = createRequire(import.meta.url).resolve('s3rver/bin/s3rver.js')
      const url = `http://${HOST}:${port}`
      return {
        args: [program, '--silent', '-d', folder, '-a', HOST, '-p', String(port)],
        // Unsigned, it redirects to its home page.
        ready: () => answers(url, { refusals: true }),
        settings: {
          url,
          access_key_id: 'S3RVER',
          secret_access_key: 'S3RVER',
          region: 'us-east-1',
        },
      }
    },
  },

  postgresql: {
    installed() {
      const base = '/usr/lib/postgresql'
      if (!existsSync(base)) return undefined
      const versions = readdirSync(base).sort((a, b) => Number(b) - Number(a))
      return versions
        .map((version) => join(base, version, 'bin', 'postgres'))
        .find((path) => existsSync(path))
    },
    prepare({ binary, folder, port }) {
      const tool = (name: string) => join(binary, '..', name)
      const user = ordinaryUser()
      if (user !== undefined) chownSync(folder, user.uid, user.gid)
      const data = join(folder, 'data')
      // biome-ignore format: one option a line says less than the whole command
      execFileSync(
        tool('initdb'),
        ['-D', data, '-U', 'app', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C.UTF-8'],
        { ...user, stdio: ['ignore', 'ignore', 'pipe'], cwd: folder },
      )
      return {
        // biome-ignore format: one option a line says less than the whole command
        args: [
          '-D', data, '-p', String(port), '-k', folder, '-c', `listen_addresses=${HOST}`,
          '-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off',
        ],
        ...(user === undefined ? {} : { user }),
        async ready() {
          try {
            execFileSync(tool('pg_isready'), ['-q', '-h', HOST, '-p', String(port)])
            return true
          } catch {
            // Not up yet: the caller asks again until its own deadline.
            return false
          }
        },
        settings: { url: `postgres://app@${HOST}:${port}/postgres` },
      }
    },
  },
} as const satisfies Record<string, ServerKind>

export type ServerName = keyof typeof SERVER_KINDS

/** Programs that tests use beside the servers. */
export const TOOLS = {
  /** MinIO's administration: users and policies have no S3 call. */
  mc: { module: 'github.com/minio/mc', version: 'v0.0.0-20250313080218-cf909e1063a9' },
  /** A source that speaks the Airbyte protocol, as published. */
  'source-faker': {
    requirement: 'airbyte-source-faker',
    version: '7.2.1',
    program: 'source-faker',
  },
  /** Readers of Parquet and Avro that are nobody's of ours. */
  readers: {
    requirement: 'pyarrow',
    version: '26.0.1',
    beside: ['fastavro[codecs]==1.13.1'],
    program: 'python',
  },
} as const satisfies Record<string, GoModule | PythonPackage>

/** PostgreSQL refuses to run as root; its package brings a user for it. */
function ordinaryUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}
