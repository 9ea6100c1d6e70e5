import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

let folder: string
let work: string

/**
 * The environment of a stranger: a PATH without this checkout's own programs, and none of what
 * `npm test` tells its children about this package; only how to reach the registry.
 */
const env: NodeJS.ProcessEnv = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^npm_/i.test(name) ||
        /^npm_config_(registry|cache|userconfig|globalconfig|https?_proxy|noproxy|cafile)$/i.test(
          name,
        ),
    ),
  ),
  PATH: (process.env.PATH ?? '')
    .split(':')
    .filter((each) => !each.startsWith(root))
    .join(':'),
}

function run(cwd: string, command: string, ...words: readonly string[]) {
  const { stdout, stderr, status } = spawnSync(command, words, { cwd, encoding: 'utf8', env })
  if (status === null) throw new Error(`${command} ${words.join(' ')} did not run`)
  return { stdout, stderr, status }
}

describe('the package, installed in an empty folder', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bucketline-package-'))
    work = await mkdtemp(join(folder, 'work-'))
    const packed = run(root, 'npm', 'pack', '--pack-destination', folder, '--silent')
    expect(packed.status, packed.stdout + packed.stderr).toBe(0)
    const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? ''
    await writeFile(join(work, 'package.json'), '{ "private": true }')
    const words = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
    const installed = run(work, 'npm', 'install', join(folder, tarball), ...words)
    expect([installed.status, installed.stderr]).toEqual([0, ''])
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('holds compiled code, the ledger’s migrations and the presets, and no TypeScript', async () => {
    const files = await readdir(join(work, 'node_modules/bucketline'), { recursive: true })
    expect(files).toContain('dist/cli/main.js')
    expect(files.filter((name) => /^dist\/ledger\/migrations\/\d+.*\.sql$/.test(name))).not.toEqual(
      [],
    )
    expect(files.filter((name) => name.startsWith('presets/'))).not.toEqual([])
    expect(files.filter((name) => name.endsWith('.ts') || name.includes('.test.'))).toEqual([])
  })

  it('initialises and loads a delivery', async () => {
    const version = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')).version
    expect(run(work, 'npx', 'bucketline', '--version')).toEqual({
      stdout: `${version}\n`,
      stderr: '',
      status: 0,
    })
    expect(run(work, 'npx', 'bucketline', 'init').status).toBe(0)
    const sample = run(
      work,
      'npx',
      'bucketline',
      'contract',
      'sample',
      'hackle-events',
      'inbox/events',
      '--rows',
      '200',
      '--partition',
      '2023-01-01',
    )
    expect([sample.stderr, sample.status]).toEqual(['', 0])
    const load = run(work, 'npx', 'bucketline', 'load', '--json')
    expect([load.stderr, load.status]).toEqual(['', 0])
    expect(JSON.parse(load.stdout).loads).toMatchObject([
      {
        feed: 'events',
        partition: '2023-01-01',
        state: 'published',
        rows_read: 200,
        rows_published: 200,
        duplicates: 0,
        rejected: 0,
      },
    ])
    const query = run(
      work,
      'npx',
      'bucketline',
      'query',
      'SELECT count(*) AS rows FROM events',
      '--json',
    )
    expect(JSON.parse(query.stdout).rows).toEqual([{ rows: 200 }])
    expect(JSON.parse(run(work, 'npx', 'bucketline', 'load', '--json').stdout)).toEqual({
      loads: [],
    })
  })
})
