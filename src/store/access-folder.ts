import { resolve } from 'node:path'
import type { StoreSettings } from '../core/config.ts'
import {
  type Access,
  type AccessOptions,
  chosen,
  failure,
  listedText,
  PAGE,
  PROBE_TEXT,
  type Probe,
  probeKey,
} from './access.ts'
import { openLocal } from './local.ts'
import { openMemory } from './memory.ts'
import type { StoreEnvironment } from './open-store.ts'
import { isKeyPrefix, type ObjectInfo, type ObjectStore } from './store.ts'

type LocalSettings = Extract<StoreSettings, { type: 'local' }>

/** The steps of a local folder; without settings of a store in memory, which is always there and empty. */
export async function folderAccess(
  settings: LocalSettings | undefined,
  env: StoreEnvironment,
  options: AccessOptions,
): Promise<Access> {
  const path = settings === undefined ? 'memory:' : resolve(env.base_dir, settings.path)
  const url = settings === undefined ? `memory:${options.prefix}` : `${path}/${options.prefix}`
  const key = probeKey(options.prefix)
  let store: ObjectStore | undefined
  let listed: { objects: ObjectInfo[]; more: boolean } | undefined
  let written = false

  const opened = () => {
    if (store === undefined) throw new Error('asked before `folder`')
    return store
  }
  const folder: Probe = {
    step: 'folder',
    asked: path,
    async run() {
      store = settings === undefined ? openMemory() : await openLocal(path)
      return { result: 'ok', detail: settings === undefined ? 'kept in this process' : path }
    },
  }
  const list: Probe = {
    step: 'list',
    asked: url,
    after: ['folder'],
    async run(signal) {
      const objects: ObjectInfo[] = []
      let more = false
      for await (const entry of opened().list(options.prefix, { signal })) {
        if (isKeyPrefix(entry)) continue
        more = objects.length === PAGE
        if (more) break
        objects.push(entry)
      }
      listed = { objects, more }
      return { result: 'ok', detail: listedText(objects.length, more, url) }
    },
  }
  const get: Probe = {
    step: 'get',
    asked: url,
    after: ['list'],
    async run(signal) {
      const object = chosen(listed?.objects ?? [], options.prefers)
      if (object === undefined) return { result: 'skipped', detail: 'there is no file to read' }
      const asked = `${path}/${object.key}`
      try {
        await (await opened().read(object.key, { signal, range: { start: 0, end: 0 } })).cancel()
      } catch (error) {
        signal.throwIfAborted()
        return { ...failure(error), asked }
      }
      return { result: 'ok', detail: object.key, asked }
    },
  }
  const put: Probe = {
    step: 'put',
    asked: `${path}/${key}`,
    after: ['folder'],
    async run(signal) {
      await opened().write(key, new TextEncoder().encode(PROBE_TEXT), { if_absent: true, signal })
      written = true
      return { result: 'ok', detail: key }
    },
  }
  const remove: Probe = {
    step: 'delete',
    asked: `${path}/${key}`,
    after: ['put'],
    async run(signal) {
      await opened().delete([key], { signal })
      written = false
      return { result: 'ok', detail: 'the probe file is gone again' }
    },
  }
  return {
    url,
    probes: [folder, list, get, ...(options.write ? [put, remove] : [])],
    listed: () => listed,
    async tidy(signal) {
      if (!written || store === undefined) return undefined
      try {
        await store.delete([key], { signal })
        return undefined
      } catch {
        // The step `delete` has said why, or nobody waits for it any more.
        return `${path}/${key}`
      }
    },
    async [Symbol.asyncDispose]() {
      await store?.[Symbol.asyncDispose]()
    },
  }
}
