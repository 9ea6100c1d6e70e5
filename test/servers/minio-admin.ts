import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildProgram } from './build.ts'
import { TOOLS } from './kinds.ts'
import type { RunningServer } from './launch.ts'

/** What `mc` calls the server; its address and keys come in `MC_HOST_<alias>`, so there is no file of them. */
const ALIAS = 'minio'

export interface AccessKey {
  readonly access_key_id: string
  readonly secret_access_key: string
}

export interface MinioAdmin {
  makeBucket(
    name: string,
    options?: { readonly versioning?: boolean; readonly lock?: boolean },
  ): Promise<void>
  /** Named users may do nothing until a policy is attached to them. Secrets have 8 characters or more. */
  addUser(name: string, secret: string): Promise<AccessKey>
  enableUser(name: string): Promise<void>
  /** Its keys are unknown from now on; those of its service accounts are denied. */
  disableUser(name: string): Promise<void>
  removeUser(name: string): Promise<void>
  /** An IAM policy without `Principal`; one of that name is replaced, also where it is attached. */
  setPolicy(name: string, document: unknown): Promise<void>
  removePolicy(name: string): Promise<void>
  attach(policy: string, user: string): Promise<void>
  detach(policy: string, user: string): Promise<void>
  /** Keys of their own that act as the user, and at most as `document` permits. */
  addServiceAccount(user: string, key: AccessKey, document?: unknown): Promise<AccessKey>
  /** Everything else that `mc` can do: `mc('version', 'enable')` acts as typed; `minio/` names the server. */
  mc(...args: string[]): Promise<string>
}

/** Administers a running MinIO through `mc`, a process a call of about 0.2 s; changes hold at once. */
export function minioAdmin(server: Pick<RunningServer, 'settings'>): MinioAdmin {
  const { url, access_key_id = '', secret_access_key = '' } = server.settings
  const address = new URL(url)
  address.username = access_key_id
  address.password = secret_access_key

  /** Documents are handed over as files. */
  async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(tmpdir(), 'bucketline-mc-'))
    try {
      return await work(folder)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  async function runMc(folder: string, args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(await buildProgram('mc', TOOLS.mc), args, {
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        MC_CONFIG_DIR: join(folder, 'config'),
        [`MC_HOST_${ALIAS}`]: address.href,
      },
    })
    return stdout
  }

  const mc = (...args: string[]) => inFolder((folder) => runMc(folder, args))
  const admin = async (...args: string[]) => void (await mc('admin', ...args))

  return {
    mc,
    async makeBucket(name, { versioning = false, lock = false } = {}) {
      const flags = [...(versioning ? ['--with-versioning'] : []), ...(lock ? ['--with-lock'] : [])]
      await mc('mb', ...flags, `${ALIAS}/${name}`)
    },
    async addUser(name, secret) {
      await admin('user', 'add', ALIAS, name, secret)
      return { access_key_id: name, secret_access_key: secret }
    },
    enableUser: (name) => admin('user', 'enable', ALIAS, name),
    disableUser: (name) => admin('user', 'disable', ALIAS, name),
    removeUser: (name) => admin('user', 'remove', ALIAS, name),
    setPolicy: (name, document) =>
      inFolder(async (folder) => {
        const file = join(folder, 'policy.json')
        await writeFile(file, JSON.stringify(document))
        await runMc(folder, ['admin', 'policy', 'create', ALIAS, name, file])
      }),
    removePolicy: (name) => admin('policy', 'remove', ALIAS, name),
    attach: (policy, user) => admin('policy', 'attach', ALIAS, policy, '--user', user),
    detach: (policy, user) => admin('policy', 'detach', ALIAS, policy, '--user', user),
    addServiceAccount: (user, key, document) =>
      inFolder(async (folder) => {
        const file = join(folder, 'policy.json')
        if (document !== undefined) await writeFile(file, JSON.stringify(document))
        // biome-ignore format: one option a line says less than the whole command
        await runMc(folder, [
          'admin', 'user', 'svcacct', 'add', ALIAS, user,
          '--access-key', key.access_key_id, '--secret-key', key.secret_access_key,
          ...(document === undefined ? [] : ['--policy', file]),
        ])
        return key
      }),
  }
}
