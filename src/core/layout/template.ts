import type { Grain } from '../contract/contract.ts'
import { ExchangeError } from '../errors.ts'
import { checkZone } from '../zone.ts'
import type { Layout, LayoutPart } from './layout.ts'
import { isTimeVariable, TIME_VARIABLES, type TimeVariable } from './pattern.ts'

const grains: Record<TimeVariable, Grain> = {
  yyyy: 'year',
  MM: 'month',
  dd: 'day',
  HH: 'hour',
  mm: '15 minutes',
}

function invalid(template: string, why: string): ExchangeError {
  return new ExchangeError('layout_invalid', `The layout "${template}" ${why}.`)
}

/**
 * Reads a template such as `dt={yyyy}-{MM}-{dd}/region={region}/{file}.parquet`. Time variables are
 * `{yyyy} {MM} {dd} {HH} {mm}`; a variable may repeat; `/` or `/…` at the end stands for `/{file}`.
 * Throws `layout_invalid` or `zone_invalid`.
 */
export function parseLayout(template: string, options: { readonly zone?: string } = {}): Layout {
  const zone = options.zone ?? 'UTC'
  checkZone(zone)
  const full = template.replace(/\/(…|\.\.\.)?$/, '/{file}')
  const levels = full.split('/').map((text) => parseLevel(template, text))
  const names = levels.map((level) => level.flatMap((p) => ('variable' in p ? [p.variable] : [])))
  const all = new Set(names.flat())
  const grain = grainOf(template, all)
  if (names.flat().filter((name) => name === 'file').length > 1) {
    throw invalid(template, 'has {file} twice')
  }
  if (names.slice(0, -1).flat().includes('file')) {
    throw invalid(template, 'has {file} in a directory; it stands for the last part of a key')
  }
  const needed = new Set<string>(TIME_VARIABLES.filter((name) => all.has(name)))
  const time_level = names.findIndex((_, index) =>
    needed.isSubsetOf(new Set(names.slice(0, index + 1).flat())),
  )
  if (!all.has('file') && time_level < levels.length - 1) {
    throw invalid(template, 'has no {file}')
  }
  return {
    template,
    grain,
    zone,
    variables: [...all].filter((name) => name !== 'file' && !isTimeVariable(name)),
    levels,
    time_level,
    sorted: sortsByTime(names.slice(0, time_level + 1).flat(), [...needed]),
  }
}

function parseLevel(template: string, text: string): LayoutPart[] {
  if (text === '' || text === '.' || text === '..') {
    throw invalid(template, text === '' ? 'has an empty level' : `has a level "${text}"`)
  }
  const parts: LayoutPart[] = []
  for (const [piece] of text.matchAll(/\{[^{}]*\}|[^{}]+|[{}]/g)) {
    if (!/[{}]/.test(piece)) {
      parts.push({ literal: piece })
      continue
    }
    const variable = piece.slice(1, -1)
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable)) {
      throw invalid(template, `has "${piece}" where a variable such as {yyyy} was expected`)
    }
    const meant = TIME_VARIABLES.find((t) => t.toLowerCase() === variable.toLowerCase())
    if (meant !== undefined && !isTimeVariable(variable)) {
      throw invalid(template, `has {${variable}}; write {${meant}}`)
    }
    parts.push({ variable })
  }
  checkSeparated(template, parts)
  return parts
}

/** Two variables of free length need something between them that their values, as written, cannot hold. */
function checkSeparated(template: string, parts: readonly LayoutPart[]): void {
  let open: string | undefined
  let between = ''
  for (const part of parts) {
    if ('literal' in part) {
      between += part.literal
      continue
    }
    const { variable } = part
    if (
      open !== undefined &&
      (isTimeVariable(variable) ? between === '' : !separates(between, open))
    ) {
      throw invalid(
        template,
        `does not say where {${open}} ends and {${variable}} begins; put a sign such as "-" between them`,
      )
    }
    if (!isTimeVariable(variable)) {
      open = variable
      between = ''
    }
  }
}

/**
 * Whether a text ends a value. `{file}` takes all it can, so that of a null after it, which is written
 * with `_` at both ends, it would take the first of them too.
 */
const separates = (between: string, open: string): boolean =>
  (open === 'file' ? /[^A-Za-z0-9%_]/ : /[^A-Za-z0-9%]/).test(between)

function grainOf(template: string, names: ReadonlySet<string>): Grain {
  if (!names.has('yyyy')) {
    throw invalid(template, 'has no {yyyy}; time is written with {yyyy} {MM} {dd} {HH} {mm}')
  }
  const count = TIME_VARIABLES.filter((name) => names.has(name)).length
  const missing = TIME_VARIABLES.slice(0, count).find((name) => !names.has(name))
  if (missing !== undefined) {
    const shorter = TIME_VARIABLES.slice(count).find((name) => names.has(name))
    const mixed = missing === 'MM' && shorter === 'mm' ? ' ({mm} is minutes, {MM} is months)' : ''
    throw invalid(template, `has {${shorter}} without {${missing}}${mixed}`)
  }
  return grains[TIME_VARIABLES[count - 1] ?? 'yyyy']
}

function sortsByTime(names: readonly string[], needed: readonly string[]): boolean {
  if (!names.every(isTimeVariable)) return false
  const first_seen = [...new Set<string>(names)]
  return first_seen.every((name, index) => name === needed[index])
}
