/** The page's own style: system fonts, two colour schemes, one column on a phone, plain on paper. */
export const guideStyle = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --panel: #f4f6f9; --line: #d8dee6; --ink: #1a2027; --soft: #55606d;
  --accent: #1d4fb8; --accent-ink: #ffffff; --strong: #e3ebfb; --strong-ink: #173d8f;
  --key: #fdf0d3; --key-ink: #6b4700;
  --sans: ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #13171c; --panel: #1c222a; --line: #343d49; --ink: #e5e9ee; --soft: #a3aebb;
    --accent: #93b7ff; --accent-ink: #0d1a33; --strong: #213459; --strong-ink: #c3d6ff;
    --key: #3d3012; --key-ink: #f3d48a;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.6 var(--sans); }
.page { max-width: 74rem; margin: 0 auto; padding: 0 1.25rem 4rem; }
header, main { min-width: 0; max-width: 50rem; overflow-wrap: anywhere; }
main:focus { outline: none; }
h1, h2, h3 { line-height: 1.25; text-wrap: balance; margin: 0; }
h1 { font-size: clamp(1.75rem, 1.3rem + 2vw, 2.5rem); letter-spacing: -0.015em; }
h2 { font-size: 1.5rem; letter-spacing: -0.01em; }
h3 { font-size: 1.0625rem; margin: 2rem 0 0.5rem; }
p, ul, ol, dl, pre { margin: 0.75rem 0; }
ul, ol { padding-left: 1.25rem; }
li + li { margin-top: 0.3rem; }
li > ul { margin: 0.3rem 0; }
a { color: var(--accent); text-underline-offset: 0.15em; }
a:focus-visible, pre:focus-visible, summary:focus-visible, input:focus-visible {
  outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 3px;
}
code { font: 0.875em/1.5 var(--mono); background: var(--panel); padding: 0.1em 0.3em; border-radius: 4px; unicode-bidi: isolate; }
h3 code, a code { background: none; padding: 0; }
h3 code { font-weight: 700; }
pre {
  background: var(--panel); border: 1px solid var(--line); border-radius: 8px;
  padding: 0.75rem 1rem; overflow-x: auto; overflow-wrap: normal; tab-size: 2; line-height: 1.5;
}
pre.keys { white-space: pre-wrap; overflow-wrap: anywhere; }
pre code { background: none; padding: 0; font-size: 0.8125rem; line-height: inherit; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: 0.5rem 1rem; z-index: 1; }
header { padding: 2.5rem 0 0; }
.eyebrow { margin: 0 0 0.25rem; color: var(--accent); font-weight: 600; font-size: 0.875rem; }
.lead { font-size: 1.1875rem; line-height: 1.5; color: var(--soft); }
.part { border-top: 1px solid var(--line); margin-top: 3rem; padding-top: 2rem; }
nav { margin-top: 2rem; font-size: 0.9375rem; }
nav h2 { font-size: 0.875rem; color: var(--soft); letter-spacing: 0; }
nav ol { list-style: none; padding: 0; margin: 0.5rem 0 0; }
nav li + li { margin-top: 0; }
nav a { display: block; padding: 0.3rem 0; color: var(--ink); text-decoration: none; }
nav a:hover { color: var(--accent); text-decoration: underline; }
.summary { border: 1px solid var(--line); border-radius: 10px; background: var(--panel); padding: 0.25rem 1.25rem; margin: 1.5rem 0; }
.summary > div { padding: 0.6rem 0; }
.summary > div + div, .cases > div + div, .stack > div + div, .terms > div + div { border-top: 1px solid var(--line); }
.summary code { background: none; padding: 0; }
dt { font-weight: 600; }
dd { margin: 0; }
.cases > div, .stack > div, .terms > div { padding: 0.6rem 0; }
.stack dd { color: var(--soft); }
.cases dt code, .stack dt code, .terms dt code { background: none; padding: 0; font-weight: 600; }
.example { display: block; margin-top: 0.15rem; color: var(--soft); font-size: 0.9375rem; }
.columns { margin: 1.5rem 0 0; }
.column { border-top: 1px solid var(--line); padding: 1rem 0; }
.column h3 { margin: 0; }
.column .type { margin: 0.15rem 0 0.4rem; color: var(--soft); font-size: 0.9375rem; line-height: 1.45; }
.column .how > :first-child { margin-top: 0; }
.badges { margin: 0; display: flex; flex-wrap: wrap; gap: 0.35rem; }
.badge { font-size: 0.75rem; font-weight: 600; line-height: 1.5; padding: 0 0.55rem; border-radius: 1rem; border: 1px solid var(--line); color: var(--soft); }
.badge.strong { background: var(--strong); border-color: transparent; color: var(--strong-ink); }
.badge.key { background: var(--key); border-color: transparent; color: var(--key-ink); }
.facts { margin: 0.5rem 0 0; font-size: 0.9375rem; }
.facts > div { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: 0 0.75rem; padding: 0.1rem 0; }
.facts dt { font-weight: 400; color: var(--soft); }
.download {
  display: inline-block; background: var(--accent); color: var(--accent-ink); text-decoration: none;
  font-weight: 600; padding: 0.45rem 0.9rem; border-radius: 8px; line-height: 1.4;
}
.download:hover { text-decoration: underline; }
.download .size { font-weight: 400; white-space: nowrap; }
.note { color: var(--soft); font-size: 0.9375rem; }
.checklist { list-style: none; padding: 0; }
.checklist li { display: grid; grid-template-columns: 1.5rem minmax(0, 1fr); gap: 0.5rem; padding: 0.3rem 0; margin: 0; }
.checklist input { width: 1.15rem; height: 1.15rem; margin: 0.22rem 0 0; accent-color: var(--accent); }
summary { cursor: pointer; color: var(--accent); padding: 0.25rem 0; }
footer { border-top: 1px solid var(--line); margin-top: 3rem; color: var(--soft); font-size: 0.875rem; }
@media (min-width: 40rem) {
  .summary > div, .terms > div { display: grid; grid-template-columns: 9rem minmax(0, 1fr); gap: 0 1rem; }
  .terms > div { grid-template-columns: 6rem minmax(0, 1fr); }
  .column { display: grid; grid-template-columns: 13rem minmax(0, 1fr); gap: 0 1.5rem; }
  .cases > div { display: grid; grid-template-columns: minmax(9rem, 13rem) minmax(0, 1fr); gap: 0 1.5rem; }
}
@media (max-width: 39.99rem) {
  .column .how { margin-top: 0.75rem; }
  .page { padding: 0 1rem 3rem; }
}
@media (min-width: 64rem) {
  .page { display: grid; grid-template-columns: 15rem minmax(0, 1fr); grid-template-rows: auto 1fr; gap: 0 3.5rem; }
  nav { grid-area: 1 / 1 / 3 / 2; position: sticky; top: 0; align-self: start; max-height: 100vh; overflow-y: auto; margin: 0; padding: 3rem 0 2rem; }
  header, main { grid-column: 2; }
  header { padding-top: 3rem; }
}
@media print {
  :root { --paper: #fff; --panel: #fff; --line: #bbb; --ink: #000; --soft: #333; --accent: #000; --accent-ink: #000; --strong: #fff; --strong-ink: #000; --key: #fff; --key-ink: #000; }
  body { font-size: 10pt; }
  nav, .skip, details { display: none; }
  .page { display: block; max-width: none; padding: 0; }
  header, main { max-width: none; }
  header { padding: 0; }
  .part { margin-top: 1.5rem; padding-top: 1rem; }
  .badge, .badge.strong, .badge.key, .download { border: 1px solid #999; }
  .download { padding: 0.1rem 0.5rem; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  h2, h3 { break-after: avoid; }
  .column, .cases > div, .stack > div, .summary, li { break-inside: avoid; }
  a { color: inherit; }
}
`
