import { mkdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type GuideAccess, type GuideSource, writeGuide } from './contract-guide.ts'
import { PRESETS, type PresetName } from './core/config.ts'
import type { Grain } from './core/contract/contract.ts'
import { type ContractChange, diffContracts } from './core/contract/diff.ts'
import { lintContract } from './core/contract/lint.ts'
import { contractPage } from './core/contract/page.ts'
import { type ContractSummary, showContract } from './core/contract/show.ts'
import { ExchangeError } from './core/errors.ts'
import { parseLayout } from './core/layout/layout.ts'
import { parseContract } from './core/odcs/odcs.ts'
import { parsePartition, partitionAt } from './core/partition.ts'
import { PRESET_DELIVERY, type PresetDelivery } from './core/presets.ts'
import { Completion, Format } from './core/settings.ts'
import { type DuckdbOptions, openDuckdb } from './duckdb/duckdb.ts'
import { importContract } from './exchange/contract/import-contract.ts'
import { readPreset } from './exchange/contract/read-preset.ts'
import { writeSample } from './exchange/contract/write-sample.ts'
import { openLocal } from './store/local.ts'

/** Composes what is done with contracts without a ledger: reading, checking, sampling, drafting, comparing. */

/** A contract document and, where it is known, how its deliveries come. */
export interface ContractSource {
  /** What messages call it: a path, `preset x`, `feed x`. */
  readonly source: string
  readonly text: string
  readonly delivery?: PresetDelivery
  /** IANA zone in which partitions are cut; UTC without it. */
  readonly zone?: string
  /** Of a feed: what a guide says beyond the contract. */
  readonly received?: Required<GuideSource>['received']
}

export interface ContractToolsOptions {
  /** The contract of a feed of the configuration; undefined where there is no such feed. */
  readonly feedContract: (name: string) => Promise<ContractSource | undefined>
  readonly duckdb: DuckdbOptions
  readonly now: () => Date
}

export interface SampleRequest {
  readonly folder: string
  readonly rows: number
  readonly format?: 'parquet' | 'jsonl' | 'csv'
  /** The last whole one before now without it. */
  readonly partition?: string
}

/** A contract is named by a preset, a file or a feed, tried in this order. */
export function createContractTools(options: ContractToolsOptions) {
  const find = (name: string) => findContract(name, options.feedContract)
  return {
    /** The document as it is, as a page for a partner, and as plain data. */
    async show(name: string) {
      const { source, text, delivery } = await find(name)
      const { contract } = parseContract(text, source)
      const json: ContractSummary = showContract(contract)
      const how =
        delivery === undefined
          ? {}
          : {
              layout: delivery.layout,
              completion: delivery.completion,
              // What a sample is written as stands for what `auto` would tell apart.
              format:
                delivery.format.type === 'auto' ? delivery.sample.format : delivery.format.type,
            }
      return { source, yaml: text, markdown: contractPage(contract, how), json }
    },

    /** The page that a partner follows: one HTML document. */
    async guide(name: string, access: GuideAccess) {
      const { source, text, delivery, received } = await find(name)
      const { contract } = parseContract(text, source)
      const guide = await writeGuide(
        {
          name,
          contract,
          text,
          delivery: delivery ?? plainDelivery(contract.service_levels.frequency ?? 'day'),
          access,
          ...(received === undefined ? {} : { received }),
        },
        { duckdb: options.duckdb, now: options.now() },
      )
      return { source, ...guide }
    },

    /** Never throws for what is in the document. */
    async lint(name: string) {
      const { source, text } = await find(name)
      const { valid, problems, not_executed, notes } = lintContract(text)
      return {
        source,
        valid,
        problems: [
          ...problems.map((each) => ({ severity: 'error' as const, ...each })),
          ...not_executed.map(({ path, line, reason }) => ({
            severity: 'warning' as const,
            message: `not executed: ${reason}`,
            path,
            ...(line === undefined ? {} : { line }),
          })),
          ...notes.map((message) => ({ severity: 'note' as const, message })),
        ],
      }
    },

    /** Writes a delivery that passes; existing files are an error. Paths are under `folder`. */
    async sample(name: string, request: SampleRequest) {
      const { source, text, delivery, zone } = await find(name)
      const { contract } = parseContract(text, source)
      const {
        sample,
        layout: template,
        completion,
      } = delivery ?? plainDelivery(contract.service_levels.frequency ?? 'day')
      const layout = parseLayout(template, zone === undefined ? {} : { zone })
      // A partition that is not over yet would be one of the future.
      const current = partitionAt(options.now(), layout.grain, layout.zone)
      const last = partitionAt(new Date(current.start.getTime() - 1), layout.grain, layout.zone)
      const partition =
        request.partition === undefined
          ? last
          : parsePartition(request.partition, layout.zone, layout.grain)
      await using duckdb = await openDuckdb(options.duckdb)
      await mkdir(request.folder, { recursive: true })
      await using store = await openLocal(request.folder)
      const { objects } = await writeSample(
        contract,
        {
          store,
          prefix: '',
          layout,
          format: request.format ?? sample.format,
          compression:
            request.format === undefined || request.format === sample.format
              ? sample.compression
              : 'none',
          completion,
        },
        { rows: request.rows, partition, if_absent: true, duckdb, dir: tmpdir() },
      )
      return objects.map(({ key, rows, size }) => ({
        path: join(request.folder, key),
        rows,
        bytes: size,
      }))
    },

    /** Drafts a contract from sample files. */
    async import(files: readonly string[], request: { readonly id?: string }) {
      await using duckdb = await openDuckdb(options.duckdb)
      const { text, notes } = await importContract(files, {
        duckdb,
        ...(request.id === undefined ? {} : { name: request.id }),
      })
      return { yaml: text, notes }
    },

    async diff(from: string, to: string): Promise<readonly ContractChange[]> {
      const [old, next] = [await find(from), await find(to)]
      return diffContracts(
        parseContract(old.text, old.source).contract,
        parseContract(next.text, next.source).contract,
      )
    },
  }
}

const isPreset = (name: string): name is PresetName => PRESETS.some((preset) => preset === name)

async function findContract(
  name: string,
  feedContract: ContractToolsOptions['feedContract'],
): Promise<ContractSource> {
  if (isPreset(name)) {
    const { text } = await readPreset(name)
    return { source: `preset ${name}`, text, delivery: PRESET_DELIVERY[name] }
  }
  try {
    return { source: name, text: await readFile(name, 'utf8') }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'EISDIR') throw error
    // A path is not the name of a feed, and the configuration need not be there to say so.
    const feed = /[./\\]/.test(name) ? undefined : await feedContract(name)
    if (feed !== undefined) return feed
    throw new ExchangeError('contract_not_found', `there is no contract ${name}`, {
      hint: `Name a file, a feed of the configuration, or a preset: ${PRESETS.join(', ')}.`,
      cause: error,
    })
  }
}

/** How a delivery of a contract alone is written: JSON lines in one folder a partition. */
export function plainDelivery(grain: Grain): PresetDelivery {
  const folders: Readonly<Record<Grain, string>> = {
    year: 'dt={yyyy}',
    month: 'dt={yyyy}-{MM}',
    day: 'dt={yyyy}-{MM}-{dd}',
    hour: 'dt={yyyy}-{MM}-{dd}/H={HH}',
    '15 minutes': 'dt={yyyy}-{MM}-{dd}/H={HH}/m={mm}',
  }
  return {
    layout: `${folders[grain]}/{file}`,
    format: Format.parse({ type: 'auto' }),
    completion: Completion.parse({ type: 'immediate' }),
    sample: { format: 'jsonl', compression: 'none' },
  }
}
