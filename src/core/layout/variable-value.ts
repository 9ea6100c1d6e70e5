/**
 * Values of layout variables inside keys, in the way Hive and Spark write partition columns: special
 * characters are percent-encoded and null has a name of its own.
 */

/** How Hive and Spark write null. */
export const NULL_TEXT = '__HIVE_DEFAULT_PARTITION__'

/** The value a text stands for; text that is no valid percent-encoding is taken as it is. */
export function readValue(text: string): string | null {
  if (text === NULL_TEXT) return null
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) return text
    throw error
  }
}

const percent = (character: string): string =>
  `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

/**
 * The text of a value. No two values have the same text. `crowded`: other values stand in the same
 * level, so that only letters and digits go unencoded. The value must be well-formed Unicode.
 */
export function writeValue(
  value: string | null,
  { crowded }: { readonly crowded: boolean },
): string {
  if (value === null) return NULL_TEXT
  // A leading `.` or `_` is encoded too: it would make a hidden or temporary name, `..`, or null.
  const text = encodeURIComponent(value)
    .replace(/[!'()*~]/g, percent)
    .replace(/^[._]/, percent)
  return crowded ? text.replace(/[-._]/g, percent) : text
}
