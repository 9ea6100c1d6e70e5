/**
 * Reads keys as a page of a listing gives them. They are asked for URL-encoded, as XML cannot write every
 * character, but some servers ignore it: without the mark they come as they are.
 */
export function keyDecoder(page: {
  readonly EncodingType?: string | undefined
}): (key: string) => string {
  if (page.EncodingType !== 'url') return (key) => key
  return (key) => decodeURIComponent(key.replaceAll('+', ' '))
}
