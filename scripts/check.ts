import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The whole gate, `npm run check`. Every step runs even when an earlier one failed: one run tells
 * everything that is wrong. Names of steps as arguments run only those.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const bin = join(root, 'node_modules/.bin')

const STEPS: Readonly<Record<string, readonly string[]>> = {
  format_and_lint: [
    'biome',
    'ci',
    '--error-on-warnings',
    `--colors=${process.stdout.isTTY ? 'force' : 'off'}`,
  ],
  types: ['tsc', '--noEmit'],
  dead_code: ['knip'],
  reference: ['node', 'scripts/reference.ts', '--check'],
  kernels: ['node', 'scripts/kernels.ts', '--check'],
  // The architecture table and the error table are held by tests.
  tests: ['vitest', 'run', '--project=!servers'],
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => STEPS[name] === undefined)
if (unknown.length > 0) {
  console.error(`no step ${unknown.join(', ')}; there are ${Object.keys(STEPS).join(', ')}`)
  process.exit(2)
}
const failed: string[] = []
for (const [name, [program = '', ...words]] of Object.entries(STEPS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const began = performance.now()
  console.log(`\n▶ ${name}: ${[program, ...words].join(' ')}`)
  const { status } = spawnSync(join(bin, program), words, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${bin}:${dirname(process.execPath)}:${process.env.PATH}` },
  })
  if (status !== 0) failed.push(name)
  console.log(
    `${status === 0 ? '✓' : '✗'} ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`,
  )
}
if (failed.length > 0) {
  console.error(`\nfailed: ${failed.join(', ')}`)
  process.exit(1)
}
