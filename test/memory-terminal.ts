import { plain, type Style, type Terminal } from '../src/cli/terminal.ts'

/** A terminal that keeps what is written to it. */
export interface MemoryTerminal extends Terminal {
  readonly written: { out: string; err: string }
}

export interface MemoryTerminalOptions {
  readonly width?: number
  readonly err_width?: number
  readonly style?: Style
  /** Bytes of output after which the reader goes away. */
  readonly closes_after?: number
}

/** Without a width it is a pipe, with one a screen. */
export function memoryTerminal(options: MemoryTerminalOptions = {}): MemoryTerminal {
  const written = { out: '', err: '' }
  const style = options.style ?? plain
  return {
    written,
    out: async (text) => {
      written.out += text
    },
    err: (text) => {
      written.err += text
    },
    flush: async () => {},
    get closed() {
      return written.out.length > (options.closes_after ?? Number.POSITIVE_INFINITY)
    },
    width: options.width,
    err_width: options.err_width,
    style,
    err_style: style,
  }
}
