/**
 * Which folder may import what: the table of ARCHITECTURE.md as data. A name is a folder of `src/`,
 * a folder and file where only that file is meant, or a package; `node:` stands for all of Node's
 * modules and `packages` for all packages. Imports inside a folder are always allowed.
 */
export interface Layer {
  readonly folder: string
  readonly imports: readonly string[]
}

const PORTS = [
  'store/store.ts',
  'format/format.ts',
  'format/encode/encode.ts',
  'ledger/ledger.ts',
  'engine/engine.ts',
]
const PORT_FOLDERS = ['store', 'format', 'ledger', 'engine']

export const LAYERS: readonly Layer[] = [
  { folder: 'core', imports: ['zod', 'yaml'] },
  { folder: 'duckdb', imports: ['core', 'node:', '@duckdb/node-api'] },
  ...PORT_FOLDERS.map((folder) => ({ folder, imports: ['core', 'duckdb', 'node:', 'packages'] })),
  { folder: 'exchange', imports: ['core', 'duckdb', ...PORTS, 'node:'] },
  {
    folder: '*.ts',
    imports: ['core', 'duckdb', ...PORT_FOLDERS, 'exchange', 'node:', 'packages'],
  },
  { folder: 'connector', imports: ['core', 'exchange', '*.ts', 'node:'] },
  {
    folder: 'cli',
    imports: ['core', 'exchange', '*.ts', 'connector', 'node:', 'commander', 'zod'],
  },
]

export interface Import {
  /** File that imports, relative to `src/`. */
  readonly from: string
  /** What it imports: a path relative to `src/`, a package or `node:…`. */
  readonly to: string
}

/** The folder of `src/` a file lies in; `*.ts` for the files beside the folders, where all is put together. */
export const folderOf = (path: string): string =>
  path.includes('/') ? (path.split('/')[0] ?? path) : '*.ts'

const packageOf = (specifier: string): string =>
  specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')

/** Why an import breaks the table; undefined where it does not. */
export function violation(edge: Import, isSource: (path: string) => boolean): string | undefined {
  const layer = LAYERS.find(({ folder }) => folder === folderOf(edge.from))
  if (layer === undefined) return `${edge.from} lies in no layer`
  if (!isSource(edge.to)) {
    const name = edge.to.startsWith('node:') ? 'node:' : packageOf(edge.to)
    const allowed =
      layer.imports.includes(name) || (name !== 'node:' && layer.imports.includes('packages'))
    return allowed ? undefined : `${edge.from} imports ${edge.to}; ${layer.folder} may not`
  }
  const allowed =
    folderOf(edge.to) === layer.folder ||
    layer.imports.includes(folderOf(edge.to)) ||
    layer.imports.includes(edge.to)
  return allowed ? undefined : `${edge.from} imports ${edge.to}; ${layer.folder} may not`
}

/** The table as ARCHITECTURE.md shows it. */
export const layerTable = (): string =>
  [
    '| folder | may import |',
    '|---|---|',
    ...LAYERS.map(({ folder, imports }) => {
      const names = imports.map((name) => {
        if (name === 'packages') return 'any package'
        if (name === 'node:') return 'Node’s modules'
        return `\`${name}\``
      })
      return `| \`${folder}\` | ${names.join(', ')} |`
    }),
  ].join('\n')
