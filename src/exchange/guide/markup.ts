/** HTML that is safe to put into a page: made by `html`, which escapes whatever it is given. */
export interface Markup {
  readonly html: string
}

/** What can stand in a template; text is escaped, absent parts leave nothing. */
export type Part = Markup | string | number | undefined | false | readonly Part[]

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** A character that HTML cannot hold, or that turns the direction of what follows it, as people write it. */
const visible = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Text for element content and quoted attributes. */
export function escapeHtml(text: string): string {
  return (
    text
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to be shown
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, visible)
      .replace(/[&<>"']/g, (sign) => escapes[sign] ?? sign)
  )
}

/** A template of markup. Every value that is no markup itself is escaped. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const text = strings.map((literal, at) => literal + (at < parts.length ? written(parts[at]) : ''))
  return { html: text.join('') }
}

/** Parts with something between them. */
export const joined = (parts: readonly Part[], between: Part = ' '): Markup => ({
  html: parts.map(written).join(written(between)),
})

function written(part: Part): string {
  if (part === undefined || part === false) return ''
  if (typeof part === 'string') return escapeHtml(part)
  if (typeof part === 'number') return String(part)
  return 'html' in part ? part.html : part.map(written).join('')
}

export const code = (text: string): Markup => html`<code>${text}</code>`

/** Names as code, with commas between them. */
export const codes = (names: readonly string[]): Markup => joined(names.map(code), ', ')

/** Lines to read or copy; scrolls by itself where they are long, also by keyboard. */
export const block = (label: string, lines: string): Markup =>
  html`<pre tabindex="0" role="region" aria-label="${label}"><code>${lines.replace(/\n$/, '')}</code></pre>`

/** Keys, which are wrapped where they are long: nobody counts their columns. */
export const keyBlock = (keys: readonly string[]): Markup =>
  html`<pre class="keys"><code>${keys.join('\n')}</code></pre>`

/** A part of the page, named in its contents. */
export interface Section {
  /** Fragment that links to it: plain letters and dashes. */
  readonly id: string
  readonly title: string
  readonly body: Markup
}

/** A file inside the page, saved by a click. */
export interface Download {
  readonly name: string
  readonly type: string
  readonly bytes: Uint8Array
}

export function downloadLink(file: Download): Markup {
  const uri = `data:${file.type};base64,${Buffer.from(file.bytes).toString('base64')}`
  return html`<a class="download" download="${file.name}" href="${uri}">Save ${code(file.name)} <span class="size">${sizeText(file.bytes.length)}</span></a>`
}

/** Bytes in decimal units: `338 B`, `5.1 kB`, `50 MB`. */
export function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (unit < units.length - 1 && Math.round(value) >= 1000) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1).replace(/\.0$/, '')} ${units[unit]}`
}

const grouped = new Intl.NumberFormat('en-US')
/** `50,000` */
export const countText = (count: number): string => grouped.format(count)

/** `90 seconds`, `15 minutes`, `1 day` */
export function spanText(ms: number): string {
  const units = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1000],
  ] as const
  const [unit, size] = units.find(([, each]) => ms >= each && ms % each === 0) ?? ['ms', 1]
  const count = ms / size
  return unit === 'ms' ? `${count} ms` : `${count} ${unit}${count === 1 ? '' : 's'}`
}

/** Joins words as a sentence does: `a, b and c`. */
export function listed(parts: readonly Part[], last: 'and' | 'or' = 'and'): Markup {
  if (parts.length < 2) return joined(parts)
  return html`${joined(parts.slice(0, -1), ', ')} ${last} ${parts.at(-1)}`
}

/** A word for a POSIX shell, quoted where it needs it. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
