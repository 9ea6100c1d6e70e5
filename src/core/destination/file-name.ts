import { parseDatePattern } from './date-pattern.ts'
import type { PathPart } from './path-format.ts'

/**
 * What stands between the braces of a file name pattern; undefined where nobody knows it, and it then
 * stays as it is. `{timestamp:micros}` is what the documentation of the Airbyte destination calls what
 * its code calls `{timestamp:micro}`: both work. Throws `config_invalid` for a date pattern that is none.
 */
export function readPlaceholder(text: string): PathPart | undefined {
  if (text.startsWith('date:')) {
    const pattern = text.slice('date:'.length).replace(/\s/g, '_')
    parseDatePattern(pattern)
    return { kind: 'date', pattern }
  }
  switch (text) {
    case 'date':
      return { kind: 'date', pattern: 'yyyy_MM_dd' }
    case 'timestamp':
    case 'timestamp:millis':
      return { kind: 'timestamp', unit: 'millis' }
    case 'timestamp:micro':
    case 'timestamp:micros':
      return { kind: 'timestamp', unit: 'micros' }
    case 'part_number':
      return { kind: 'part_number' }
    case 'sync_id':
      return { kind: 'variable', name: 'SYNC_ID' }
    case 'format_extension':
      return { kind: 'extension' }
    default:
      return undefined
  }
}
