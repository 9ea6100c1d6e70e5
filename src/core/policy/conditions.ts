import { nearest } from '../nearest.ts'
import type { Report } from './findings.ts'
import { matchesPattern } from './glob.ts'
import type { ConditionTest, Statement } from './statement.ts'

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
const OPERATORS = [
  ...['Equals', 'NotEquals', 'EqualsIgnoreCase', 'NotEqualsIgnoreCase', 'Like', 'NotLike'].map(
    (test) => `String${test}`,
  ),
  ...['Numeric', 'Date'].flatMap((type) =>
    ['Equals', 'NotEquals', 'LessThan', 'LessThanEquals', 'GreaterThan', 'GreaterThanEquals'].map(
      (test) => type + test,
    ),
  ),
  ...['Equals', 'Like', 'NotEquals', 'NotLike'].map((test) => `Arn${test}`),
  ...['Bool', 'BinaryEquals', 'IpAddress', 'NotIpAddress', 'Null'],
]

/** What a listing says of itself; other requests have none of it. */
const LISTING_KEYS = ['s3:prefix', 's3:delimiter', 's3:max-keys']

/** A request as conditions see it. Undefined values are absent from it. */
export interface ConditionedRequest {
  readonly prefix?: string
  readonly delimiter?: string
}

const bare = (operator: string): string => operator.replace(/^For(Any|All)Values?:/, '')
const basic = (operator: string): string => bare(operator).replace(/IfExists$/, '')

export function checkOperators(statement: Statement, report: Report): void {
  for (const test of statement.conditions) {
    const operator = basic(test.operator)
    if (OPERATORS.includes(operator)) continue
    report('condition_invalid', test, {
      message: `there is no operator ${test.operator}`,
      instead: `"${nearest(operator, OPERATORS) ?? 'StringLike'}"`,
    })
  }
}

/**
 * The first test of a statement that a request of ours does not pass; undefined where it passes all.
 * Tests of what is not known here, such as an address, count as passed.
 */
export function failedTest(
  statement: Statement,
  request: ConditionedRequest,
): ConditionTest | undefined {
  return statement.conditions.find((test) => !passes(test, request))
}

function passes({ operator, key, values }: ConditionTest, request: ConditionedRequest): boolean {
  const name = key.toLowerCase()
  const test = basic(operator)
  if (!LISTING_KEYS.includes(name) || !OPERATORS.includes(test)) return true
  const value = { 's3:prefix': request.prefix, 's3:delimiter': request.delimiter }[name]
  if (test === 'Null') return values.includes(String(value === undefined))
  const negated = test.includes('Not')
  if (value === undefined) return negated || bare(operator).endsWith('IfExists')
  const ignore_case = test.endsWith('IgnoreCase')
  const like = test.endsWith('Like')
  const held = values.some((each) => {
    if (like) return matchesPattern(each, value)
    return ignore_case ? each.toLowerCase() === value.toLowerCase() : each === value
  })
  return held !== negated
}
