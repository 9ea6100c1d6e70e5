import { textValue } from './format-value.ts'

/** One CSV record (RFC 4180) ending in a newline; null is an empty field, an empty text is `""`. */
export function csvLine(values: readonly unknown[]): string {
  return `${values.map(field).join(',')}\n`
}

function field(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = textValue(value)
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
