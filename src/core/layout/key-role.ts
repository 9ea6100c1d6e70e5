import { ExchangeError } from '../errors.ts'
import type { Partition } from '../partition.ts'
import type { CompletionSettings } from '../settings.ts'
import { globPattern } from './glob.ts'
import {
  hasDirectories,
  type Layout,
  type ParsedDirectory,
  parseDirectory,
  parseKey,
  type StrayReason,
  type VariableValues,
} from './layout.ts'

/** What a key under a feed's prefix is to the feed. */
export type KeyRole =
  | {
      readonly role: 'data' | 'marker' | 'manifest'
      readonly partition: Partition
      readonly variables: VariableValues
    }
  | { readonly role: 'ignored'; readonly by: string }
  | { readonly role: 'stray'; readonly reason: StrayReason }

export type DirectoryRole =
  | { readonly role: 'directory'; readonly directory: ParsedDirectory }
  | { readonly role: 'ignored'; readonly by: string }
  | { readonly role: 'stray'; readonly reason: StrayReason }

/** Reads keys and directories relative to the feed's prefix. */
export interface KeyReader {
  key(key: string, size: number, now: Date): KeyRole
  /** A directory ends in `/`. */
  directory(directory: string, now: Date): DirectoryRole
}

/**
 * What writers leave beside their data: Hadoop's and Spark's temporary folders, commit files,
 * checksums and folder markers, Parquet's summaries, uploads under way, hidden files.
 */
export const DEFAULT_IGNORE: readonly string[] = [
  '_temporary',
  '_SUCCESS',
  '_committed_*',
  '_started_*',
  '_metadata',
  '_common_metadata',
  '*.crc',
  '.*',
  '*.tmp',
  '*.part',
  '*._COPYING_',
  '*_$folder$',
]

interface IgnoreRule {
  readonly glob: string
  readonly pattern: RegExp
}

/** What decides the role of a key; a `Feed` has it all. */
export interface KeyRules {
  readonly layout: Layout
  readonly completion: CompletionSettings
  /** Globs relative to the feed's prefix, besides `DEFAULT_IGNORE`. */
  readonly ignore: readonly string[]
}

/**
 * Compiles the rules. Throws `config_invalid` for a glob that is none, and `layout_invalid` where the
 * completion needs a directory per partition and the layout has none.
 */
export function keyReader(rules: KeyRules): KeyReader {
  const { layout, completion } = rules
  const ignore = [...DEFAULT_IGNORE, ...rules.ignore].map(ignoreRule)
  const control = completion.type === 'marker' || completion.type === 'manifest' ? completion : null
  if (control !== null && !hasDirectories(layout)) {
    throw new ExchangeError(
      'layout_invalid',
      `The layout "${layout.template}" has no directory per partition in which a ${control.type} could lie.`,
      { hint: 'Let the time end in a directory, or use completion `immediate` or `quiet_period`.' },
    )
  }

  const ignoredBy = (path: string) => ignore.find(({ pattern }) => pattern.test(path))?.glob

  const controlRole = (key: string, now: Date): KeyRole | undefined => {
    if (control === null) return undefined
    const slash = key.lastIndexOf('/')
    if (key.slice(slash + 1) !== control.name) return undefined
    const read = parseDirectory(layout, key.slice(0, slash + 1), now)
    if ('code' in read) return { role: 'stray', reason: read }
    const { partition, variables } = read
    return partition === undefined
      ? { role: 'ignored', by: control.name }
      : { role: control.type, partition, variables }
  }

  return {
    key(key, size, now) {
      // Consoles and tools make empty objects whose key ends in `/` to show a folder.
      if (key === '' || (key.endsWith('/') && size === 0)) return { role: 'ignored', by: '*/' }
      const role = controlRole(key, now)
      if (role !== undefined) return role
      const by = ignoredBy(key)
      if (by !== undefined) return { role: 'ignored', by }
      const read = parseKey(layout, key, now)
      if ('code' in read) return { role: 'stray', reason: read }
      return { role: 'data', partition: read.partition, variables: read.variables }
    },
    directory(directory, now) {
      const by = ignoredBy(directory)
      if (by !== undefined) return { role: 'ignored', by }
      const read = parseDirectory(layout, directory, now)
      return 'code' in read
        ? { role: 'stray', reason: read }
        : { role: 'directory', directory: read }
    },
  }
}

function ignoreRule(glob: string): IgnoreRule {
  try {
    return { glob, pattern: globPattern(glob) }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new ExchangeError('config_invalid', `The glob ${error.message}.`, { cause: error })
  }
}

/** What every key of a feed starts with: its prefix, ending in `/` unless it is empty. */
export function keyBase(prefix: string): string {
  return prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
}
