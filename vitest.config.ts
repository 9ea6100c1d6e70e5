import { defineConfig } from 'vitest/config'

/**
 * Kinds of tests by suffix and folder. Between them the projects take every `*.test.ts`: what is no
 * property, conformance, end-to-end, fuzz or server test is a unit test, so that none is ever left out.
 */
const everywhere = ['src', 'test', 'scripts', 'bench'].map((folder) => `${folder}/**`)
const KINDS = {
  prop: everywhere.map((folder) => `${folder}/*.prop.test.ts`),
  conformance: [
    ...everywhere.map((folder) => `${folder}/*.conformance.test.ts`),
    'test/conformance/**/*.test.ts',
  ],
  e2e: ['test/e2e/**/*.test.ts'],
  fuzz: ['test/fuzz/**/*.test.ts'],
  servers: ['test/servers/**/*.test.ts'],
}

/** Milliseconds. Two cores run these beside each other: generous, as a limit is for what hangs. */
const TIMEOUTS = {
  unit: 20_000,
  prop: 60_000,
  conformance: 60_000,
  e2e: 180_000,
  fuzz: 900_000,
  servers: 180_000,
}

const project = (name: keyof typeof TIMEOUTS, include: string[], exclude: string[]) => ({
  test: {
    name,
    include,
    exclude: ['**/node_modules/**', 'dist/**', ...exclude],
    pool: 'forks' as const,
    testTimeout: TIMEOUTS[name],
    hookTimeout: TIMEOUTS[name],
    // Times and colours as on any other machine.
    env: { TZ: 'UTC', NO_COLOR: '1' },
  },
})

export default defineConfig({
  test: {
    reporters: ['default', './test/closing-line.ts'],
    maxWorkers: 2,
    passWithNoTests: false,
    projects: [
      project('prop', KINDS.prop, [...KINDS.servers, ...KINDS.fuzz]),
      project('conformance', KINDS.conformance, [...KINDS.prop, ...KINDS.servers, ...KINDS.fuzz]),
      project('e2e', KINDS.e2e, KINDS.prop),
      project('fuzz', KINDS.fuzz, []),
      project('servers', KINDS.servers, []),
      project(
        'unit',
        everywhere.map((folder) => `${folder}/*.test.ts`),
        Object.values(KINDS).flat(),
      ),
    ],
  },
})
