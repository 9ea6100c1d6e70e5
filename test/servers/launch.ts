import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, rmSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { buildProgram } from './build.ts'
import { SERVER_KINDS, type ServerKind, type ServerName } from './kinds.ts'

export interface RunningServer {
  readonly name: ServerName
  readonly pid: number
  readonly folder: string
  readonly settings: { readonly url: string } & Readonly<Record<string, string>>
  stop(): Promise<void>
}

/** Path of the server's program; builds it on first use (minutes), keyed by its version. */
export async function buildServer(name: ServerName): Promise<string> {
  const kind: ServerKind = SERVER_KINDS[name]
  if (kind.build !== undefined) return buildProgram(name, kind.build)
  const path = kind.installed?.()
  if (path === undefined) throw new Error(`${name} is not installed; its system package brings it`)
  return path
}

export interface StartOptions {
  /** Keeps running after this process ends. */
  readonly detached?: boolean
}

/** Builds if need be, starts on a free loopback port, and returns once the server is ready. */
export async function startServer(
  name: ServerName,
  { detached = false }: StartOptions = {},
): Promise<RunningServer> {
  const binary = await buildServer(name)
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launch(name, binary, detached)
    } catch (error) {
      // Between finding a free port and taking it, another process may have taken it.
      if (attempt === 3) throw error
    }
  }
}

async function launch(name: ServerName, binary: string, detached: boolean): Promise<RunningServer> {
  const kind: ServerKind = SERVER_KINDS[name]
  const folder = await mkdtemp(join(tmpdir(), `bucketline-${name}-`))
  const log = `${folder}.log`
  let child: ChildProcess | undefined
  try {
    const plan = await kind.prepare({ binary, folder, port: await freePort() })
    const output = openSync(log, 'w')
    child = spawn(binary, plan.args, {
      cwd: folder,
      env: { ...process.env, ...plan.env },
      stdio: ['ignore', output, output],
      detached,
      ...plan.user,
    })
    closeSync(output)
    await untilReady(name, child, plan.ready)
    if (detached) child.unref()
    const { pid } = child
    if (pid === undefined) throw new Error(`${name} has no process`)
    const end = () => {
      child?.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
      rmSync(log, { force: true })
    }
    if (!detached) process.once('exit', end)
    return {
      name,
      pid,
      folder,
      settings: plan.settings,
      async stop() {
        process.off('exit', end)
        await stopProcess(pid)
        await rm(folder, { recursive: true, force: true })
        await rm(log, { force: true })
      },
    }
  } catch (error) {
    child?.kill('SIGKILL')
    const text = existsSync(log) ? (await readFile(log, 'utf8')).slice(-2_000) : ''
    await rm(folder, { recursive: true, force: true })
    await rm(log, { force: true })
    throw new Error(`${name} did not start: ${text}`, { cause: error })
  }
}

async function untilReady(
  name: string,
  child: ChildProcess,
  ready: () => Promise<boolean>,
): Promise<void> {
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = error
  })
  const deadline = Date.now() + 60_000
  while (!(await ready())) {
    if (failure !== undefined) throw failure
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`)
    if (Date.now() > deadline) throw new Error(`${name} was not ready within 60 s`)
    await delay(25)
  }
}

/** Ends a server by its process id: asked first, made to after 5 s. */
export async function stopProcess(pid: number): Promise<void> {
  const signal = (name: NodeJS.Signals | 0) => {
    try {
      return process.kill(pid, name)
    } catch {
      // The process is gone.
      return false
    }
  }
  // PostgreSQL waits for its clients on SIGTERM, and ends at once on SIGINT.
  signal('SIGINT')
  for (let i = 0; i < 200; i += 1) {
    if (!signal(0)) return
    await delay(25)
  }
  signal('SIGKILL')
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
