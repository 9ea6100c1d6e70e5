import { ExchangeError } from '../errors.ts'
import type { AvroCodec } from './output.ts'

/** Levels of Avro's codecs: least, greatest and the one taken where none is given. */
export const AVRO_LEVELS = {
  deflate: { min: 0, max: 9, default: 0 },
  xz: { min: 0, max: 9, default: 6 },
  zstandard: { min: -5, max: 22, default: 3 },
} as const

/** Completes a codec. Throws `config_invalid` for a level that the codec does not have. */
export function avroCodec(settings: {
  readonly codec: AvroCodec['codec']
  readonly level?: number | undefined
  readonly checksum?: boolean | undefined
}): AvroCodec {
  const { codec, checksum = false } = settings
  if (codec === 'none' || codec === 'bzip2' || codec === 'snappy') return { codec }
  const { min, max, default: usual } = AVRO_LEVELS[codec]
  const level = settings.level ?? usual
  if (!Number.isInteger(level) || level < min || level > max) {
    throw new ExchangeError(
      'config_invalid',
      `Invalid compression level: ${level}, expected an integer in range [${min}, ${max}]`,
      { details: { codec, level, min, max } },
    )
  }
  return codec === 'zstandard' ? { codec, level, checksum } : { codec, level }
}
