import { glob, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

/**
 * Compiles every `assembly/x.ts` (AssemblyScript) to the `x.wasm` beside its folder, which is kept in the repository so
 * that the sources run as they are. With `--check` it writes nothing and fails where one is not what it would write.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const check = process.argv.includes('--check')
const OPTIONS = ['-O3', '--runtime', 'stub', '--enable', 'simd', '--noAssert']

let stale = 0
for await (const source of glob('src/**/assembly/*.ts', { cwd: root })) {
  const target = join(dirname(dirname(source)), `${basename(source, '.ts')}.wasm`)
  const written = new Map<string, string | Uint8Array>()
  const { error, stderr } = await asc.main([source, '--outFile', target, ...OPTIONS], {
    readFile: (name, folder) => readFile(join(folder, name), 'utf8').catch(() => null),
    writeFile: (name, contents) => void written.set(name, contents),
    listFiles: () => null,
  })
  const binary = written.get(target)
  if (error !== null || binary === undefined) {
    console.error(stderr.toString())
    throw error ?? new Error(`${source} came to nothing`)
  }
  const bytes = Buffer.from(binary)
  if (!check) {
    await writeFile(join(root, target), bytes)
    console.log(`${target}: ${bytes.length} bytes`)
  } else if (!bytes.equals(await readFile(join(root, target)).catch(() => Buffer.alloc(0)))) {
    console.error(`${target} is not what ${source} comes to: run \`npm run kernels\``)
    stale++
  }
}
process.exitCode = stale > 0 ? 1 : 0
