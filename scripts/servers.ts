import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildProgram, cacheFolder } from '../test/servers/build.ts'
import { SERVER_KINDS, type ServerName, TOOLS } from '../test/servers/kinds.ts'
import { buildServer, startServer, stopProcess } from '../test/servers/launch.ts'

/**
 * Real servers for tests and for trying things by hand, each on a free loopback port:
 *   node scripts/servers.ts build [NAME…]    build or install into the cache folder (minutes, once)
 *   node scripts/servers.ts start [NAME…]    start in the background; prints what clients need as JSON
 *   node scripts/servers.ts stop             stop what `start` started
 * Without names: all of them. `build` also brings the tools that tests use beside the servers.
 */
const running_file = join(cacheFolder(), 'running.json')

interface Running {
  readonly name: string
  readonly pid: number
  readonly folder: string
  readonly settings: Readonly<Record<string, string>>
}

const [verb, ...given] = process.argv.slice(2)
const servers = Object.keys(SERVER_KINDS) as ServerName[]
const tools = verb === 'build' ? (Object.keys(TOOLS) as (keyof typeof TOOLS)[]) : []
const wanted = (name: string) => given.length === 0 || given.includes(name)
const unknown = given.filter((name) => ![...servers, ...tools].some((known) => known === name))

if (unknown.length > 0 || !['build', 'start', 'stop'].includes(verb ?? '')) {
  const names = [...servers, ...tools].join('|')
  process.stderr.write(`Usage: node scripts/servers.ts build|start|stop [${names}]\n`)
  process.exitCode = 2
} else if (verb === 'build') {
  for (const name of servers.filter(wanted)) await build(name, () => buildServer(name))
  for (const name of tools.filter(wanted)) {
    await build(name, () => buildProgram(name, TOOLS[name]))
  }
} else if (verb === 'start') {
  const running = await readRunning()
  for (const name of servers.filter(wanted)) {
    const { pid, folder, settings } = await startServer(name, { detached: true })
    running.push({ name, pid, folder, settings })
    await mkdir(cacheFolder(), { recursive: true })
    await writeFile(running_file, JSON.stringify(running))
  }
  process.stdout.write(`${JSON.stringify({ servers: running }, null, 2)}\n`)
} else {
  const stops = (await readRunning()).map(async ({ pid, folder }) => {
    await stopProcess(pid)
    await rm(folder, { recursive: true, force: true })
    await rm(`${folder}.log`, { force: true })
  })
  await Promise.all(stops)
  await rm(running_file, { force: true })
}

/** One that fails does not keep the others from being built. */
async function build(name: string, work: () => Promise<string>): Promise<void> {
  const began = performance.now()
  try {
    const path = await work()
    const seconds = ((performance.now() - began) / 1000).toFixed(0)
    process.stdout.write(`${name}: ${path} (${seconds} s)\n`)
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}

async function readRunning(): Promise<Running[]> {
  try {
    return JSON.parse(await readFile(running_file, 'utf8')) as Running[]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
