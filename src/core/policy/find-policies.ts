import { type ReadJson, readJson } from './policy-json.ts'

/** A permission of Google Cloud Storage named in a text: `storage.objects.get`. */
export interface NamedPermission {
  readonly name: string
  readonly at: number
}

export interface FoundPolicies {
  readonly documents: readonly ReadJson[]
  /** Outside of the documents, in order; each once. */
  readonly permissions: readonly NamedPermission[]
}

/** Braces looked at before a `"Statement"` for the one that opens its policy. */
const MOST_BRACES = 200

/**
 * Finds policies in a text: a file of one, several behind each other, or a page of prose with some in
 * it. A text that begins as JSON and has no statement is one document all the same.
 */
export function findPolicies(text: string): FoundPolicies {
  const documents: ReadJson[] = []
  const statement = /"statements?"\s*:/gi
  for (let found = statement.exec(text); found !== null; found = statement.exec(text)) {
    const last = documents.at(-1)
    if (last !== undefined && found.index < endOf(last, text)) continue
    const document = documentAround(text, found.index, last?.node.end ?? 0)
    if (document !== undefined) documents.push(document)
  }
  const first = text.search(/\S/)
  if (documents.length === 0 && /[{[]/.test(text[first] ?? ''))
    documents.push(readJson(text, first))
  return {
    documents: documents.map((each) => withExcess(each, text)),
    permissions: permissionsIn(text, documents),
  }
}

/** A brace too many belongs to no policy of a page, and makes a file of one no JSON. */
function withExcess(document: ReadJson, text: string): ReadJson {
  const excess = /^\s*([}\],])/.exec(text.slice(document.node.end, document.node.end + 1_000))
  if (!document.complete || excess === null) return document
  const at = document.node.end + excess[0].length - 1
  const fault = { at, message: `${excess[1]} after the end of the policy`, instead: 'leave it out' }
  return { ...document, faults: [...document.faults, fault] }
}

/** What cannot be read to its end is taken to reach to the end of the text. */
const endOf = ({ complete, node }: ReadJson, text: string) => (complete ? node.end : text.length)

function documentAround(text: string, statement_at: number, from: number): ReadJson | undefined {
  let brace = statement_at
  for (let looked = 0; looked < MOST_BRACES; looked += 1) {
    brace = text.lastIndexOf('{', brace - 1)
    if (brace < from) return undefined
    const read = readJson(text, brace)
    const { node } = read
    if (node.type === 'object' && node.members.some(({ at }) => at === statement_at)) return read
    // Not even read that far: the fault lies before the statement, in this object or in one in it.
    if (!read.complete && node.at < statement_at && opensPolicy(text, brace)) return read
    if (brace === 0) return undefined
  }
  return undefined
}

const opensPolicy = (text: string, brace: number) =>
  /^\{\s*["“']?(Version|Id|Statement)/i.test(text.slice(brace, brace + 200))

function permissionsIn(text: string, documents: readonly ReadJson[]): NamedPermission[] {
  const named = new Map<string, number>()
  for (const { 0: name, index } of text.matchAll(/\bstorage\.[a-z]+\.[a-zA-Z]+\b(?![./])/g)) {
    if (named.has(name)) continue
    if (!documents.some((each) => index >= each.node.at && index < endOf(each, text)))
      named.set(name, index)
  }
  return [...named].map(([name, at]) => ({ name, at }))
}
