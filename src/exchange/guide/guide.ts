import { accessSection } from './access-section.ts'
import { checklistSection, checkSection, contractFile } from './check-section.ts'
import { columnSection, wholeSection } from './column-section.ts'
import { completionSection } from './completion-section.ts'
import { formatSection } from './format-section.ts'
import type { GuideInput } from './guide-input.ts'
import { layoutSection } from './layout-section.ts'
import { block, code, html, type Section } from './markup.ts'
import { refusalSection } from './refusal-section.ts'
import { sampleSection } from './sample-section.ts'
import { guideStyle } from './style.ts'
import { leadOf, summaryOf } from './summary.ts'

/**
 * The page that a partner follows: one HTML document without scripts, that loads nothing and carries
 * the contract and a sample in itself. The same input gives the same text.
 */
export function contractGuide(input: GuideInput): string {
  const { contract } = input.feed
  const sections: readonly Section[] = [
    layoutSection(input),
    completionSection(input),
    formatSection(input),
    columnSection(input),
    wholeSection(input),
    sampleSection(input),
    accessSection(input),
    checkSection(input),
    refusalSection(input),
    checklistSection(input),
    documentSection(input),
  ]
  const title = `Delivering ${contract.name}`
  // The policy holds even for text that slipped past the escapes: nothing is run and nothing loaded.
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="Bucketline">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>
${{ html: guideStyle }}</style>
</head>
<body>
<a class="skip" href="#guide">Skip to the guide</a>
<div class="page">
<header>
<p class="eyebrow">Delivery guide</p>
<h1>${title}</h1>
${leadOf(input)}
${summaryOf(input)}
</header>
<nav aria-labelledby="contents">
<h2 id="contents">Contents</h2>
<ol>${sections.map(({ id, title: name }) => html`<li><a href="#${id}">${name}</a></li>`)}</ol>
</nav>
<main id="guide" tabindex="-1">
${sections.map(
  ({
    id,
    title: name,
    body,
  }) => html`<section id="${id}" class="part" aria-labelledby="${id}-title"><h2 id="${id}-title">${name}</h2>${body}
</section>
`,
)}
<footer><p>Contract ${code(contract.id)}, version ${contract.version}. Written by ${code('bucketline contract guide')} on <time datetime="${dayOf(input.now)}">${dayOf(input.now)}</time>.</p></footer>
</main>
</div>
</body>
</html>
`
  return page.html
}

const dayOf = (now: Date): string => now.toISOString().slice(0, 10)

function documentSection(input: GuideInput): Section {
  return {
    id: 'contract',
    title: 'The contract as a document',
    body: html`
<p>Everything on this page follows from this document and the settings of the feed. It is written in the Open Data Contract Standard 3.2, a YAML format that other tools read too. Keep it beside your code.</p>
<p>${contractFile(input)}</p>
<details><summary>Show the document</summary>
${block('The contract', input.document.text.replaceAll('\r\n', '\n'))}
</details>`,
  }
}
