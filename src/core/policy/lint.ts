import { GCS_PERMISSIONS, type PolicyJob } from './actions.ts'
import { findPolicies, type NamedPermission } from './find-policies.ts'
import { type Place, POLICY_CODES, type PolicyFinding, type Report } from './findings.ts'
import type { ReceivedFeed } from './grant.ts'
import { lintGrants } from './lint-grants.ts'
import { lintPrincipals } from './lint-principals.ts'
import { lintStatement } from './lint-statement.ts'
import { lintTrust } from './lint-trust.ts'
import type { JsonNode } from './policy-json.ts'
import { readStatements } from './read-statements.ts'
import type { Statement } from './statement.ts'

export type { PolicyFinding }

/** Where a policy is attached. */
export type PolicyForm = 'user' | 'bucket' | 'role' | 'gcs'

export interface PolicyLintOptions {
  readonly job: PolicyJob
  /** What the policies are meant to be; told by their principals without it. */
  readonly form?: PolicyForm
  readonly feed?: ReceivedFeed
}

/** `identity`: attached to a user or role. `key`: on a key of KMS. */
type Kind = 'identity' | 'bucket' | 'trust' | 'key'

/** Finds the defects of every policy in a text, in order of place. Never throws for what is in it. */
export function lintPolicies(text: string, options: PolicyLintOptions): readonly PolicyFinding[] {
  const findings: PolicyFinding[] = []
  const lines = lineStarts(text)
  const reportIn =
    (policy?: number): Report =>
    (code, place, { message, instead, severity = POLICY_CODES[code] }) => {
      const line = lines.findLastIndex((start) => start <= place.at) + 1
      findings.push({
        code,
        severity,
        message,
        instead,
        ...(policy === undefined ? {} : { policy }),
        ...(place.statement === undefined ? {} : { statement: place.statement }),
        ...(place.sid === undefined ? {} : { sid: place.sid }),
        ...(place.path === undefined || place.path === '' ? {} : { path: place.path }),
        line,
        column: place.at - (lines[line - 1] ?? 0) + 1,
      })
    }

  const { documents, permissions } = findPolicies(text)
  for (const [index, { node, complete, faults }] of documents.entries()) {
    const report = reportIn(index + 1)
    for (const { at, message, instead } of faults)
      report('invalid_json', { at }, { message, instead })
    // Of half a document nothing can be said that would still hold of the whole.
    if (complete) lintDocument(node, options, report)
  }
  if (permissions.length > 0) lintPermissions(permissions, options.job, reportIn())
  if (documents.length === 0 && permissions.length === 0) {
    reportIn()(
      'no_policy',
      { at: 0 },
      {
        message: 'there is no policy in this text: no JSON with a `Statement`',
        instead: 'a policy, or a page that holds one',
      },
    )
  }
  const place = ({ line, column }: PolicyFinding) => line * 1_000_000 + column
  return findings.sort((a, b) => place(a) - place(b))
}

function lineStarts(text: string): readonly number[] {
  return [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
}

function lintDocument(node: JsonNode, options: PolicyLintOptions, report: Report): void {
  const statements = readStatements(node, report)
  if (statements.length === 0) return
  const kind = kindOf(statements, options.form)
  checkSids(statements, kind, report)
  if (kind === 'trust') {
    for (const each of statements) lintTrust(each, report)
    return
  }
  for (const each of statements) {
    if (kind !== 'identity') lintPrincipals(each, report)
    else if (each.principal_place !== undefined) {
      report('principal_not_allowed', each.principal_place, {
        message: 'a policy of a user or role has no Principal: it is for whom it is attached to',
        instead: 'leave it out, or paste the policy into the bucket',
      })
    }
  }
  // Its resource is always the key that it stands on.
  if (kind === 'key') return
  const { job, feed } = options
  const grants = statements.map((each) => lintStatement(each, { job, feed }, report))
  lintGrants(grants, { job, feed, place: node as Place }, report)
}

function kindOf(statements: readonly Statement[], form: PolicyForm | undefined): Kind {
  const actions = statements.flatMap((each) => each.actions ?? []).map(({ value }) => value)
  const named = statements.some((each) => each.principals !== undefined)
  if (form === 'user') return 'identity'
  if (actions.some((action) => /^sts:AssumeRole/i.test(action)) && (named || form === 'role'))
    return 'trust'
  if (named && actions.length > 0 && actions.every((action) => /^kms:/i.test(action))) return 'key'
  if (form === 'role') return named ? 'trust' : 'identity'
  return named || form === 'bucket' ? 'bucket' : 'identity'
}

function checkSids(statements: readonly Statement[], kind: Kind, report: Report): void {
  const seen = new Set<string>()
  for (const { sid } of statements) {
    if (sid === undefined || sid.value === '') continue
    if (seen.has(sid.value)) {
      report('duplicate_sid', sid, {
        message: `another statement has the Sid ${sid.value}`,
        instead: 'a Sid of its own, or none',
      })
    }
    seen.add(sid.value)
    // S3 takes other signs in a policy of a bucket; IAM does not.
    if (kind !== 'bucket' && !/^[A-Za-z0-9]*$/.test(sid.value)) {
      report('sid_invalid', sid, {
        message: `the Sid ${sid.value} has signs that are neither letters nor digits`,
        instead: `"${sid.value.replace(/[^A-Za-z0-9]/g, '')}"`,
      })
    }
  }
}

/** A list of permissions of Google Cloud Storage, as pages print them. */
function lintPermissions(
  permissions: readonly NamedPermission[],
  job: PolicyJob,
  report: Report,
): void {
  const needed = GCS_PERMISSIONS[job]
  const task = job === 'receive' ? 'receiving' : 'sending'
  for (const { name, at } of permissions) {
    if (needed.includes(name)) continue
    report(
      'unneeded_action',
      { at, path: name },
      {
        message: `${name} is not needed for ${task}`,
        instead: 'leave it out',
      },
    )
  }
  for (const name of needed) {
    if (permissions.some((each) => each.name === name)) continue
    report(
      'missing_action',
      { at: permissions[0]?.at ?? 0 },
      {
        message: `${name} is not among the permissions`,
        instead: name,
      },
    )
  }
}
