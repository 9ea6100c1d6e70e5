import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** As much of an error as tells what went wrong, in characters. */
const LONGEST_MESSAGE = 600

/**
 * Ends a run's output with one line for each test that failed and `tests: N passed, N failed, N skipped`,
 * for people and programs that read only the end.
 */
// biome-ignore lint/style/noDefaultExport: vitest loads a reporter by its file's default export
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly { message?: string }[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0, pending: 0 }
    for (const error of errors) printFailure('outside of every test', [error])
    for (const module of modules) {
      const tests = [...module.children.allTests()]
      for (const test of tests) {
        counts[test.result().state] += 1
        if (test.result().state === 'failed') printFailure(nameOf(test), test.result().errors ?? [])
      }
      // A module that could not be loaded has no tests to fail.
      if (tests.length === 0 && module.state() === 'failed') {
        counts.failed += 1
        printFailure(module.relativeModuleId, module.errors())
      }
    }
    const skipped = counts.skipped + counts.pending
    const rest = skipped > 0 ? `, ${skipped} skipped` : ''
    console.log(`tests: ${counts.passed} passed, ${counts.failed} failed${rest}`)
  }
}

function nameOf(test: TestCase): string {
  return `${test.module.relativeModuleId} > ${test.fullName}`
}

function printFailure(name: string, errors: readonly { message?: string }[]): void {
  const message = errors.map((error) => error.message ?? String(error)).join('; ')
  const oneLine = message.replace(/\s+/g, ' ').trim()
  const cut = oneLine.length > LONGEST_MESSAGE ? `${oneLine.slice(0, LONGEST_MESSAGE)}…` : oneLine
  console.log(`failed test: ${name}: ${cut}`)
}
