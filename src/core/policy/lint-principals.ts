import { placeholdersIn } from './arn.ts'
import type { Report } from './findings.ts'
import type { PrincipalText, Statement } from './statement.ts'

/** Checks who is granted something, in a policy that says so. */
export function lintPrincipals(statement: Statement, report: Report): void {
  if (statement.principals === undefined) {
    if (statement.negated) return
    report('principal_missing', statement.place, {
      message: 'there is no Principal, so the statement is for nobody',
      instead: '"Principal": { "AWS": "arn:aws:iam::…" }',
    })
    return
  }
  if (statement.effect === 'Deny') return
  for (const principal of statement.principals) checkPrincipal(principal, statement, report)
}

function checkPrincipal(principal: PrincipalText, statement: Statement, report: Report): void {
  const { value, type } = principal
  const instead = 'the ARN of the one user or role'
  if (value === '*') {
    const narrowed = statement.conditions.some(({ key }) =>
      /^aws:(Principal|Source(Arn|Account|Org|Vpce?$))/i.test(key),
    )
    report('wildcard_principal', principal, {
      message: narrowed
        ? 'only the condition keeps everyone out'
        : 'everyone, without any authentication, is granted this',
      instead,
      severity: narrowed ? 'warning' : 'error',
    })
    return
  }
  if (type !== 'AWS') return
  const placeholder = placeholdersIn(value)
  if (placeholder !== undefined) {
    report('placeholder', principal, {
      message: `not filled in: ${placeholder}`,
      instead: 'what it stands for',
    })
  } else if (/[*?]/.test(value)) {
    report('wildcard_principal', principal, {
      message: `AWS takes no pattern as a principal: ${value}`,
      instead,
    })
  } else if (/^\d{12}$|^arn:aws[a-z-]*:iam::\d{12}:root$/.test(value)) {
    report('account_principal', principal, {
      message: `${value} is a whole account: everyone its administrators choose is granted this`,
      instead,
      severity: 'warning',
    })
  } else if (/^arn:aws[a-z-]*:(iam|sts)::(:|\d*:[a-z-]+\/?$)/.test(value)) {
    report('empty_name', principal, { message: `${value} names nobody`, instead })
  } else if (
    // A canonical user id, or what AWS makes of a principal that was deleted.
    !/^[0-9a-f]{64}$/.test(value) &&
    !/^arn:aws[a-z-]*:(iam|sts)::\d{12}:(user|role|assumed-role|federated-user)\/./.test(value)
  ) {
    report('principal_invalid', principal, {
      message: `${value} is not the ARN of a user or role`,
      instead: '"arn:aws:iam::ACCOUNT:role/NAME"',
    })
  }
}
