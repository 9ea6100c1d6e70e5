/** Names that Avro takes: letters of ASCII, digits and `_`, not beginning with a digit (Avro 1.11, "Names"). */

/** Marks above and below letters go, white space and everything else that is not allowed becomes `_`. */
export function avroName(text: string): string {
  const name = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/\s+/g, '_')
    .replace(/[^A-Za-z0-9_]/gu, '_')
  return /^[A-Za-z_]/.test(name) ? name : `_${name}`
}

const PRIMITIVES = new Set('null boolean int long float double bytes string'.split(' '))

/** As `avroName`; the name of a primitive type "may not be defined in any namespace" and gets `_1` at its end. */
export function avroTypeName(text: string): string {
  const name = avroName(text)
  return PRIMITIVES.has(name) ? `${name}_1` : name
}

/** Each part between dots by itself; empty parts go. */
export function avroNamespace(text: string): string {
  return text
    .split('.')
    .filter((part) => part !== '')
    .map(avroName)
    .join('.')
}

/** Gives names out once: one that is taken gets `_1`, `_2` … at its end. */
export function uniqueNames(): (wanted: string) => string {
  const taken = new Set<string>()
  return (wanted) => {
    let name = wanted
    for (let count = 1; taken.has(name); count += 1) name = `${wanted}_${count}`
    taken.add(name)
    return name
  }
}

/** What `doc` says of a name that had to be changed. */
export const originalNameDoc = (original: string): string => `_airbyte_original_name:${original}`
