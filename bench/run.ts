import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { cpus, homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Context } from './benchmark.ts'
import { BENCHMARKS } from './benchmarks.ts'
import { commitText, machineText } from './machine.ts'
import { pageText, resultText, type StoredResult } from './page.ts'
import { pythonEnvironment } from './python-environment.ts'
import { runRounds } from './rounds.ts'

const USAGE = `node bench/run.ts [NAME…]

Runs benchmarks, all without a name, and prints their tables.

  --rounds N          rounds of each contender (5)
  --scale SHARE       share of the rows (1); smaller scales are for trying, their results are not kept
  --threads N         threads of every contender (2, or the number of cores)
  --memory-limit SIZE memory limit of Bucketline and DuckDB (1GB)
  --server NAME       S3 server of the send benchmarks: minio (default) or versitygw
  --without-python    leave out contenders that are Python packages
  --data DIR          folder of made data, results and the Python environment (~/.cache/bucketline/bench)
  --fresh             load again what Bucketline had loaded before as a base to start from
  --output FILE       also write the results as JSON
  --write-docs        write docs/benchmarks.md from the kept results, after the run
  --no-run            run nothing: print the kept results, with --write-docs write the page

${BENCHMARKS.map((b) => `  ${b.name.padEnd(20)}${b.title}`).join('\n')}
`

const { values: flags, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    scale: { type: 'string', default: '1' },
    threads: { type: 'string', default: String(Math.min(2, cpus().length)) },
    'memory-limit': { type: 'string', default: '1GB' },
    server: { type: 'string', default: 'minio' },
    'without-python': { type: 'boolean', default: false },
    data: { type: 'string', default: join(homedir(), '.cache/bucketline/bench') },
    fresh: { type: 'boolean', default: false },
    output: { type: 'string' },
    'write-docs': { type: 'boolean', default: false },
    'no-run': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (flags.help) {
  console.log(USAGE)
  process.exit(0)
}
const unknown = names.filter((name) => !BENCHMARKS.some((b) => b.name === name))
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}\n\n${USAGE}`)
  process.exit(2)
}

for (const name of ['rounds', 'scale', 'threads'] as const)
  if (flags[name] !== undefined && !(Number(flags[name]) > 0)) {
    console.error(`--${name} is a number above 0, not ${flags[name]}`)
    process.exit(2)
  }

if (flags.server !== 'minio' && flags.server !== 'versitygw') {
  console.error(`--server is minio or versitygw, not ${flags.server}`)
  process.exit(2)
}

const data_dir = resolve(flags.data)
const kept = join(data_dir, 'results')
const context: Context = {
  scale: Number(flags.scale),
  data_dir,
  threads: Number(flags.threads),
  memory_limit: flags['memory-limit'],
  python: flags['without-python'] ? undefined : (list) => pythonEnvironment(data_dir, list),
  server: flags.server,
  fresh: flags.fresh,
  note: (text) => console.error(text),
}
await mkdir(kept, { recursive: true })
const chosen = BENCHMARKS.filter((b) => names.length === 0 || names.includes(b.name))

if (!flags['no-run']) {
  const results: StoredResult[] = []
  for (const benchmark of chosen) {
    const prepared = await benchmark.prepare(context)
    const rounds = Number(flags.rounds ?? benchmark.rounds ?? 5)
    const measured = await runRounds(benchmark, prepared, { context, rounds }).finally(() =>
      prepared.close?.(),
    )
    const result = { ...measured, machine: machineText(), commit: commitText() }
    results.push(result)
    console.log(resultText(benchmark, result))
    // The page is about whole runs only.
    if (context.scale === 1 && context.python !== undefined)
      await writeFile(keptPath(benchmark.name), `${JSON.stringify(result, null, 2)}\n`)
  }
  if (flags.output !== undefined)
    await writeFile(flags.output, `${JSON.stringify({ results }, null, 2)}\n`)
}

if (flags['no-run'] || flags['write-docs']) {
  const all = await Promise.all(
    BENCHMARKS.map(async (benchmark) => ({ benchmark, result: await readKept(benchmark.name) })),
  )
  if (flags['no-run'])
    for (const { benchmark, result } of all)
      if (result !== undefined && chosen.includes(benchmark))
        console.log(resultText(benchmark, result))
  if (flags['write-docs'])
    await writeFile(fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url)), pageText(all))
}

function keptPath(name: string): string {
  return join(kept, `${name}.json`)
}

async function readKept(name: string): Promise<StoredResult | undefined> {
  try {
    return JSON.parse(await readFile(keptPath(name), 'utf8')) as StoredResult
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
}
