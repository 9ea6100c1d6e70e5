import type { Terminal } from './terminal.ts'

/** What opens sooner needs no word; milliseconds. */
const SOON_MS = 400

/**
 * Says on a terminal's standard error that the ledger is being opened, once that takes longer than a
 * moment: a new one is made first. The notice is gone when it is open, or when opening it failed.
 */
export function noticeOpening(
  opened: Promise<unknown>,
  terminal: Pick<Terminal, 'err' | 'err_width' | 'err_style'>,
  soon_ms = SOON_MS,
): void {
  if (terminal.err_width === undefined) return
  let said = false
  const timer = setTimeout(() => {
    said = true
    // Back at the line's start, so that whatever is written next takes its place.
    terminal.err(`${terminal.err_style('dim', 'opening the ledger …')}\r`)
  }, soon_ms)
  const end = () => {
    clearTimeout(timer)
    if (said) terminal.err('\u001b[K')
  }
  opened.then(end, end)
}
