import type { Reporter, TestModule } from 'vitest/node'

/** Ends a run's output with `tests: N passed, N failed, N skipped`, for people and programs that read only the end. */
// biome-ignore lint/style/noDefaultExport: vitest loads a reporter by its file's default export
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      const tests = [...module.children.allTests()]
      for (const test of tests) counts[test.result().state] += 1
      // A module that could not be loaded has no tests to fail.
      if (tests.length === 0 && module.state() === 'failed') counts.failed += 1
    }
    const skipped = counts.skipped + counts.pending
    const rest = skipped > 0 ? `, ${skipped} skipped` : ''
    console.log(`tests: ${counts.passed} passed, ${counts.failed} failed${rest}`)
  }
}
