import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from './core/config.ts'
import { ExchangeError } from './core/errors.ts'
import { toExchangeError } from './exchange/failure.ts'
import { dataPaths } from './exchange/paths.ts'
import type { Ledger } from './ledger/ledger.ts'
import { type EmbeddedLedgerOptions, openEmbeddedLedger } from './ledger/pglite.ts'
import { openPostgresLedger } from './ledger/postgres.ts'
import { resolveSecret, type SecretSources } from './store/credentials.ts'

/** The ledger of a configuration: PostgreSQL where it names one, else the embedded one of the data directory. */
export async function openLedger(
  config: Config,
  settings: EmbeddedLedgerOptions & { readonly secrets: SecretSources },
): Promise<Ledger> {
  const { secrets, ...embedded } = settings
  return config.ledger === undefined
    ? openKeptLedger(embedded)
    : openPostgresLedger({ url: resolveSecret(config.ledger.url, secrets) })
}

/**
 * The embedded ledger, unless it is gone while its datasets are there: a new one would load everything
 * again and take the datasets for files that nobody needs.
 */
async function openKeptLedger(settings: EmbeddedLedgerOptions): Promise<Ledger> {
  const { data_dir } = settings
  if (!(await isFilled(join(data_dir, 'ledger'))) && (await isFilled(dataPaths(data_dir).datasets)))
    throw new ExchangeError(
      'ledger_damaged',
      `${data_dir} holds datasets, but the ledger that names them is gone.`,
      {
        hint: 'Put the folder `ledger` back from a backup; or move `datasets` away to begin anew.',
      },
    )
  return openEmbeddedLedger(settings)
}

async function isFilled(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length > 0
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw toExchangeError(cause)
  }
}
