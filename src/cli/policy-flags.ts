import { z } from 'zod'

/** Flags of what an access policy is made for, shared by the commands that make one. */
export const policyFlags = {
  form: z
    .enum(['user', 'bucket', 'role', 'gcs'])
    .optional()
    .describe('What the policy is attached to.')
    .meta({ placeholder: 'FORM' }),
  principal: z
    .string()
    .min(1)
    .optional()
    .describe('ARN of the user or role that reads; a service account with gcs.')
    .meta({ placeholder: 'WHO' }),
  external_id: z
    .string()
    .min(2)
    .optional()
    .describe('External id that a trust policy asks for.')
    .meta({ placeholder: 'ID' }),
  kms_key: z
    .string()
    .min(1)
    .optional()
    .describe('ARN of the key that objects are encrypted with; default the store’s.')
    .meta({ placeholder: 'ARN' }),
}
