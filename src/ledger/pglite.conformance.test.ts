import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ledgerConformance } from '../../test/conformance/ledger.ts'
import { openEmbeddedLedger } from './pglite.ts'

ledgerConformance('PGlite', async () => {
  const data_dir = mkdtempSync(join(tmpdir(), 'ledger-'))
  const now = new Date()
  const ledger = await openEmbeddedLedger({ data_dir, role: 'loader', command: 'test', now })
  return {
    ledger,
    connect: () => openEmbeddedLedger({ data_dir, role: 'reader', command: 'test', now }),
    async [Symbol.asyncDispose]() {
      await ledger[Symbol.asyncDispose]()
      rmSync(data_dir, { recursive: true })
    },
  }
})
