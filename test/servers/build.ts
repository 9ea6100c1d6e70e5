import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { GoModule, PythonPackage } from './kinds.ts'

const run = promisify(execFile)
const BUILD_OUTPUT_BYTES = 64 * 1024 * 1024
const INSTALL_WAIT_MS = 500
const INSTALL_WAITS = 600

/** Folder of built servers, outside the tree so that a fresh clone finds them. */
export function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  return join(base, 'bucketline', 'servers')
}

/** Path of a program; builds or installs it on first use (seconds to minutes), keyed by its version. */
export async function buildProgram(
  name: string,
  source: GoModule | PythonPackage,
): Promise<string> {
  return 'module' in source ? buildGo(name, source) : installPython(name, source)
}

async function buildGo(name: string, { module, version, package: inside }: GoModule) {
  const source = inside === undefined ? module : `${module}/${inside}`
  const folder = join(cacheFolder(), `${name}@${version}`)
  const binary = join(folder, basename(source))
  if (existsSync(binary)) return binary
  await mkdir(cacheFolder(), { recursive: true })
  const building = await mkdtemp(join(cacheFolder(), `${name}-building-`))
  try {
    await run('nice', ['-n', '10', 'go', 'install', '-ldflags=-s -w', `${source}@${version}`], {
      env: { ...process.env, GOBIN: building, GOFLAGS: '' },
      maxBuffer: BUILD_OUTPUT_BYTES,
    })
    await mkdir(folder, { recursive: true })
    // Two builds at once end in the same file, whole.
    await rename(join(building, basename(source)), binary)
  } finally {
    await rm(building, { recursive: true, force: true })
  }
  return binary
}

/** A virtual environment knows its own path, so it is made where it stays; the mark says that it is whole. */
async function installPython(name: string, source: PythonPackage): Promise<string> {
  const { requirement, version, program, beside = [] } = source
  const folder = join(cacheFolder(), `${name}@${version}`)
  const binary = join(folder, 'bin', program)
  const whole = join(folder, 'installed')
  for (let waited = 0; !existsSync(whole); waited += 1) {
    if (await claimed(`${folder}.lock`)) {
      try {
        if (existsSync(whole)) break
        await rm(folder, { recursive: true, force: true })
        await run('nice', ['-n', '10', 'python3', '-m', 'venv', folder])
        await run(
          'nice',
          // biome-ignore format: one option a line says less than the whole command
          ['-n', '10', join(folder, 'bin', 'pip'), 'install', '--quiet', '--disable-pip-version-check', `${requirement}==${version}`, ...beside],
          { maxBuffer: BUILD_OUTPUT_BYTES },
        )
        await writeFile(whole, '')
      } finally {
        await rm(`${folder}.lock`, { recursive: true, force: true })
      }
    } else if (waited === INSTALL_WAITS) {
      throw new Error(`${folder}.lock is held; remove it if no other installation runs`)
    } else {
      await delay(INSTALL_WAIT_MS)
    }
  }
  return binary
}

/** Test files run beside each other, and pip does not survive two of itself in one environment. */
async function claimed(lock: string): Promise<boolean> {
  await mkdir(dirname(lock), { recursive: true })
  try {
    await mkdir(lock)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}
