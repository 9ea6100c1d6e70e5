import { existsSync } from 'node:fs'
import { glob, readFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { importsOf } from './imports.ts'
import { folderOf, type Import, LAYERS, layerTable, violation } from './layers.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const src = join(root, 'src')
const isFile = (path: string): boolean => existsSync(join(src, path))
/** What is compiled to WebAssembly: another language, whose imports have no extension. */
const isAssembly = (path: string): boolean => path.includes('/assembly/')
/** Told from a package, whose files are JavaScript. */
const isSource = (path: string): boolean => path.endsWith('.ts')

/** Tests may reach for suites and fixtures; the table is about what ships. */
async function imports(): Promise<readonly (Import & { readonly relative: boolean })[]> {
  const edges: (Import & { readonly relative: boolean })[] = []
  for await (const from of glob('**/*.ts', { cwd: src })) {
    if (from.endsWith('.test.ts') || isAssembly(from)) continue
    const source = await readFile(join(src, from), 'utf8')
    for (const specifier of importsOf(source)) {
      const relative = specifier.startsWith('.')
      const to = relative ? normalize(join(dirname(from), specifier)) : specifier
      edges.push({ from, to, relative })
    }
  }
  return edges
}

describe('architecture', () => {
  it('has no import that the layer table forbids', async () => {
    const edges = await imports()
    expect(edges.length).toBeGreaterThan(50)
    const broken = edges
      .map((edge) => violation(edge, isSource))
      .filter((each) => each !== undefined)
    expect(broken).toEqual([])
  })

  it('has no relative import that leads nowhere or out of src', async () => {
    const dangling = (await imports()).filter(
      ({ relative, to }) => relative && (to.startsWith('..') || !isFile(to)),
    )
    expect(dangling).toEqual([])
  })

  it('shows in ARCHITECTURE.md the table it holds', async () => {
    const page = await readFile(join(root, 'ARCHITECTURE.md'), 'utf8')
    expect(page).toContain(layerTable())
  })

  it('puts every folder of src in a layer, and no layer is empty', async () => {
    const folders = new Set<string>()
    for await (const path of glob('**/*.ts', { cwd: src })) folders.add(folderOf(path))
    expect([...folders].sort()).toEqual(LAYERS.map(({ folder }) => folder).sort())
  })
})

describe('the guard itself', () => {
  it.each([
    ['core/plan.ts', 'node:fs'],
    ['core/plan.ts', 'commander'],
    ['core/plan.ts', 'store/store.ts'],
    ['store/s3.ts', 'ledger/ledger.ts'],
    ['engine/duckdb.ts', 'store/store.ts'],
    ['exchange/load/load.ts', 'store/s3.ts'],
    ['exchange/load/load.ts', 'pg'],
    ['exchange/load/load.ts', 'app.ts'],
    ['cli/main.ts', 'store/store.ts'],
    ['cli/main.ts', 'duckdb/duckdb.ts'],
    ['stray/file.ts', 'core/errors.ts'],
  ])('refuses that %s imports %s', (from, to) => {
    expect(violation({ from, to }, isSource)).toBeDefined()
  })

  it.each([
    ['core/plan.ts', 'core/layout/layout.ts'],
    ['core/config.ts', 'zod'],
    ['exchange/load/load.ts', 'store/store.ts'],
    ['store/s3.ts', '@aws-sdk/client-s3'],
    ['app.ts', 'store/s3.ts'],
    ['cli/main.ts', 'app.ts'],
  ])('allows that %s imports %s', (from, to) => {
    expect(violation({ from, to }, isSource)).toBeUndefined()
  })

  it('sees imports of every form, and only imports', () => {
    const source = `
      import { a } from 'static'
      import type { B } from "type-only"
      import 'side-effect'
      export { c } from 'exported'
      export * from 'all'
      import {
        d,
      } from 'lines'
      const e = await import('dynamic')
      type F = import('in-type').F
      const { g } = await import(
        'wrapped'
      )
      // import { x } from 'comment'
      /* import('block') */
      const text = "import { x } from 'string'"
      const other = \`import('template')\`
      Array.from('characters')
      log('from', 'words')
    `
    expect(importsOf(source)).toEqual([
      'static',
      'type-only',
      'side-effect',
      'exported',
      'all',
      'lines',
      'dynamic',
      'in-type',
      'wrapped',
    ])
  })
})
