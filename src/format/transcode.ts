/** A line that is not in the declared encoding is passed on as this byte and its own bytes. */
export const NOT_IN_ENCODING = 0xff

const LF = 0x0a

/**
 * Turns text of another encoding into UTF-8, line by line: a line that is not in the encoding is
 * passed on as the byte `NOT_IN_ENCODING` followed by its own bytes, so that one bad line is one bad
 * row. A line much longer than `max_bytes` is decoded in pieces (it will be refused as too long).
 */
export async function* transcode(
  input: AsyncIterable<Uint8Array>,
  encoding: string,
  max_bytes: number,
): AsyncGenerator<Uint8Array> {
  const unit = encoding.startsWith('utf-16') ? 2 : 1
  const low = encoding === 'utf-16be' ? 1 : 0
  let held = Buffer.alloc(0)

  function lineEnd(bytes: Buffer, from: number): number {
    for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
      if (unit === 1) return at + 1
      const first = at - low
      if (first >= from && first % 2 === 0 && bytes[first + 1 - low] === 0) return first + 2
    }
    return -1
  }

  let long: ((bytes: Buffer, options: { readonly stream: boolean }) => Buffer) | undefined

  for await (const chunk of input) {
    held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk])
    const out: Buffer[] = []
    let from = 0
    for (;;) {
      const end = lineEnd(held, from)
      if (end < 0) break
      const line = held.subarray(from, end)
      out.push(long?.(line, { stream: false }) ?? decodeLine(line, encoding))
      long = undefined
      from = end
    }
    held = held.subarray(from)
    if (long !== undefined || held.length > 4 * max_bytes) {
      long ??= pieceDecoder(encoding)
      // Line breaks are looked for where a character can begin.
      const whole = held.length - (held.length % unit)
      out.push(long(held.subarray(0, whole), { stream: true }))
      held = held.subarray(whole)
    }
    if (out.length > 0) yield Buffer.concat(out)
  }
  if (long !== undefined) yield long(held, { stream: false })
  else if (held.length > 0) yield decodeLine(held, encoding)
}

/** Decodes one line in pieces, which may end within a character. What is not in the encoding is marked where it shows. */
function pieceDecoder(encoding: string) {
  let decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true })
  return (bytes: Buffer, options: { readonly stream: boolean }): Buffer => {
    try {
      return Buffer.from(decoder.decode(bytes, options))
    } catch {
      // The rest of the line is refused, whatever it says; its line break still ends it.
      decoder = new TextDecoder(encoding, { fatal: false, ignoreBOM: true })
      const rest = Buffer.from(decoder.decode(bytes, options))
      return Buffer.concat([Buffer.of(NOT_IN_ENCODING), rest])
    }
  }
}

const decoders = new Map<string, InstanceType<typeof TextDecoder>>()

function decodeLine(line: Buffer, encoding: string): Buffer {
  let decoder = decoders.get(encoding)
  if (decoder === undefined) {
    decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true })
    decoders.set(encoding, decoder)
  }
  try {
    return Buffer.from(decoder.decode(line))
  } catch {
    // The line's own break, whatever its width, must stay one line break.
    const body = line.filter((byte) => byte !== LF)
    return Buffer.concat([Buffer.of(NOT_IN_ENCODING), body, Buffer.of(LF)])
  }
}
