import { nearest } from '../nearest.ts'
import type { Place, Report } from './findings.ts'
import type { JsonMember, JsonNode } from './policy-json.ts'
import type { ConditionTest, PrincipalText, Statement, Text } from './statement.ts'

const DOCUMENT_ELEMENTS = ['Version', 'Id', 'Statement']
const NEGATED = ['NotAction', 'NotResource', 'NotPrincipal']
const STATEMENT_ELEMENTS = [
  'Sid',
  'Effect',
  'Principal',
  'Action',
  'Resource',
  'Condition',
  ...NEGATED,
]
const PRINCIPAL_TYPES = ['AWS', 'Service', 'Federated', 'CanonicalUser']

/** Reads a document's statements and reports what AWS would refuse in their form. */
export function readStatements(document: JsonNode, report: Report): readonly Statement[] {
  if (document.type !== 'object') {
    report('element_invalid', document, {
      message: 'a policy is one object',
      instead: '{ "Version": "2012-10-17", "Statement": [ … ] }',
    })
    return []
  }
  reportUnknown(document.members, DOCUMENT_ELEMENTS, { at: document.at, path: '' }, report)
  checkVersion(document, report)
  const statement = member(document, 'Statement')
  if (statement === undefined) {
    report('missing_element', document, {
      message: 'there is no `Statement`',
      instead: '"Statement": [ … ]',
    })
    return []
  }
  const nodes = statement.value.type === 'array' ? statement.value.items : [statement.value]
  if (nodes.length === 0) {
    report('missing_element', statement, {
      message: '`Statement` is empty',
      instead: 'one statement at least',
    })
  }
  return nodes.flatMap((node, index) => {
    const path = `Statement[${index}]`
    if (node.type === 'object') return [readStatement(node.members, { node, index, path }, report)]
    report(
      'element_invalid',
      { at: node.at, path, statement: index },
      { message: 'a statement is an object', instead: '{ "Effect": "Allow", … }' },
    )
    return []
  })
}

function checkVersion(document: JsonNode, report: Report): void {
  const version = member(document, 'Version')
  const instead = '"Version": "2012-10-17"'
  if (version === undefined) {
    const message = 'without `Version` the rules of 2008-10-17 hold'
    report('version_old', document, { message, instead })
    return
  }
  const value = version.value.type === 'string' ? version.value.value : undefined
  const place = { at: version.value.at, path: 'Version' }
  if (value === '2008-10-17') {
    const message = 'the version 2008-10-17 is an old one, which takes no policy variables'
    report('version_old', place, { message, instead })
  } else if (value !== '2012-10-17') {
    const message = `there is no version ${value ?? 'of that kind'}; it is no date of your own`
    report('version_invalid', place, { message, instead })
  }
}

interface Where {
  readonly node: JsonNode
  readonly index: number
  readonly path: string
}

function readStatement(members: readonly JsonMember[], where: Where, report: Report): Statement {
  const { node, index, path } = where
  const sid_node = members.find(({ name }) => name === 'Sid')?.value
  const sid_value = sid_node?.type === 'string' ? sid_node.value : undefined
  const placed = (at: number, below: string) => ({
    at,
    path: path + below,
    statement: index,
    sid: sid_value,
  })
  const place = placed(node.at, '')
  reportUnknown(members, STATEMENT_ELEMENTS, place, report)

  const element = (name: string) => members.find((each) => each.name === name)
  const texts = (name: string): readonly Text[] | undefined => {
    const found = element(name)
    if (found === undefined) return undefined
    return textsOf(found.value, (at, below) => placed(at, `.${name}${below}`), report)
  }

  for (const name of NEGATED) {
    const found = element(name)
    if (found === undefined) continue
    report('negated_element', placed(found.at, `.${name}`), {
      message: `${name} covers everything but what it names, and what AWS adds tomorrow`,
      instead: `${name.slice(3)} with what is meant`,
    })
  }
  const effect = element('Effect')
  if (effect === undefined) {
    report('missing_element', place, {
      message: 'there is no Effect',
      instead: '"Effect": "Allow"',
    })
  }
  if (element('Action') === undefined && element('NotAction') === undefined) {
    report('missing_element', place, {
      message: 'there is no Action',
      instead: '"Action": [ … ]',
    })
  }
  const principal = element('Principal')
  const resource = element('Resource')
  const condition = element('Condition')
  return {
    place,
    effect:
      effect === undefined
        ? undefined
        : effectOf(effect, placed(effect.value.at, '.Effect'), report),
    sid:
      sid_value === undefined
        ? undefined
        : { ...placed(sid_node?.at ?? node.at, '.Sid'), value: sid_value },
    principals:
      principal === undefined
        ? undefined
        : principalsOf(principal.value, (at, below) => placed(at, `.Principal${below}`), report),
    principal_place: principal && placed(principal.at, '.Principal'),
    actions: texts('Action'),
    resources: texts('Resource'),
    resource_place: resource && placed(resource.at, '.Resource'),
    conditions:
      condition === undefined
        ? []
        : conditionsOf(condition.value, (at, below) => placed(at, `.Condition${below}`), report),
    negated: NEGATED.some((name) => element(name) !== undefined),
  }
}

function effectOf(effect: JsonMember, place: Place, report: Report): 'Allow' | 'Deny' | undefined {
  const value = effect.value.type === 'string' ? effect.value.value : undefined
  if (value === 'Allow' || value === 'Deny') return value
  const meant = nearest(value ?? '', ['Allow', 'Deny'])
  report('effect_invalid', place, {
    message: `the effect ${value ?? 'of that kind'} does not exist; letters count as they are`,
    instead: `"Effect": "${meant ?? 'Allow'}"`,
  })
  return undefined
}

type At = (at: number, below: string) => Place

/** One text or a list of them. */
function textsOf(node: JsonNode, at: At, report: Report): readonly Text[] {
  const items = node.type === 'array' ? node.items : [node]
  if (items.length === 0) {
    report('element_invalid', at(node.at, ''), {
      message: 'the list is empty',
      instead: 'one text at least',
    })
  }
  return items.flatMap((item, index) => {
    const place = at(item.at, node.type === 'array' ? `[${index}]` : '')
    if (item.type === 'string') return [{ ...place, value: item.value }]
    report('element_invalid', place, { message: 'a text is wanted here', instead: '"…"' })
    return []
  })
}

function principalsOf(node: JsonNode, at: At, report: Report): readonly PrincipalText[] {
  if (node.type === 'string') {
    if (node.value !== '*') {
      report('principal_invalid', at(node.at, ''), {
        message: `a principal says of what type ${node.value} is`,
        instead: `{ "AWS": "${node.value}" }`,
      })
    }
    return [{ ...at(node.at, ''), value: node.value, type: node.value === '*' ? '*' : 'AWS' }]
  }
  if (node.type !== 'object') {
    report('principal_invalid', at(node.at, ''), {
      message: 'a principal is an object',
      instead: '{ "AWS": "arn:aws:iam::…" }',
    })
    return []
  }
  return node.members.flatMap((each) => {
    if (!PRINCIPAL_TYPES.includes(each.name)) {
      const meant = nearest(each.name, PRINCIPAL_TYPES)
      report('principal_invalid', at(each.at, `.${each.name}`), {
        message: `there is no principal of type ${each.name}`,
        instead: `"${meant ?? 'AWS'}"`,
      })
    }
    const texts = textsOf(each.value, (place, below) => at(place, `.${each.name}${below}`), report)
    return texts.map((text) => ({ ...text, type: each.name }))
  })
}

function conditionsOf(node: JsonNode, at: At, report: Report): readonly ConditionTest[] {
  const wrong = (place: Place) =>
    report('condition_invalid', place, {
      message: 'a condition is an object of operators, each an object of keys',
      instead: '{ "StringLike": { "s3:prefix": "…" } }',
    })
  if (node.type !== 'object') {
    wrong(at(node.at, ''))
    return []
  }
  return node.members.flatMap((operator) => {
    const path = `.${operator.name}`
    if (operator.value.type !== 'object') {
      wrong(at(operator.value.at, path))
      return []
    }
    return operator.value.members.map((test) => {
      const items = test.value.type === 'array' ? test.value.items : [test.value]
      const values = items.flatMap((item) => {
        if (item.type === 'string') return [item.value]
        if (item.type === 'plain') return [item.text]
        wrong(at(item.at, `${path}.${test.name}`))
        return []
      })
      return {
        ...at(test.at, `${path}.${test.name}`),
        operator: operator.name,
        key: test.name,
        values,
      }
    })
  })
}

const member = (node: JsonNode, name: string): JsonMember | undefined =>
  node.type === 'object' ? node.members.find((each) => each.name === name) : undefined

/** Names of elements are compared with case: AWS refuses what it does not know. */
function reportUnknown(
  members: readonly JsonMember[],
  known: readonly string[],
  place: Place,
  report: Report,
): void {
  for (const { name, at } of members) {
    if (known.includes(name)) continue
    const meant = nearest(name, known)
    const path = [place.path, name].filter((part) => part !== '').join('.')
    report(
      'unknown_element',
      { ...place, at, path },
      {
        message: `there is no element ${name} here`,
        instead: meant === undefined ? 'leave it out' : `"${meant}"`,
      },
    )
  }
}
