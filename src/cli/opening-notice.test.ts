import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { memoryTerminal } from '../../test/memory-terminal.ts'
import { noticeOpening } from './opening-notice.ts'

describe('noticeOpening', () => {
  it('says so when it takes longer than a moment, and takes it back', async () => {
    const terminal = memoryTerminal({ err_width: 80 })
    const opening = Promise.withResolvers<void>()
    noticeOpening(opening.promise, terminal, 5)
    expect(terminal.written.err).toBe('')
    await sleep(20)
    expect(terminal.written.err).toBe('opening the ledger …\r')
    opening.resolve()
    await sleep(0)
    expect(terminal.written.err).toBe('opening the ledger …\r\u001b[K')
  })

  it('takes it back when opening fails, before the error is said', async () => {
    const terminal = memoryTerminal({ err_width: 80 })
    const opening = Promise.withResolvers<void>()
    noticeOpening(opening.promise, terminal, 5)
    const told = opening.promise.catch(() => terminal.err('locked'))
    await sleep(20)
    opening.reject(new Error('locked'))
    await told
    expect(terminal.written.err).toBe('opening the ledger …\r\u001b[Klocked')
  })

  it('is silent when it is quick, and where there is no terminal', async () => {
    const quick = memoryTerminal({ err_width: 80 })
    noticeOpening(Promise.resolve(), quick, 5)
    const log = memoryTerminal()
    noticeOpening(sleep(20), log, 5)
    await sleep(30)
    expect([quick.written.err, log.written.err]).toEqual(['', ''])
  })
})
