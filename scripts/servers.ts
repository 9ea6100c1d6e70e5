import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SERVER_KINDS, type ServerName } from '../test/servers/kinds.ts'
import { buildServer, cacheFolder, startServer, stopProcess } from '../test/servers/launch.ts'

/**
 * Real servers for tests and for trying things by hand:
 *   node scripts/servers.ts build [NAME…]    build from the Go module proxy into the cache folder
 *   node scripts/servers.ts start [NAME…]    start in the background; prints what clients need as JSON
 *   node scripts/servers.ts stop             stop what `start` started
 */
const running_file = join(cacheFolder(), 'running.json')

interface Running {
  readonly name: string
  readonly pid: number
  readonly folder: string
  readonly settings: Readonly<Record<string, string>>
}

const [verb, ...given] = process.argv.slice(2)
const all = Object.keys(SERVER_KINDS) as ServerName[]
const names = given.length === 0 ? all : all.filter((name) => given.includes(name))
const unknown = given.filter((name) => !all.includes(name as ServerName))

if (unknown.length > 0 || !['build', 'start', 'stop'].includes(verb ?? '')) {
  process.stderr.write(`Usage: node scripts/servers.ts build|start|stop [${all.join('|')}]\n`)
  process.exitCode = 2
} else if (verb === 'build') {
  for (const name of names) process.stdout.write(`${name}: ${await buildServer(name)}\n`)
} else if (verb === 'start') {
  const running = await readRunning()
  for (const name of names) {
    const { pid, folder, settings } = await startServer(name, { detached: true })
    running.push({ name, pid, folder, settings })
    await mkdir(cacheFolder(), { recursive: true })
    await writeFile(running_file, JSON.stringify(running))
  }
  process.stdout.write(`${JSON.stringify({ servers: running }, null, 2)}\n`)
} else {
  for (const { pid, folder } of await readRunning()) {
    await stopProcess(pid)
    await rm(folder, { recursive: true, force: true })
    await rm(`${folder}.log`, { force: true })
  }
  await rm(running_file, { force: true })
}

async function readRunning(): Promise<Running[]> {
  try {
    return JSON.parse(await readFile(running_file, 'utf8')) as Running[]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
