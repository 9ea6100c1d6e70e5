import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Lists of packages in `python/`: PyAirbyte cannot be installed beside the others. */
const LISTS = ['requirements', 'requirements-airbyte'] as const
export type PythonList = (typeof LISTS)[number]

const pathOf = (list: PythonList): string =>
  fileURLToPath(new URL(`python/${list}.txt`, import.meta.url))

/** Versions by package, as pinned in the lists. */
export const REQUIREMENTS: Readonly<Record<string, string>> = Object.fromEntries(
  LISTS.flatMap((list) => readFileSync(pathOf(list), 'utf8').split('\n'))
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.replace(/\[.*\]/, '').split('=='))
    .filter(([name, version]) => name !== undefined && version !== undefined),
)

/**
 * Path of a Python that has the packages of a list: a virtual environment outside the tree, made when the
 * list of packages is not the one it was made from. Throws where there is no python3 or no index.
 */
export async function pythonEnvironment(
  data_dir: string,
  list: PythonList = 'requirements',
): Promise<string> {
  const venv = join(data_dir, list.replace('requirements', 'venv'))
  const python = join(venv, 'bin/python')
  const stamp = join(venv, 'requirements.sha256')
  const wanted = createHash('sha256')
    .update(readFileSync(pathOf(list)))
    .digest('hex')
  const made = await readFile(stamp, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return ''
    throw cause
  })
  if (made === wanted) return python
  await rm(venv, { recursive: true, force: true })
  await mkdir(data_dir, { recursive: true })
  const run = (program: string, args: readonly string[]) =>
    execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  run('python3', ['-m', 'venv', venv])
  // The pip that comes with Python may be years old, and then resolves for many minutes.
  run(python, ['-m', 'pip', 'install', '--quiet', '--upgrade', 'pip'])
  run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', pathOf(list)])
  await writeFile(stamp, wanted)
  return python
}
