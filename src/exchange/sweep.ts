import { readdir, rm, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { Feed } from '../core/feed.ts'
import type { Engine } from '../engine/engine.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { DataPaths } from './paths.ts'

export interface SweepReport {
  readonly feed: string
  readonly files: number
  readonly bytes: number
}

export interface SweepTools {
  readonly ledger: Ledger
  readonly engine: Engine
  readonly paths: DataPaths
  readonly now: () => Date
}

/**
 * Removes dataset files that no kept generation names: what crashes left and what retention lets
 * go. The disk is listed before the ledger is asked, so a file of a load that begins meanwhile is
 * never among those looked at. With `partitions` only theirs are looked at: what a load costs must
 * not grow with what was loaded before.
 */
export async function sweepFeed(
  feed: Feed,
  tools: SweepTools,
  partitions?: readonly string[],
): Promise<SweepReport> {
  const { ledger, engine, paths, now } = tools
  const folder = join(paths.datasets, feed.name)
  const folders = partitions?.map((partition) => join(folder, partition)) ?? [folder]
  const found = (await Promise.all(folders.map(filesBelow))).flat()
  const running = await claimedLoads(ledger, now())
  const kept = new Set(await ledger.retainedFiles(feed.name, feed.retain_generations, partitions))
  const gone: string[] = []
  let bytes = 0
  for (const file of found) {
    const path = relative(paths.datasets, file.path).split(sep).join('/')
    if (kept.has(path) || running.some((id) => path.includes(id))) continue
    gone.push(path)
    bytes += file.bytes
  }
  if (gone.length > 0) {
    await engine.retire(gone)
    await ledger.markSwept(feed.name, gone, now())
  }
  return { feed: feed.name, files: gone.length, bytes }
}

/**
 * Removes what deliveries set aside, all but the latest `retain` of each partition that was named (and of those
 * that named none). A receiver keeps as many generations of a partition with theirs.
 */
export async function sweepDeliveryRejects(
  feed_dir: string,
  retain: number,
): Promise<Omit<SweepReport, 'feed'>> {
  let files = 0
  let bytes = 0
  for (const partition of await names(feed_dir)) {
    const found = await filesBelow(join(feed_dir, partition))
    const latest_first = found.sort((a, b) => b.modified_ms - a.modified_ms)
    for (const file of latest_first.slice(retain)) {
      await rm(file.path, { force: true })
      files += 1
      bytes += file.bytes
    }
  }
  return { files, bytes }
}

/** Names of the receivers whose deliveries set rows aside. */
export const deliveryReceivers = (rejects_dir: string): Promise<string[]> => names(rejects_dir)

/** Removes the staging folders of loads that are not running. */
export async function sweepStaging(
  tools: Pick<SweepTools, 'ledger' | 'paths' | 'now'>,
): Promise<void> {
  const folders = await names(tools.paths.staging)
  if (folders.length === 0) return
  const running = new Set(await claimedLoads(tools.ledger, tools.now()))
  for (const folder of folders)
    if (!running.has(folder))
      await rm(join(tools.paths.staging, folder), { recursive: true, force: true })
}

/**
 * Loads that may still publish. A claim that ran out could, as long as nobody takes it: it is taken
 * at the same instant, or a loader that only stalled would publish files that a sweep had removed.
 */
async function claimedLoads(ledger: Ledger, at: Date): Promise<readonly string[]> {
  await ledger.recover(at, false)
  return ledger.runningLoads(at)
}

async function names(dir: string): Promise<string[]> {
  try {
    return await readdir(dir)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw cause
  }
}

interface FoundFile {
  readonly path: string
  readonly bytes: number
  readonly modified_ms: number
}

async function filesBelow(dir: string): Promise<FoundFile[]> {
  const files: FoundFile[] = []
  for (const name of await names(dir)) {
    const path = join(dir, name)
    const facts = await stat(path)
    if (facts.isDirectory()) files.push(...(await filesBelow(path)))
    else files.push({ path, bytes: facts.size, modified_ms: facts.mtimeMs })
  }
  return files
}
