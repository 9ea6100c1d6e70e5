import { ExchangeError } from '../../core/errors.ts'

/** Whether a write that asked for an absent key failed because another writer has it. */
export const isKeyTaken = (error: unknown): boolean =>
  error instanceof ExchangeError && error.code === 'object_exists'
