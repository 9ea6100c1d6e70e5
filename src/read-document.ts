import { readFile } from 'node:fs/promises'
import { ExchangeError } from './core/errors.ts'

/** Reads a file that holds one JSON object; `what` names its setting in messages. Throws `config_invalid`. */
export async function readDocument(path: string, what: string): Promise<Record<string, unknown>> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ExchangeError('config_invalid', `${what}: ${path} cannot be read.`, { cause })
  })
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (cause) {
    throw new ExchangeError('config_invalid', `${what}: ${path} is not JSON.`, { cause })
  }
  if (typeof document === 'object' && document !== null && !Array.isArray(document))
    return document as Record<string, unknown>
  throw new ExchangeError('config_invalid', `${what}: ${path} holds no JSON object.`)
}
