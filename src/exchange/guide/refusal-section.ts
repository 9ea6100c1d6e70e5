import { OBJECT_CODES, type ObjectCode, ROW_CODES, type RowCode } from '../../core/rejects.ts'
import type { GuideInput } from './guide-input.ts'
import { code, html, type Markup, type Section } from './markup.ts'
import { type RefusalExamples, refusalExamples } from './refusal-examples.ts'

/** Every code with its meaning and an example out of this contract; those that cannot come about apart. */
export function refusalSection(input: GuideInput): Section {
  const examples = refusalExamples(input.feed)
  const rows = Object.entries(ROW_CODES) as [RowCode, string][]
  const objects = Object.entries(OBJECT_CODES) as [ObjectCode, string][]
  const happens = ([name]: [RowCode | ObjectCode, string]) => examples[name] !== undefined
  const never = [...rows, ...objects].filter((each) => !happens(each))
  return {
    id: 'refused',
    title: 'What is refused, and why',
    body: html`
<p>Everything that is refused is reported with its object, its row and one of these codes. The same codes come out of the check <a href="#check">before you deliver</a>.</p>
<h3>A row</h3>
<p>One refused row does not harm the others of its file.</p>
${cases(rows.filter(happens), examples)}
<h3>A whole file</h3>
<p>None of its rows is read; the other files of the partition are.</p>
${cases(objects.filter(happens), examples)}
${
  never.length > 0 &&
  html`<details><summary>${never.length} further codes do not come up here: they belong to other formats, or to rules that this contract does not have</summary>
${cases(never, examples)}</details>`
}`,
  }
}

function cases(
  list: readonly (readonly [RowCode | ObjectCode, string])[],
  examples: RefusalExamples,
): Markup {
  return html`<dl class="cases">${list.map(([name, meaning]) => {
    const example = examples[name]
    return html`<div><dt id="code-${name}">${code(name)}</dt><dd>${meaning}${example !== undefined && html`<span class="example">Example: ${example}</span>`}</dd></div>`
  })}</dl>`
}
