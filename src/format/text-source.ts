import { isUtf8 } from 'node:buffer'
import { ExchangeError } from '../core/errors.ts'
import type { FormatSettings } from '../core/settings.ts'
import { type Codec, type ExpandOptions, expand, readHead, sniffCodec } from './codecs.ts'
import type { StagedObject } from './format.ts'
import { Refusal } from './refusal.ts'
import { NOT_IN_ENCODING, transcode } from './transcode.ts'

const HEAD = 512
const SUFFIXES: Readonly<Record<string, Codec>> = {
  gz: 'gzip',
  gzip: 'gzip',
  zst: 'zstd',
  zstd: 'zstd',
  bz2: 'bzip2',
  xz: 'xz',
  zip: 'zip',
}

export interface TextSource {
  readonly codec: Codec
  /** The expanded bytes are the text itself: UTF-8 without a byte order mark. */
  readonly as_delivered: boolean
  /** `NOT_IN_ENCODING` where the text is transcoded. */
  readonly not_in_encoding: number | undefined
  /** First bytes of the text. */
  readonly head: Uint8Array
  /** The whole text as UTF-8, without a byte order mark. Throws a `Refusal`. */
  read(options: Omit<ExpandOptions, 'codec'>): AsyncGenerator<Uint8Array>
}

type TextSettings = Exclude<FormatSettings, { type: 'parquet' }>

/**
 * Settles how a text object is compressed and encoded, by its first bytes. Throws a `Refusal`:
 * `empty_object`, `wrong_format`, `corrupt_object`, `encoding`.
 */
export async function openText(
  object: StagedObject,
  settings: TextSettings,
  expected: 'JSON lines' | 'CSV' | 'JSON lines or CSV' = 'JSON lines',
): Promise<TextSource> {
  const encoding = encodingNamed(settings.encoding)
  if (object.bytes === 0) throw new Refusal('empty_object', 'The object has no bytes.')
  const delivered = await readHead(object.path, HEAD)
  if (delivered.length === 0) throw new Refusal('empty_object', 'The object has no bytes.')
  const codec = settleCodec(delivered, settings.compression)
  const head = codec === 'none' ? delivered : await expandedHead(object.path, codec, settings)
  checkHead(head, { codec, encoding, expected, key: object.key })
  const utf8 = encoding === 'utf-8'
  const mark = markLength(head, encoding)
  return {
    codec,
    as_delivered: utf8 && mark === 0,
    not_in_encoding: utf8 ? undefined : NOT_IN_ENCODING,
    head: head.subarray(mark),
    read(options) {
      const bytes = withoutMark(expand(object.path, { ...options, codec }), mark)
      return utf8 ? bytes : transcode(bytes, encoding, settings.max_row_bytes)
    },
  }
}

/** The WHATWG name of an encoding, by any of its labels. */
function encodingNamed(label: string): string {
  try {
    return new TextDecoder(label).encoding
  } catch (cause) {
    throw new ExchangeError('config_invalid', `There is no encoding named ${label}.`, {
      cause,
      hint: 'Use a WHATWG name such as utf-8, windows-1252, euc-kr or shift_jis.',
    })
  }
}

function settleCodec(head: Uint8Array, wanted: FormatSettings['compression']): Codec {
  const found = sniffCodec(head)
  if (wanted === 'auto' || wanted === found) return found
  const other = looksLike(head)
  if (wanted === 'none') {
    throw new Refusal('wrong_format', `The object is ${found} data; the feed expects none.`)
  }
  if (other !== undefined || found !== 'none') {
    throw new Refusal(
      'wrong_format',
      `The object is ${other ?? `${found} data`}; the feed expects ${wanted}.`,
    )
  }
  throw new Refusal('corrupt_object', `The object does not begin like ${wanted} data.`)
}

async function expandedHead(
  path: string,
  codec: Codec,
  settings: TextSettings,
): Promise<Uint8Array> {
  let head = Buffer.alloc(0)
  for await (const chunk of expand(path, {
    codec,
    max_expanded_bytes: settings.max_expanded_bytes,
  })) {
    head = Buffer.concat([head, chunk.subarray(0, HEAD)])
    if (head.length >= HEAD) break
  }
  return head
}

/** What bytes are, where their first ones tell: a format that is neither JSON lines nor CSV. */
export function looksLike(head: Uint8Array): string | undefined {
  const start = Buffer.from(head.subarray(0, 4)).toString('latin1')
  if (start === 'PAR1') return 'a Parquet file'
  if (start === 'PARE') return 'an encrypted Parquet file'
  if (start === 'Obj\u0001') return 'an Avro file'
  if (start.startsWith('ORC')) return 'an ORC file'
  if (start === 'ARRO') return 'an Arrow file'
  if (start === '%PDF') return 'a PDF document'
  if (start === '\u0089PNG') return 'a PNG image'
  if (/^<(\?xml|!DOC|html|Erro)/i.test(Buffer.from(head.subarray(0, 8)).toString('latin1'))) {
    return 'an XML or HTML document'
  }
  return undefined
}

interface HeadFacts {
  readonly codec: Codec
  readonly encoding: string
  readonly expected: string
  readonly key: string
}

function checkHead(head: Uint8Array, facts: HeadFacts): void {
  const other = looksLike(head)
  if (other !== undefined) {
    throw new Refusal('wrong_format', `The object is ${other}; the feed expects ${facts.expected}.`)
  }
  const inner = sniffCodec(head)
  if (facts.codec !== 'none' && inner !== 'none') {
    throw new Refusal('wrong_format', `The object is compressed twice: ${inner} in ${facts.codec}.`)
  }
  const utf16 = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)
  if (utf16 && !facts.encoding.startsWith('utf-16')) {
    throw new Refusal(
      'encoding',
      `The text begins with the byte order mark of UTF-16; the feed declares ${facts.encoding}.`,
    )
  }
  const suffix = /\.([a-z0-9]+)$/i.exec(facts.key)?.[1]?.toLowerCase() ?? ''
  const named = SUFFIXES[suffix]
  if (facts.codec === 'none' && named !== undefined && !plausible(head, facts.expected)) {
    throw new Refusal(
      'corrupt_object',
      `The key ends in .${suffix}, but the bytes are not ${named}.`,
    )
  }
}

/** Whether the bytes could begin a text of the expected kind. */
function plausible(head: Uint8Array, expected: string): boolean {
  if (expected === 'JSON lines') {
    return /^[\s\uFEFF]*[{["]/.test(Buffer.from(head).toString())
  }
  // The head may end within a character.
  const cut = [0, 1, 2, 3].some((back) => isUtf8(head.subarray(0, head.length - back)))
  return cut && !head.some((c) => c < 0x20 && c !== 0x09 && c !== 0x0a && c !== 0x0d)
}

function markLength(head: Uint8Array, encoding: string): number {
  if (encoding === 'utf-8') return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0
  if (encoding === 'utf-16le') return head[0] === 0xff && head[1] === 0xfe ? 2 : 0
  if (encoding === 'utf-16be') return head[0] === 0xfe && head[1] === 0xff ? 2 : 0
  return 0
}

async function* withoutMark(
  bytes: AsyncGenerator<Uint8Array>,
  mark: number,
): AsyncGenerator<Uint8Array> {
  let left = mark
  for await (const chunk of bytes) {
    const skip = Math.min(left, chunk.length)
    left -= skip
    if (skip < chunk.length) yield skip === 0 ? chunk : chunk.subarray(skip)
  }
}
