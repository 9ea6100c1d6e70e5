import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ERRORS, type ErrorCode, ExchangeError } from '../src/core/errors.ts'
import { OBJECT_CODES, ROW_CODES } from '../src/core/rejects.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** All sources but the tables themselves and tests, as one text per file. */
async function sources(): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>()
  for await (const path of glob('src/**/*.ts', { cwd: root })) {
    if (path.endsWith('.test.ts')) continue
    if (path === 'src/core/errors.ts' || path === 'src/core/rejects.ts') continue
    texts.set(path, await readFile(join(root, path), 'utf8'))
  }
  return texts
}

const mentions = (texts: ReadonlyMap<string, string>, code: string): boolean =>
  [...texts.values()].some((text) => text.includes(`'${code}'`))

describe('error table', () => {
  it.each(Object.keys(ERRORS))('%s is used', async (code) => {
    expect(mentions(await sources(), code)).toBe(true)
  })

  it('has every code that is thrown', async () => {
    const unknown: string[] = []
    for (const [path, text] of await sources()) {
      for (const [, code = ''] of text.matchAll(/new ExchangeError\(\s*'([^']*)'/g)) {
        if (!(code in ERRORS)) unknown.push(`${path}: ${code}`)
      }
    }
    expect(unknown).toEqual([])
  })

  it.each(Object.entries(ERRORS))(
    '%s says what happened and what to do, as sentences',
    (code, e) => {
      expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
      expect(e.summary).toMatch(/^[A-Z].*\.$/)
      expect(e.hint).toMatch(/^[A-Z`].*[.?]$/s)
    },
  )

  it('stands on its reference page, code by code', async () => {
    const page = await readFile(join(root, 'docs/reference/errors.md'), 'utf8')
    const documented = [...page.matchAll(/^## `([a-z_]+)`$/gm)].map(([, code]) => code)
    expect(documented).toEqual(Object.keys(ERRORS).sort())
  })

  it('gives an error its hint and retry decision unless the thrower knows better', () => {
    const code: ErrorCode = 'usage'
    expect(new ExchangeError(code, 'x').hint).toBe(ERRORS.usage.hint)
    const precise = new ExchangeError(code, 'x', { hint: 'y', retryable: true })
    expect([precise.hint, precise.retryable]).toEqual(['y', true])
  })
})

describe('reject tables', () => {
  it.each([...Object.keys(ROW_CODES), ...Object.keys(OBJECT_CODES)])('%s is used', async (code) => {
    expect(mentions(await sources(), code)).toBe(true)
  })

  it('share no code, so that a code alone says what was refused', () => {
    const both = Object.keys(ROW_CODES).filter((code) => code in OBJECT_CODES)
    expect(both).toEqual([])
  })
})
