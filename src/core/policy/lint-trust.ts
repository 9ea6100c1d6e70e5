import { placeholdersIn } from './arn.ts'
import { checkOperators } from './conditions.ts'
import type { Report } from './findings.ts'
import { hasSigns } from './glob.ts'
import { lintPrincipals } from './lint-principals.ts'
import type { Statement } from './statement.ts'

const EXPECTED = '"Condition": { "StringEquals": { "sts:ExternalId": "…" } }'

/** Checks one statement of the policy that says who may assume a role. */
export function lintTrust(statement: Statement, report: Report): void {
  lintPrincipals(statement, report)
  checkOperators(statement, report)
  for (const action of statement.actions ?? []) {
    if (action.value === '*' || /^sts:\*$/i.test(action.value)) {
      report('wildcard_action', action, {
        message: `${action.value} trusts for more than assuming the role`,
        instead: 'sts:AssumeRole',
      })
    } else if (!/^sts:/i.test(action.value)) {
      report('wrong_service', action, {
        message: `${action.value} has no effect in a trust policy, which says only who may assume the role`,
        instead: 'it in the policy of permissions attached to the role',
      })
    }
  }
  if (statement.resource_place !== undefined) {
    report('resource_not_allowed', statement.resource_place, {
      message: 'a trust policy has no Resource: it is about its own role',
      instead: 'leave it out',
    })
  }
  if (statement.effect === 'Allow') checkExternalId(statement, report)
}

function checkExternalId(statement: Statement, report: Report): void {
  const accounts = statement.principals?.filter(({ type }) => type === 'AWS' || type === '*') ?? []
  const assumes = statement.actions?.some(({ value }) => /^(sts:(AssumeRole|\*)|\*)$/i.test(value))
  if (accounts.length === 0 || assumes !== true) return
  const tests = statement.conditions.filter(({ key }) => key.toLowerCase() === 'sts:externalid')
  if (tests.length === 0) {
    report('external_id_missing', statement.place, {
      message:
        'no external id is asked for: whoever else the other side works for could name this role to it and have your data read',
      instead: EXPECTED,
    })
  }
  for (const test of tests) {
    const open = test.operator !== 'StringEquals' || test.values.length === 0
    const pattern = test.operator === 'StringLike' && test.values.every((value) => !hasSigns(value))
    if (open && !pattern) {
      report('external_id_open', test, {
        message: `${test.operator} ${test.values.map((value) => `"${value}"`).join(', ')} takes more than one external id`,
        instead: EXPECTED,
      })
    }
    for (const value of test.values) {
      const placeholder = placeholdersIn(value)
      if (placeholder === undefined) continue
      report('placeholder', test, {
        message: `not filled in: ${placeholder}`,
        instead: 'the external id agreed upon',
      })
    }
  }
}
