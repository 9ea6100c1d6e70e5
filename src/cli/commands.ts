import type { Command } from './command.ts'
import { airbyteCheck, airbyteSpec, airbyteWrite } from './commands/airbyte.ts'
import { check } from './commands/check.ts'
import { contractDiff } from './commands/contract-diff.ts'
import { contractGuide } from './commands/contract-guide.ts'
import { contractImport } from './commands/contract-import.ts'
import { contractLint } from './commands/contract-lint.ts'
import { contractSample } from './commands/contract-sample.ts'
import { contractShow } from './commands/contract-show.ts'
import { deliver } from './commands/deliver.ts'
import { init } from './commands/init.ts'
import { load } from './commands/load.ts'
import { plan } from './commands/plan.ts'
import { policy } from './commands/policy.ts'
import { query } from './commands/query.ts'
import { rejects } from './commands/rejects.ts'
import { rollback } from './commands/rollback.ts'
import { status } from './commands/status.ts'
import { sweep } from './commands/sweep.ts'
import { sync } from './commands/sync.ts'
import { validate } from './commands/validate.ts'

/** Every command. A new one is a file in `commands/` and a line here. */
export const COMMANDS: readonly Command[] = [
  init,
  check,
  policy,
  plan,
  load,
  validate,
  status,
  rejects,
  query,
  rollback,
  sweep,
  deliver,
  sync,
  airbyteSpec,
  airbyteCheck,
  airbyteWrite,
  contractShow,
  contractGuide,
  contractLint,
  contractSample,
  contractImport,
  contractDiff,
]

/** How help groups them, by the command's first word. */
export const COMMAND_GROUPS: readonly {
  readonly title: string
  readonly names: readonly string[]
}[] = [
  { title: 'Start', names: ['init', 'check', 'policy'] },
  { title: 'Receive', names: ['plan', 'load', 'validate'] },
  { title: 'Send', names: ['deliver', 'sync', 'airbyte'] },
  { title: 'Look', names: ['status', 'rejects', 'query'] },
  { title: 'Maintain', names: ['rollback', 'sweep'] },
  { title: 'Contracts', names: ['contract'] },
]

/** What help says of commands whose names have two words, by the first. */
export const GROUP_SUMMARIES: Readonly<Record<string, string>> = {
  contract: 'Show, check, sample, draft and compare contracts.',
  airbyte: 'The S3 destination as an Airbyte connector: spec, check, write.',
}
