import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const launcher = join(root, 'bin/bucketline')
/** What `uname` and friends need, and no `node`. */
const SYSTEM_PATH = '/usr/bin:/bin'

let folder: string
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'bucketline launcher ')))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** A package of the launcher alone, whose program prints how it was started. */
async function install(
  place: string,
  program = 'console.log(JSON.stringify({ argv: process.argv.slice(2), pid: process.pid, version: process.version, exec: process.execPath }))',
): Promise<string> {
  await mkdir(join(folder, place, 'bin'), { recursive: true })
  await mkdir(join(folder, place, 'dist/cli'), { recursive: true })
  await cp(launcher, join(folder, place, 'bin/bucketline'))
  await writeFile(join(folder, place, 'package.json'), '{ "type": "module" }')
  await writeFile(join(folder, place, 'dist/cli/main.js'), program)
  return join(folder, place, 'bin/bucketline')
}

/** A `node` in `node_modules` of a folder, as the platform's package brings it. */
async function bringNode(place: string, script?: string): Promise<string> {
  const os = process.platform
  const bin = join(folder, place, `node_modules/node-${os}-${process.arch}/bin`)
  await mkdir(bin, { recursive: true })
  if (script === undefined) await symlink(process.execPath, join(bin, 'node'))
  else await writeFile(join(bin, 'node'), script, { mode: 0o755 })
  return join(bin, 'node')
}

const run = (command: string, words: readonly string[], path = SYSTEM_PATH) =>
  spawnSync(command, words, { encoding: 'utf8', env: { PATH: path } })

describe('the launcher', () => {
  it('starts the sources of a clone with the Node of its node_modules, from anywhere', () => {
    const { stdout, stderr, status } = spawnSync(launcher, ['--version'], {
      encoding: 'utf8',
      cwd: tmpdir(),
      env: { PATH: SYSTEM_PATH },
    })
    expect([stdout, stderr, status]).toEqual(['0.1.0\n', '', 0])
  })

  it('finds its place through relative and absolute links, spaces and all', async () => {
    await install('my app/node_modules/bucketline')
    await bringNode('my app')
    await mkdir(join(folder, 'my app/node_modules/.bin'))
    await symlink(
      '../bucketline/bin/bucketline',
      join(folder, 'my app/node_modules/.bin/bucketline'),
    )
    await symlink(join(folder, 'my app/node_modules/.bin/bucketline'), join(folder, 'link'))
    const { stdout, stderr, status } = run(join(folder, 'link'), ['a b', '', '*', '$HOME'])
    expect([stderr, status]).toEqual(['', 0])
    expect(JSON.parse(stdout).argv).toEqual(['a b', '', '*', '$HOME'])
  })

  it('takes the Node of the nearest node_modules', async () => {
    const command = await install('app/node_modules/bucketline')
    await bringNode('app')
    await bringNode(
      'app/node_modules/bucketline',
      '#!/bin/sh\n[ "$1" = --version ] && echo v25.0.0 && exit\necho nearest\n',
    )
    expect(run(command, []).stdout).toBe('nearest\n')
  })

  it('passes over a Node that does not start or is too old', async () => {
    const command = await install('app/node_modules/bucketline')
    await bringNode('app/node_modules/bucketline', '#!/bin/sh\nexit 126\n')
    await bringNode('app', '#!/bin/sh\necho v22.20.0\n')
    const { stdout, status } = run(command, [], `${dirname(process.execPath)}:${SYSTEM_PATH}`)
    expect(status).toBe(0)
    expect(JSON.parse(stdout).version).toBe(process.version)
  })

  it('says what to do when there is no Node that will do', async () => {
    const command = await install('app')
    const old = join(folder, 'old')
    await mkdir(old)
    await writeFile(join(old, 'node'), '#!/bin/sh\necho v20.20.2\n', { mode: 0o755 })
    const without = run(command, [])
    expect([without.stdout, without.status]).toEqual(['', 2])
    expect(without.stderr).toMatch(/^error: no Node 24 or newer was found for .+\nhint: .+\n$/)
    const outdated = run(command, [], `${old}:${SYSTEM_PATH}`)
    expect(outdated.status).toBe(2)
    expect(outdated.stderr).toContain(`${old}/node is v20.20.2`)
  })

  it('says so when the package is incomplete', async () => {
    const command = await install('app')
    await bringNode('app')
    await rm(join(folder, 'app/dist'), { recursive: true })
    const { stderr, status } = run(command, [])
    expect(status).toBe(2)
    expect(stderr).toContain('dist/cli/main.js')
  })

  it('is the program’s own process, so that signals and kill reach it', async () => {
    const command = await install(
      'app',
      `process.on('SIGTERM', () => { console.log('stopped'); process.exit(7) }); setInterval(() => {}, 1000); console.log(process.pid)`,
    )
    await bringNode('app')
    const gentle = spawn(command, [], { env: { PATH: SYSTEM_PATH } })
    const pid = await firstLine(gentle)
    expect(Number(pid)).toBe(gentle.pid)
    gentle.kill('SIGTERM')
    expect(await ended(gentle)).toEqual([7, null])
    const killed = spawn(command, [], { env: { PATH: SYSTEM_PATH } })
    const other = Number(await firstLine(killed))
    killed.kill('SIGKILL')
    expect(await ended(killed)).toEqual([null, 'SIGKILL'])
    expect(() => process.kill(other, 0)).toThrow('ESRCH')
  })

  it('hands on exit codes and standard input', async () => {
    const command = await install(
      'app',
      `for await (const chunk of process.stdin) process.stdout.write(chunk); process.exitCode = 41`,
    )
    await bringNode('app')
    const { stdout, status } = spawnSync(command, [], {
      input: 'words',
      encoding: 'utf8',
      env: { PATH: SYSTEM_PATH },
    })
    expect([stdout, status]).toEqual(['words', 41])
  })

  it('is plain POSIX sh', async () => {
    const text = await readFile(launcher, 'utf8')
    expect(text.startsWith('#!/bin/sh\n')).toBe(true)
    expect(text).not.toMatch(/\[\[|function |local |<<<|\bsource /)
  })
})

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    child.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()))
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it said anything`)))
  })

const ended = (child: ChildProcess): Promise<readonly [number | null, NodeJS.Signals | null]> =>
  new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve([code, signal]))
  })
