import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readCatalog } from '../../core/destination/catalog.ts'
import type { Stream } from '../../core/destination/stream.ts'
import { ExchangeError } from '../../core/errors.ts'
import {
  isJsonObject,
  type JsonObject,
  jsonText,
  parseExact,
} from '../../core/records/exact-json.ts'
import type { SyncState } from '../../ledger/ledger.ts'
import { type ProcessOptions, runSource } from './airbyte-process.ts'
import type { DiscoveredStream } from './catalog-of.ts'
import { type Digest, emptySource, type SyncSource, scopeOf } from './sync-source.ts'

export interface AirbyteOptions extends Omit<ProcessOptions, 'log' | 'late' | 'signal'> {
  /** The source's configuration, secrets filled in. */
  readonly config: unknown
  /** Folder on local disk for documents, this process's own. */
  readonly dir: string
  readonly digest: Digest
}

/** Asks a source for its streams. Throws `source_failed`. */
export async function discoverStreams(
  options: AirbyteOptions & Pick<ProcessOptions, 'log' | 'signal'>,
): Promise<readonly DiscoveredStream[]> {
  await using documents = await writeDocuments(options.dir, { config: options.config })
  await using source = await runSource({
    ...options,
    command: [...options.command, 'discover', ...documents.words],
    late: (message) => options.log('WARN', message),
  })
  let found: readonly DiscoveredStream[] | undefined
  for await (const line of linesOf(source.output)) {
    const message = messageOf(line)
    if (message?.type === 'CATALOG') found = message.catalog?.streams
    else source.other(line, message?.type)
  }
  const failed = await source.ended(found !== undefined)
  if (found !== undefined && failed === undefined) return found
  throw new ExchangeError('source_failed', failed ?? 'The source did not say which streams it has.')
}

/** A source that speaks the Airbyte protocol, with the configured catalog it is handed. */
export function airbyteSource(catalog: unknown, options: AirbyteOptions): SyncSource {
  const { streams } = readCatalog(catalog)
  const configured = (catalog as Catalog).streams
  const resumed = new Set(
    [...streams.keys()].filter((index) => configured[index]?.sync_mode === 'incremental'),
  )
  const scope = (stream: Stream) => scopeOfStream(stream, options.digest)
  return {
    streams,
    resumed,
    repeatable: true,
    without: (left_out) => {
      const kept = configured.filter((_, index) => !left_out.has(index))
      if (kept.length === 0) return emptySource
      return airbyteSource({ ...(catalog as Catalog), streams: kept }, options)
    },
    async open(states, { signal, log, note }) {
      const scopes = new Set(streams.filter((_, index) => resumed.has(index)).map(scope))
      const state = resumed.size === 0 ? undefined : stateDocument(states, scopes)
      const documents = await writeDocuments(options.dir, {
        config: options.config,
        catalog,
        ...(state === undefined ? {} : { state }),
      })
      try {
        const source = await runSource({
          ...options,
          signal,
          log,
          late: (message) => note({ code: 'source_ended', count: 1, message }),
          command: [...options.command, 'read', ...documents.words],
        })
        return {
          messages: source.output,
          other: source.other,
          ended: source.ended,
          stateOf: (raw) => stateOf(raw, options.digest),
          statesOfWhole: () => [],
          async [Symbol.asyncDispose]() {
            await source[Symbol.asyncDispose]()
            await documents[Symbol.asyncDispose]()
          },
        }
      } catch (error) {
        await documents[Symbol.asyncDispose]()
        throw error
      }
    },
  }
}

interface Catalog {
  readonly streams: readonly { readonly sync_mode?: string }[]
}

/** Files for a source's arguments, which hold its secrets: only this user may read them, and only for a while. */
async function writeDocuments(dir: string, documents: Readonly<Record<string, unknown>>) {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const words: string[] = []
  const paths: string[] = []
  for (const [name, document] of Object.entries(documents)) {
    const path = join(dir, `${name}.json`)
    const text = typeof document === 'string' ? document : JSON.stringify(document)
    await writeFile(path, text, { mode: 0o600 })
    words.push(`--${name}`, path)
    paths.push(path)
  }
  return {
    words,
    async [Symbol.asyncDispose]() {
      for (const path of paths) await rm(path, { force: true })
    },
  }
}

/** What the ledger keeps of a STATE message: what the source is handed back, without counts. Digits stay. */
function stateOf(raw: string, digest: Digest): SyncState {
  const message = parseExact(raw)
  const state = isJsonObject(message) ? message.state : undefined
  if (state === undefined || !isJsonObject(state)) throw new Error('a state message was taken')
  const { stream, global, data } = state
  if (state.type === 'STREAM' && stream !== undefined && isJsonObject(stream)) {
    const { name, namespace } = stream.stream_descriptor as JsonObject
    return {
      scope: scopeOfStream(
        { name: String(name), ...(typeof namespace === 'string' ? { namespace } : {}) },
        digest,
      ),
      state: jsonText({ type: 'STREAM', stream }),
    }
  }
  if (state.type === 'GLOBAL' && global !== undefined)
    return { scope: 'global', state: jsonText({ type: 'GLOBAL', global }) }
  return { scope: 'global', state: jsonText({ type: 'LEGACY', data: data ?? null }) }
}

const scopeOfStream = ({ name, namespace }: Pick<Stream, 'name' | 'namespace'>, digest: Digest) =>
  scopeOf('stream', JSON.stringify(namespace === undefined ? [name] : [namespace, name]), digest)

/** The states as a source takes them: a list, or the one blob of the protocol before streams had their own. */
function stateDocument(states: readonly SyncState[], scopes: ReadonlySet<string>) {
  const wanted = states.filter(({ scope }) => scope === 'global' || scopes.has(scope))
  const [first] = wanted
  if (first === undefined) return undefined
  const legacy = parseExact(first.state) as JsonObject
  if (first.scope === 'global' && legacy.type === 'LEGACY') return jsonText(legacy.data ?? null)
  return `[${wanted.map(({ state }) => state).join(',')}]`
}

async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const piece of input) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') yield line
  }
  if (rest.trim() !== '') yield rest
}

interface Message {
  readonly type?: string
  readonly catalog?: { readonly streams: readonly DiscoveredStream[] }
}

function messageOf(line: string): Message | undefined {
  try {
    const message = JSON.parse(line) as unknown
    return typeof message === 'object' && message !== null ? (message as Message) : undefined
  } catch {
    // Not every source keeps standard output clean.
    return undefined
  }
}
