import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { bytesText } from './texts.ts'

/** Cores, memory and Node of this machine, in words. */
export function machineText(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  return `${cpus().length} cores (${model}), ${bytesText(totalmem())} of memory, ${process.platform} ${process.arch}, Node ${process.versions.node}`
}

/** The commit that was measured; `+changes` where the tree differs from it, empty without git. */
export function commitText(): string {
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const git = (...args: readonly string[]) =>
    execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    const changed = git('status', '--porcelain', '--', 'src', 'bin', 'presets') !== ''
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? '+changes' : ''}`
  } catch {
    return ''
  }
}
