import { createReadStream, fstatSync } from 'node:fs'
import { Socket, type SocketConstructorOpts } from 'node:net'
import { addAbortSignal } from 'node:stream'

/** A file is read in pieces of this size; a pipe gives what there is, on Linux no more than that of the other. */
const FILE_PIECE_BYTES = 1 << 20
const PIPE_PIECE_BYTES = 64 << 10

/**
 * What comes on standard input. A piece's memory is used again once the next one is asked for: memory of its own for
 * each of a pipe's many pieces would keep the collector busy for a tenth of the time. Fails when the signal is aborted.
 */
export function standardInput(signal: AbortSignal): AsyncIterable<Uint8Array> {
  const facts = fstatSync(0)
  if (facts.isFIFO() || facts.isSocket()) return pipePieces(signal)
  const stream = facts.isFile()
    ? createReadStream('', { fd: 0, autoClose: false, highWaterMark: FILE_PIECE_BYTES })
    : process.stdin
  return addAbortSignal(signal, stream)
}

async function* pipePieces(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const memory = Buffer.allocUnsafeSlow(PIPE_PIECE_BYTES)
  let piece: Uint8Array | undefined
  let failure: unknown
  let ended = false
  let wake = () => {}
  const onread = {
    buffer: memory,
    callback(bytes: number) {
      piece = memory.subarray(0, bytes)
      wake()
      // Nothing more is read until this one is done with.
      return false
    },
  }
  const end = () => {
    ended = true
    wake()
  }
  const options: SocketConstructorOpts = { fd: 0, readable: true, writable: false, signal, onread }
  const socket = new Socket(options)
    .once('error', (error) => {
      failure = error
    })
    .once('end', end)
    .once('close', end)
  try {
    for (;;) {
      socket.resume()
      if (piece === undefined && !ended) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      if (piece !== undefined) {
        const given = piece
        piece = undefined
        yield given
      } else if (failure !== undefined) throw failure
      else if (ended) return
    }
  } finally {
    socket.destroy()
  }
}
