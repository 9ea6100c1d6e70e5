/** Carries an id of the write, so that a write whose answer was lost is known again as one's own. */
export const WRITE_ID = 'bucketline-write'

/** Metadata travels in HTTP headers, which are ASCII: other text as an RFC 2047 encoded word, as S3 itself returns it. */
export function encodeMetadata(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [
      name,
      /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !value.startsWith('=?')
        ? value
        : `=?UTF-8?B?${Buffer.from(value).toString('base64')}?=`,
    ]),
  )
}

/** Reverses `encodeMetadata` and leaves out the store's own entry; undefined where nothing is left. */
export function decodeMetadata(
  metadata: Readonly<Record<string, string>> | undefined,
): Record<string, string> | undefined {
  const entries = Object.entries(metadata ?? {}).flatMap(([name, value]) => {
    if (name === WRITE_ID) return []
    const encoded = /^=\?UTF-8\?B\?([A-Za-z0-9+/=]*)\?=$/i.exec(value)?.[1]
    return [[name, encoded === undefined ? value : Buffer.from(encoded, 'base64').toString('utf8')]]
  })
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}
