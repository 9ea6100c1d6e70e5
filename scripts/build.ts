import { spawnSync } from 'node:child_process'
import { cp, glob, mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Writes `dist/`: the compiled sources and the files beside them that are read at run time. */
const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')

// Files of sources that are gone would be packed, and imported by nobody.
await rm(dist, { recursive: true, force: true })
const tsc = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
})
if (tsc.status !== 0) process.exit(tsc.status ?? 1)
for await (const path of glob('**/*.{sql,yaml,wasm}', { cwd: join(root, 'src') })) {
  const target = join(dist, path)
  await mkdir(dirname(target), { recursive: true })
  await cp(join(root, 'src', path), target)
}
