/** A manifest names the parts of a partition. Several common shapes are read. */

export interface ManifestEntry {
  /** Key in the bucket. */
  readonly key: string
  readonly size?: number
  /** ETag without quotes. */
  readonly etag?: string
}

export type Manifest = { readonly entries: readonly ManifestEntry[] } | { readonly invalid: string }

interface Named {
  readonly name: string
  readonly size?: number
  readonly etag?: string
}

const list_names = ['files', 'objects', 'entries', 'parts']
const entry_names = ['key', 'path', 'url', 'uri', 'name', 'file']

/**
 * Reads a manifest: a JSON list, a JSON object with a list `files`, `objects`, `entries` or `parts`
 * (of names, or of objects with `key`, `path`, `url` … and perhaps `size` and `etag`), or one name
 * a line. Names are relative to the manifest's directory, whole keys below `base`, or `s3://` and
 * `gs://` URLs. `key` is the manifest's own.
 */
export function parseManifest(
  text: string,
  place: { readonly key: string; readonly base: string },
): Manifest {
  const names = /^\s*[[{]/.test(text) ? jsonNames(text) : lineNames(text)
  if (typeof names === 'string') return { invalid: names }
  if (names.length === 0) return { invalid: 'it names no object' }
  const directory = place.key.slice(0, place.key.lastIndexOf('/') + 1)
  const entries: ManifestEntry[] = []
  for (const { name, ...facts } of names) {
    const key = keyOf(name, directory, place.base)
    if (key === undefined) return { invalid: `"${name}" is not a name below ${directory}` }
    entries.push({ key, ...facts })
  }
  return { entries }
}

function lineNames(text: string): Named[] | string {
  if (text.includes('\0')) return 'it is neither JSON nor a list of names'
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((name) => ({ name }))
}

function jsonNames(text: string): Named[] | string {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return `it is not valid JSON: ${error.message}`
    throw error
  }
  const list = Array.isArray(document) ? document : listIn(document)
  if (list === undefined) return `it has no list ${list_names.join(', ')}`
  const names: Named[] = []
  for (const [index, item] of list.entries()) {
    const named = typeof item === 'string' ? { name: item } : namedIn(item)
    if (named === undefined || named.name === '') return `its entry ${index + 1} names no object`
    names.push(named)
  }
  return names
}

function listIn(document: unknown): unknown[] | undefined {
  if (typeof document !== 'object' || document === null) return undefined
  const fields = new Map(Object.entries(document))
  const lists = list_names.map((name) => fields.get(name))
  return lists.find((list) => Array.isArray(list))
}

function namedIn(item: unknown): Named | undefined {
  if (typeof item !== 'object' || item === null) return undefined
  const fields = new Map(Object.entries(item))
  const name = entry_names.map((field) => fields.get(field)).find((v) => typeof v === 'string')
  if (name === undefined) return undefined
  const size = [...['size', 'bytes', 'content_length'], 'contentLength']
    .map((field) => fields.get(field))
    .find((value) => typeof value === 'number')
  const etag = fields.get('etag') ?? fields.get('eTag')
  return {
    name,
    ...(size === undefined ? {} : { size }),
    ...(typeof etag === 'string' ? { etag: etag.replaceAll('"', '') } : {}),
  }
}

/** The bucket of a URL is not compared: a copied delivery keeps the manifest of where it came from. */
function keyOf(name: string, directory: string, base: string): string | undefined {
  const url = /^[a-z0-9]+:\/\/[^/]*\/(.*)$/i.exec(name)
  const path = (url?.[1] ?? name).replace(/^(\.?\/)+/, '')
  if (path === '' || path.split('/').includes('..')) return undefined
  if (path.startsWith(directory)) return path
  if (url !== null) return path.startsWith(base) ? path : undefined
  if (base !== '' && path.startsWith(base)) return path
  return `${directory}${path}`
}
