import { type Stream, streamLabel } from '../destination/stream.ts'
import { ExchangeError } from '../errors.ts'
import { type BadValue, type Place, rawText } from './bad-value.ts'
import { isNumeric } from './convert-number.ts'
import { ExactNumber, type JsonValue } from './exact-json.ts'
import type { Shape } from './shape.ts'

type Kind = Shape['kind']

/** What did not fit, and which kinds of value would have. */
export interface Misfit {
  readonly kinds: readonly Kind[]
  readonly value: JsonValue
  readonly kept_as: BadValue['kept_as']
}

/** Where a converter's bad values go; the receiver changes with every record. */
export interface Report {
  receiver: (bad: BadValue) => void
  bad(place: Place, misfit: Misfit): void
}

const NAMES: Record<Kind, string> = {
  string: 'text',
  any_text: 'text',
  object_text: 'object',
  array_text: 'array',
  boolean: 'boolean',
  long: 'integer of 64 bits',
  float: 'number',
  double: 'number',
  bytes: 'base64 text',
  date: 'date',
  time_tz: 'time of day',
  time_ntz: 'time of day',
  timestamp_tz: 'timestamp',
  timestamp_ntz: 'timestamp',
  array: 'array',
  record: 'object',
}

function codeOf({ kinds, value }: Misfit): BadValue['code'] {
  const long = kinds.includes('long')
  const double = kinds.includes('double') || kinds.includes('float')
  if ((long || double) && isNumeric(value)) {
    const number = Number(value instanceof ExactNumber ? value.text : value)
    // What no double holds is infinite; below 2^63 it is merely no integer.
    if (double || !(Math.abs(number) < 2 ** 63)) return 'out_of_range'
  }
  const temporal = kinds.some((kind) => kind.startsWith('time') || kind === 'date')
  return temporal && typeof value === 'string' ? 'bad_time' : 'wrong_type'
}

function messageOf(code: BadValue['code'], raw: string, kinds: readonly Kind[]): string {
  if (code === 'out_of_range') return `${raw} is out of the range of its type.`
  const wanted = [...new Set(kinds.map((kind) => NAMES[kind]))]
  // Of a time that cannot be read, the text it is kept as says nothing.
  const names = code === 'bad_time' ? wanted.filter((name) => name !== 'text') : wanted
  return names.length === 0 ? `${raw} is not null.` : `${raw} is no ${names.join(' and no ')}.`
}

/** With `fail`, the first bad value throws `bad_value` and reaches no receiver. */
export function createReport(
  stream: Pick<Stream, 'name' | 'namespace'>,
  on_bad_value: 'null' | 'fail',
): Report {
  return {
    receiver: () => undefined,
    bad(place, misfit) {
      const field = place.path()
      const code = codeOf(misfit)
      const raw = rawText(misfit.value)
      const message = messageOf(code, raw, misfit.kinds)
      if (on_bad_value === 'fail') {
        const label = streamLabel(stream)
        throw new ExchangeError('bad_value', `Stream "${label}", field "${field}": ${message}`, {
          details: { stream: label, field, code, raw },
        })
      }
      this.receiver({ field, code, message, raw, kept_as: misfit.kept_as })
    },
  }
}
