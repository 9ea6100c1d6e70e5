import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Feed } from './core/feed.ts'
import { toExchangeError } from './exchange/failure.ts'
import { keptRows } from './exchange/load/kept-rows.ts'
import type { Observe } from './exchange/progress.ts'
import { type Reject, readRejects } from './exchange/rejects.ts'
import { latestServedFile } from './exchange/served-file.ts'
import { type Validation, validateFiles, validatePartition } from './exchange/validate/validate.ts'
import type { Ports } from './open-ports.ts'
import { discoverAndPlan, type Selection } from './plan.ts'
import { contractFeed } from './read-feed.ts'
import { validationReport } from './validation-report.ts'

export interface ValidateRequest extends Selection {
  /** Local files checked instead of what a feed's bucket holds. */
  readonly files: readonly string[]
  readonly preset?: string
  readonly contract?: string
}

export interface ValidateRun {
  readonly signal: AbortSignal
  readonly observe: Observe
}

/** A load's checks, publishing nothing; `rejects` are to be read before the app is closed. */
export async function validate(request: ValidateRequest, run: ValidateRun, ports: Ports) {
  const root = await temporaryDir(ports.configured ? ports.paths.staging : tmpdir())
  ports.keep({ [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) })
  const results =
    request.files.length > 0
      ? await validateLocal(request, root, run, ports)
      : await validateFeeds(request, root, run, ports)
  return { validations: results.map(validationReport), rejects: rejectsOf(results, ports) }
}

async function validateLocal(
  request: ValidateRequest,
  dir: string,
  run: ValidateRun,
  ports: Ports,
): Promise<readonly Validation[]> {
  const { cwd } = ports.options
  const [name] = request.feeds
  const [named] = name === undefined ? [] : await ports.feedsOf([name])
  const feed = named ?? (await contractFeed(request, cwd))
  const files = request.files.map((path) => resolve(cwd, path))
  return validateFiles(files, { ...tools(feed, dir, run, ports), known: [] })
}

async function validateFeeds(
  request: ValidateRequest,
  root: string,
  run: ValidateRun,
  ports: Ports,
): Promise<readonly Validation[]> {
  const datasets_dir = ports.paths.datasets
  const results: Validation[] = []
  const force = request.partition !== undefined
  const selection = { ...request, all: false, force, replay: false }
  for (const feed of await ports.feedsOf(request.feeds)) {
    const { plan } = await discoverAndPlan(feed, selection, { ...run, role: 'reader' }, ports)
    const ledger = await ports.openLedger('reader')
    const known = await ledger.columns(feed.name)
    for (const item of plan.items) {
      const dir = join(root, String(results.length))
      const kept = await keptRows(feed, item, { ledger, datasets_dir })
      results.push(
        await validatePartition(item, await ports.storeOf(feed), {
          ...tools(feed, dir, run, ports),
          known,
          kept,
          servedFile: () => latestServedFile(feed.name, { ledger, datasets_dir }),
        }),
      )
    }
  }
  return results
}

const tools = (
  feed: Feed,
  dir: string,
  { observe, signal }: ValidateRun,
  { formats, openDuckdb }: Ports,
) => ({ feed, formats, dir, observe, openDuckdb, clock: () => performance.now(), signal })

async function* rejectsOf(
  results: readonly Validation[],
  { openDuckdb }: Ports,
): AsyncGenerator<Reject> {
  for (const { feed, partition, checked } of results)
    if (checked.rejects_file !== undefined)
      yield* readRejects(feed, [{ partition, path: checked.rejects_file }], openDuckdb)
}

async function temporaryDir(staging: string): Promise<string> {
  try {
    await mkdir(staging, { recursive: true })
    return await mkdtemp(join(staging, 'validate-'))
  } catch (cause) {
    throw toExchangeError(cause)
  }
}
