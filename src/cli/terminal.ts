import { styleText } from 'node:util'

/** Where a command writes: results to `out`, everything said about them to `err`. */
export interface Terminal {
  /** Writes to standard output; resolves when the reader has taken it, so that long output stays bounded in memory. */
  out(text: string): Promise<void>
  /** Writes to standard error. */
  err(text: string): void
  /** Resolves when both streams have handed on what was written to them, or have lost their readers. */
  flush(): Promise<void>
  /** The reader of standard output has gone (`| head`): what is written is dropped, long output may stop. */
  readonly closed: boolean
  /** Columns of the terminal that `out` goes to; undefined where it is no terminal. */
  readonly width: number | undefined
  /** Columns of the terminal that `err` goes to; undefined where it is no terminal. Asked anew, as windows are resized. */
  readonly err_width: number | undefined
  readonly style: Style
  readonly err_style: Style
}

/** Colours a text, or leaves it as it is where there is nobody to see colours. */
export type Style = (color: Color, text: string) => string
export type Color = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** A `Style` that colours, for terminals. */
export const colored: Style = (color, text) => styleText(color, text, { validateStream: false })

/** A `Style` that leaves texts alone: files, pipes, `NO_COLOR`. */
export const plain: Style = (_color, text) => text

/** Columns of a terminal; one that does not know its size, as in containers, is taken for a common one. */
const columnsOf = (stream: NodeJS.WriteStream): number | undefined =>
  stream.isTTY ? stream.columns || 80 : undefined

/** The streams of this process. */
export function processTerminal(env: NodeJS.ProcessEnv = process.env): Terminal {
  const { stdout, stderr } = process
  let closed = false
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    closed = true
  })
  // Nobody reads what is said: there is nobody to tell, and no result is lost by it.
  stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  // https://no-color.org: set and not empty switches colours off; so does a terminal that has none.
  const style = (stream: NodeJS.WriteStream): Style =>
    stream.isTTY && !env.NO_COLOR && env.TERM !== 'dumb' ? colored : plain
  return {
    out: (text) =>
      new Promise((resolve) => {
        if (closed) resolve()
        else stdout.write(text, () => resolve())
      }),
    err: (text) => {
      stderr.write(text)
    },
    flush: async () => {
      const written = (stream: NodeJS.WriteStream) =>
        new Promise<void>((resolve) => {
          if (!stream.writable) resolve()
          else stream.write('', () => resolve())
        })
      await Promise.all([written(stdout), written(stderr)])
    },
    get closed() {
      return closed
    },
    get width() {
      return columnsOf(stdout)
    },
    get err_width() {
      return columnsOf(stderr)
    },
    style: style(stdout),
    err_style: style(stderr),
  }
}
