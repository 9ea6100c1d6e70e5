import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Holder, readHolder, SOCKET_FOLDER, takeDataDir } from './data-dir-lock.ts'

let data_dir = ''
let ended = 0
beforeAll(async () => {
  data_dir = mkdtempSync(join(tmpdir(), 'lock-'))
  const child = spawn('true')
  ended = child.pid ?? 0
  await new Promise((resolve) => child.on('exit', resolve))
})
afterAll(() => rmSync(data_dir, { recursive: true }))

function take() {
  const lock = takeDataDir(data_dir, { role: 'loader', command: 'test', now: new Date() })
  if (lock === undefined) throw new Error('somebody has the folder')
  return lock
}

/** Takes the folder after a holder that left this behind; whether its socket's folder is still there. */
function survives(left: Partial<Holder>, dir: string): boolean {
  const holder = { pid: ended, host: hostname(), socket: { dir, port: 5432 }, ...left }
  writeFileSync(join(data_dir, 'holder.json'), JSON.stringify(holder))
  take().release()
  const there = existsSync(dir)
  rmSync(dir, { recursive: true, force: true })
  return there
}

it('removes the socket folder that a killed holder left outside the data directory, and no other', () => {
  expect(survives({}, mkdtempSync(SOCKET_FOLDER))).toBe(false)
  expect(survives({ pid: process.ppid }, mkdtempSync(SOCKET_FOLDER))).toBe(true)
  expect(survives({ host: 'another' }, mkdtempSync(SOCKET_FOLDER))).toBe(true)
  expect(survives({}, mkdtempSync(join(tmpdir(), 'not-bucketline-')))).toBe(true)
})

it('is taken where a power cut left what the holder said of itself empty', () => {
  writeFileSync(join(data_dir, 'holder.json'), '')
  const lock = take()
  expect(readHolder(data_dir)?.pid).toBe(process.pid)
  lock.release()
})
