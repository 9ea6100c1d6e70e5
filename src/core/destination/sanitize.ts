/**
 * Names as they stand in keys, by the rules of the Airbyte S3 destination, so that a bucket it wrote is
 * carried on: compatibility decomposition, marks dropped, and each further character outside the set
 * below as `_`. Case stays; `/` makes levels; `=` is allowed, for `date=2022-03-15`.
 */
export function sanitizeName(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9/!_.*')(&$@=;:+,?-]/gu, '_')
}

/**
 * Text of a setting as it may stand in a key: control characters and broken surrogates, which some
 * stores refuse and no reader can type, become `_`.
 */
export const cleanLiteral = (text: string): string => text.replace(/[\p{Cc}\p{Cs}]/gu, '_')

/**
 * The last step to a key. Slashes that stand together become one. None stands at the start: with an
 * empty bucket path the Airbyte destination wrote a level without a name, which a folder cannot hold
 * and many tools cannot show. A level `.` or `..` becomes `_` or `__`: whoever copies the bucket to a
 * folder would otherwise write outside of it, and a stream's name decides that.
 */
export const tidyKey = (key: string): string =>
  key
    .replace(/\/{2,}/g, '/')
    .replace(/^\//, '')
    .replace(/(?<=^|\/)\.{1,2}(?=\/|$)/g, (dots) => '_'.repeat(dots.length))
