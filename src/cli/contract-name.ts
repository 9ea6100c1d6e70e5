import { z } from 'zod'

/** How commands name a contract. */
export const contractName = z
  .string()
  .describe('A contract file, a preset, or a feed of the configuration.')
  .meta({ placeholder: 'CONTRACT' })
