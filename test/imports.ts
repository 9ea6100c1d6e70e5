/**
 * The module specifiers of a TypeScript source: static, type-only, re-exporting, side-effect and
 * dynamic imports, and `import('x').T` in types. Comments and strings that merely speak of imports
 * are not taken for one.
 */
export function importsOf(source: string): readonly string[] {
  const found: string[] = []
  for (const { text, specifier } of tokens(source)) {
    const before = text.trimEnd()
    // `from 'x'`, `import 'x'`, `import('x'`: the words that stand before a specifier.
    if (/(^|[^.\w$])(from|import|import\s*\()$/.test(before)) found.push(specifier)
  }
  return found
}

/** Each string literal with the code before it on the way from the last literal. */
function tokens(source: string): readonly { readonly text: string; readonly specifier: string }[] {
  const result: { text: string; specifier: string }[] = []
  // Comments, template literals and quoted strings, whichever begins first.
  const pattern =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|`(?:\\[\s\S]|[^\\`])*`|'((?:\\.|[^'\\\n])*)'|"((?:\\.|[^"\\\n])*)"/g
  let code = ''
  let end = 0
  for (const match of source.matchAll(pattern)) {
    code += source.slice(end, match.index)
    end = match.index + match[0].length
    const specifier = match[1] ?? match[2]
    if (specifier === undefined) continue
    result.push({ text: code.slice(-200), specifier })
    code = ''
  }
  return result
}
