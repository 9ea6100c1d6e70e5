import type { BigIntStats } from 'node:fs'
import { sep } from 'node:path'
import { ExchangeError } from '../core/errors.ts'
import { checkKey, keyInvalid } from './keys.ts'
import type { ObjectInfo } from './store.ts'

/** Start of the names of files being written; no key may have such a segment and no listing shows one. */
export const TEMP_PREFIX = '.bucketline-tmp-'

const MAX_SEGMENT_BYTES = 255
/** PATH_MAX of Linux; what the folder's own path takes of it shows as ENAMETOOLONG. */
const MAX_PATH_BYTES = 4096

/** Throws `key_invalid` for a key that is no plain relative path below the folder. */
export function checkPathKey(key: string): void {
  checkKey(key, MAX_PATH_BYTES)
  if (key.endsWith('/')) throw keyInvalid(key, 'ends in a slash, which a folder store cannot hold')
  checkSegments(key, key.split('/'))
}

/** Throws `key_invalid` where a prefix names a place that is not below the folder. */
export function checkPathPrefix(prefix: string): void {
  if (prefix.includes('\0')) throw keyInvalid(prefix, 'holds a NUL character')
  checkSegments(prefix, prefix.split('/').slice(0, -1))
}

function checkSegments(key: string, segments: readonly string[]): void {
  for (const segment of segments) {
    if (segment === '') throw keyInvalid(key, 'has an empty segment, which a folder cannot hold')
    if (segment === '.' || segment === '..') {
      throw keyInvalid(key, `has the segment "${segment}", which could lead out of the folder`)
    }
    if (sep !== '/' && segment.includes(sep)) throw keyInvalid(key, `holds "${sep}"`)
    if (segment.startsWith(TEMP_PREFIX)) {
      throw keyInvalid(
        key,
        `has a segment that starts with "${TEMP_PREFIX}", kept for unfinished writes`,
      )
    }
    if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES) {
      throw keyInvalid(key, `has a segment longer than ${MAX_SEGMENT_BYTES} bytes`)
    }
  }
}

/** The facts of a file as an object; size, modification time in ns and inode make the version. */
export function infoOf(key: string, stats: BigIntStats): ObjectInfo {
  const version = [stats.size, stats.mtimeNs, stats.ino].map((n) => n.toString(36)).join('-')
  return { key, size: Number(stats.size), version, modified_at: stats.mtime }
}

/** Whether a real path is the folder itself or below it. */
export function isWithin(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)
}

export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'errno' in error && 'code' in error
    ? String(error.code)
    : undefined
}

/** Nothing is there: missing, or a file where a folder would have to be, or a link that leads in circles. */
export function isAbsence(error: unknown): boolean {
  const errno = errnoOf(error)
  return errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'ELOOP' || errno === 'ENAMETOOLONG'
}

/** The coded error for a failed file operation; `action` completes "could not …". */
export function folderError(error: unknown, action: string, path: string): unknown {
  const errno = errnoOf(error)
  if (errno === undefined) return error
  const message = `Could not ${action} ${path}: ${errno}.`
  const details = { path, errno }
  if (errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS') {
    const hint = 'Give this user the permission, or choose another folder.'
    return new ExchangeError('access_denied', message, { cause: error, details, hint })
  }
  const hint =
    errno === 'ENOSPC' || errno === 'EDQUOT'
      ? 'Free space on the file system that holds the folder.'
      : 'Check the file system that holds the folder.'
  return new ExchangeError('store_unavailable', message, { cause: error, details, hint })
}

/** As `folderError`, naming the ways in which a file system cannot hold a key. */
export function writeError(error: unknown, path: string, key: string): unknown {
  switch (errnoOf(error)) {
    case 'ENOTDIR':
    case 'EEXIST':
      return keyInvalid(
        key,
        'lies below a key that is an object, which a folder cannot hold',
        error,
      )
    case 'EISDIR':
    case 'ENOTEMPTY':
      return keyInvalid(key, 'is a folder that other keys lie in', error)
    case 'ENAMETOOLONG':
      return keyInvalid(key, 'makes a path too long for the file system', error)
    default:
      return folderError(error, 'write', path)
  }
}

export function storeNotFound(folder: string, cause?: unknown): ExchangeError {
  return new ExchangeError('store_not_found', `There is no folder ${folder}.`, {
    details: { path: folder },
    ...(cause === undefined ? {} : { cause }),
  })
}
