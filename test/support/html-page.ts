/** Reading a page that this product wrote: stricter than a browser, which forgives everything. */

export interface PageElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  /** Text inside, entities resolved. */
  readonly text: string
}

const VOID = new Set(['meta', 'link', 'input', 'br', 'hr'])
const tag = /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*>/g

const resolved = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')

/** Every element in order. Throws on tags that do not match and on markup that is none. */
export function elementsOf(page: string): PageElement[] {
  const body = page.replace(/^<!doctype html>\n/, '').replace(/<style>[\s\S]*?<\/style>/, '')
  const elements: {
    name: string
    attributes: Record<string, string>
    start: number
    text: string
  }[] = []
  const open: typeof elements = []
  let end = 0
  const plain = (text: string) => {
    if (/[<>]|&(?!(?:amp|lt|gt|quot|#39);)/.test(text))
      throw new Error(`not markup: ${text.slice(0, 200)}`)
  }
  for (const match of body.matchAll(tag)) {
    plain(body.slice(end, match.index))
    end = match.index + match[0].length
    const [, closing, name = '', rest = ''] = match
    if (closing === '/') {
      const last = open.pop()
      if (last?.name !== name) throw new Error(`</${name}> closes ${last?.name}`)
      last.text = resolved(body.slice(last.start, match.index).replace(tag, ''))
      continue
    }
    const attributes: Record<string, string> = {}
    for (const [, attribute = '', value = ''] of rest.matchAll(/([a-z-]+)(?:="([^"]*)")?/g)) {
      plain(value)
      attributes[attribute] = resolved(value)
    }
    const element = { name, attributes, start: end, text: '' }
    elements.push(element)
    if (!VOID.has(name)) open.push(element)
  }
  plain(body.slice(end))
  if (open.length > 0) throw new Error(`not closed: ${open.map(({ name }) => name).join(', ')}`)
  return elements.map(({ name, attributes, text }) => ({ name, attributes, text }))
}

/** What a reader sees of the body. */
export const textOf = (page: string): string =>
  elementsOf(page).find(({ name }) => name === 'body')?.text ?? ''
