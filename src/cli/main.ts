import { readFile } from 'node:fs/promises'
import { ExchangeError } from '../core/errors.ts'
import { asExchangeError, errorReport, errorText, exitCodeOf } from './error-output.ts'
import { openApp, openContracts } from './open.ts'
import { noticeOpening } from './opening-notice.ts'
import { parseCommandLine } from './program.ts'
import { standardInput } from './standard-input.ts'
import { processTerminal } from './terminal.ts'

/** The process: words in, exit code out. Everything below is told what it needs and knows no `process`. */
const terminal = processTerminal()
const argv = process.argv.slice(2)
const stop = new AbortController()
let signal_code: 130 | 143 | undefined

for (const [name, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(name, () => {
    // A load killed here is taken up by the next run, so leaving at once is safe, only less tidy.
    if (signal_code !== undefined) process.exit(code)
    signal_code = code
    terminal.err(`${name}: stopping; once more to leave at once\n`)
    stop.abort()
  })
}

async function main(): Promise<number> {
  let json = argv.includes('--json')
  try {
    const { version } = JSON.parse(
      await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
    ) as { version: string }
    const invocation = parseCommandLine(argv, {
      version,
      style: terminal.style,
      width: Math.min(terminal.width ?? 100, 110),
    })
    if (invocation.type === 'print') {
      await terminal.out(invocation.text)
      return 0
    }
    const { command, input, config_file } = invocation
    json = invocation.json
    const code = await command.run(
      {
        terminal,
        config_file,
        json,
        cwd: process.cwd(),
        env: process.env,
        input: () => standardInput(stop.signal),
        signal: stop.signal,
        openApp: () =>
          openApp({
            config_file,
            signal: stop.signal,
            onOpening: (opened) => {
              if (!json) noticeOpening(opened, terminal)
            },
          }),
        openContracts: () => openContracts({ config_file, signal: stop.signal }),
      },
      input,
    )
    return signal_code ?? code
  } catch (thrown) {
    // What an aborted call throws is the abort, whatever it is wrapped in.
    const error =
      signal_code === undefined
        ? asExchangeError(thrown)
        : new ExchangeError('interrupted', 'stopped by a signal', { cause: thrown })
    if (json) await terminal.out(`${JSON.stringify({ error: errorReport(error) }, undefined, 2)}\n`)
    else terminal.err(errorText(error, terminal.err_style, terminal.err_width))
    return signal_code ?? exitCodeOf(error)
  }
}

// Not left to the event loop: a socket kept alive by a library must not keep a finished command alive.
const code = await main()
await terminal.flush()
process.exit(code)
