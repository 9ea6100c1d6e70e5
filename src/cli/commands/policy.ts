import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { ExchangeError } from '../../core/errors.ts'
import {
  defaultForm,
  generatePolicies,
  type PolicySubject,
  policyText,
} from '../../core/policy/generate.ts'
import { lintPolicies } from '../../core/policy/lint.ts'
import { defineCommand } from '../command.ts'
import type { Context, ExitCode } from '../context.ts'
import { findingsText } from '../findings-text.ts'
import { writeJson } from '../json-output.ts'
import { policyFlags } from '../policy-flags.ts'

interface Input {
  readonly feed?: string | undefined
  readonly form?: 'user' | 'bucket' | 'role' | 'gcs' | undefined
  readonly principal?: string | undefined
  readonly external_id?: string | undefined
  readonly kms_key?: string | undefined
  readonly write: boolean
  readonly lint?: string | undefined
}

/** `policy`: the access a feed needs, to paste, or what is wrong with one that somebody wrote. */
export const policy = defineCommand({
  name: 'policy',
  summary: 'Print the access policy that a feed needs, or find defects in one.',
  description:
    'Prints the least that reading the feed needs, with bucket and prefix filled in: documents and commands on standard output, what to do with them on standard error. The form follows from how the store authenticates: a policy of the user whose keys are used (user), a trust policy and the permissions of a role that is assumed (role), or commands for Google Cloud (gcs); a policy of the bucket (bucket) is for readers of another account.\n\nWith --lint it reads a policy file, or a page with policies in it, and names each defect with its line and what to write instead. A feed beside it lets it check bucket and prefix as well. Exit code 1 if a defect is an error: AWS would refuse the policy, it does not grant what is needed, or it gives control away. What is merely more than needed is a warning.',
  arguments: z.object({
    feed: z
      .string()
      .optional()
      .describe('Feed of the configuration.')
      .meta({ placeholder: 'FEED' }),
  }),
  flags: z.object({
    ...policyFlags,
    external_id: policyFlags.external_id.describe(
      'What a trust policy asks for; one is made up without it.',
    ),
    write: z.boolean().default(false).describe('For writing to the prefix as well.'),
    lint: z
      .string()
      .min(1)
      .optional()
      .describe('Policy file, or a page with policies in it, to check; - is standard input.')
      .meta({ placeholder: 'FILE' }),
  }),
  examples: [
    { command: 'bucketline policy events > policy.json', what: 'the store’s own form' },
    {
      command:
        'bucketline policy events --form role --principal arn:aws:iam::123456789012:role/loader',
      what: 'a role in the partner’s account',
    },
    { command: 'bucketline policy --lint partner.json events', what: 'what a partner wrote' },
  ],
  run: (context, input) =>
    input.lint === undefined ? print(context, input) : lint(context, input, input.lint),
})

async function print(context: Context, input: Input): Promise<ExitCode> {
  const { terminal, json } = context
  if (input.feed === undefined) {
    throw new ExchangeError('usage', 'A policy is for a feed: name one.', {
      hint: 'bucketline policy FEED, or bucketline policy --lint FILE.',
    })
  }
  const subject = await subjectOf(context, input.feed)
  const form = input.form ?? defaultForm(subject, input.principal)
  const made_up =
    form === 'role' && input.external_id === undefined && subject.has_external_id !== true
      ? randomUUID()
      : undefined
  const external_id = input.external_id ?? made_up
  const policies = generatePolicies(subject, {
    job: input.write ? 'send' : 'receive',
    form,
    ...(input.principal === undefined ? {} : { principal: input.principal }),
    ...(external_id === undefined ? {} : { external_id }),
    ...(input.kms_key === undefined ? {} : { kms_key: input.kms_key }),
  })
  if (json) {
    await writeJson(terminal, { policies })
    return 0
  }
  for (const [index, each] of policies.entries()) {
    terminal.err(`${terminal.err_style('dim', each.title)}\n`)
    await terminal.out(`${index === 0 ? '' : '\n'}${policyText(each)}`)
  }
  if (made_up !== undefined) {
    terminal.err(
      `The external id ${made_up} was made up; set auth.external_id of the store ${subject.store} to it.\n`,
    )
  }
  if (policies.length > 1 && terminal.width === undefined) {
    terminal.err('These are several documents to paste apart; --json prints them as one list.\n')
  }
  return 0
}

async function lint(context: Context, input: Input, file: string): Promise<ExitCode> {
  const { terminal, json } = context
  const source = file === '-' ? 'standard input' : file
  const content = await readPolicy(file, context.cwd)
  const feed = input.feed === undefined ? undefined : await subjectOf(context, input.feed)
  const findings = lintPolicies(content, {
    job: input.write ? 'send' : 'receive',
    ...(input.form === undefined ? {} : { form: input.form }),
    ...(feed === undefined ? {} : { feed }),
  })
  if (json) await writeJson(terminal, { findings })
  else await terminal.out(findingsText(source, findings, terminal))
  return findings.some(({ severity }) => severity === 'error') ? 1 : 0
}

async function subjectOf(context: Context, feed: string): Promise<PolicySubject> {
  await using app = await context.openApp()
  return await app.policySubject(feed)
}

async function readPolicy(file: string, cwd: string): Promise<string> {
  if (file === '-') return text(process.stdin)
  try {
    return await readFile(resolve(cwd, file), 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new ExchangeError('policy_not_found', `The file ${file} cannot be read (${code}).`, {
      cause,
    })
  }
}
