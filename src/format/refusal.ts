import type { ObjectCode } from '../core/rejects.ts'
import type { RefusedObject } from './format.ts'

/** Thrown inside a gate when the object as a whole cannot be taken; the gate returns it as a value. */
export class Refusal extends Error {
  readonly code: ObjectCode

  constructor(code: ObjectCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'Refusal'
    this.code = code
  }
}

/** Runs a gate's work; a `Refusal` becomes its result, everything else is thrown on. */
export async function settle<Result>(work: () => Promise<Result>): Promise<Result | RefusedObject> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Refusal) return { refused: { code: error.code, message: error.message } }
    throw error
  }
}
