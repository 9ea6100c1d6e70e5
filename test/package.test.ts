import { spawnSync } from 'node:child_process'
import { access, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const json = async (name: string) => JSON.parse(await readFile(join(root, name), 'utf8'))

describe('package.json', () => {
  it('pins every dependency exactly', async () => {
    const { dependencies, devDependencies, optionalDependencies } = await json('package.json')
    const all = { ...dependencies, ...devDependencies, ...optionalDependencies }
    expect(Object.keys(all).length).toBeGreaterThan(10)
    for (const [name, version] of Object.entries(all)) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/)
    }
  })

  it('gives a reason for every dependency', async () => {
    const { dependencies, devDependencies } = await json('package.json')
    const reasons = await readFile(join(root, 'docs/decisions/0001-dependencies.md'), 'utf8')
    for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
      if (name.startsWith('@types/')) continue
      // A vendor's packages are given in one line, by the first one's scope.
      expect(reasons, name).toContain(`\`${name.replace(/^@aws-sdk\/(?!client-s3)/, '')}\``)
    }
  })

  it('runs no script when it is installed', async () => {
    const { scripts } = await json('package.json')
    for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) {
      expect(scripts).not.toHaveProperty(name)
    }
  })

  it('names files that are there, and an executable', async () => {
    const { bin, files } = await json('package.json')
    for (const name of files) if (name !== 'dist') await access(join(root, name))
    const { mode } = await stat(join(root, bin.bucketline))
    expect(mode & 0o111).toBe(0o111)
  })

  it('brings a Node for each platform it names, and in the lock file too', async () => {
    const { optionalDependencies } = await json('package.json')
    const { packages } = await json('package-lock.json')
    const launcher = await readFile(join(root, 'bin/bucketline'), 'utf8')
    for (const name of Object.keys(optionalDependencies)) {
      expect(packages[`node_modules/${name}`]).toMatchObject({
        version: optionalDependencies[name],
        optional: true,
      })
      const [, prefix] = /^(node-(?:bin-)?)(linux|darwin)-(x64|arm64)$/.exec(name) ?? []
      expect(launcher).toContain(`node_modules/${prefix}$os-$cpu/bin/node`)
    }
  })
})

describe('package-lock.json', () => {
  it('names no registry, and has a hash for every package', async () => {
    const text = await readFile(join(root, 'package-lock.json'), 'utf8')
    expect(text).not.toContain('"resolved"')
    const { packages } = JSON.parse(text)
    const unhashed = Object.entries<{ integrity?: string; inBundle?: boolean }>(packages)
      .filter(([path, each]) => path !== '' && !each.integrity && !each.inBundle)
      .map(([path]) => path)
    expect(unhashed).toEqual([])
  })

  it('is of this package.json', async () => {
    const [lock, own] = [await json('package-lock.json'), await json('package.json')]
    for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'] as const) {
      expect(lock.packages[''][kind], kind).toEqual(own[kind])
    }
  })
})

describe('what npm packs', () => {
  it('is the program and its documents, no sources and no tests', () => {
    const { stdout, status } = spawnSync(
      'npm',
      ['pack', '--dry-run', '--json', '--ignore-scripts'],
      { cwd: root, encoding: 'utf8' },
    )
    expect(status).toBe(0)
    const parsed = JSON.parse(stdout)
    const [packed] = Array.isArray(parsed)
      ? parsed
      : Object.values<{ files: { path: string }[] }>(parsed)
    const paths: string[] = packed.files.map((file: { path: string }) => file.path)
    for (const path of ['bin/bucketline', 'LICENSE', 'README.md', 'CHANGELOG.md', 'package.json']) {
      expect(paths).toContain(path)
    }
    expect(paths.filter((path) => /^(src|test|scripts|bench|\.ci)\/|\.test\./.test(path))).toEqual(
      [],
    )
  })
})
