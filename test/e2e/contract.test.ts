import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PRESETS } from '../../src/core/config.ts'

const launcher = fileURLToPath(new URL('../../bin/bucketline', import.meta.url))

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bucketline-contract-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function contract(...words: readonly string[]) {
  const { stdout, stderr, status } = spawnSync(launcher, ['contract', ...words], {
    cwd: folder,
    encoding: 'utf8',
  })
  return { stdout, stderr, status }
}

describe('contract show', () => {
  it('prints a page, the document, and plain data', () => {
    const page = contract('show', 'hackle-events')
    expect([page.stderr, page.status]).toEqual(['', 0])
    expect(page.stdout).toMatch(/^# Hackle events\n/)
    expect(page.stdout).toContain('dt={yyyy}-{MM}-{dd}/{file}.parquet')
    expect(page.stdout).not.toMatch(/undefined|\[object/)
    expect(contract('show', 'hackle-events', '--format', 'yaml').stdout).toContain(
      'apiVersion: v3.2.0',
    )
    const { source, contract: data } = JSON.parse(
      contract('show', 'hackle-events', '--json').stdout,
    )
    expect([source, data.columns[0].name]).toEqual(['preset hackle-events', 'insert_id'])
  })

  it('finds the contract of a feed, and says what there is when it finds none', () => {
    spawnSync(launcher, ['init'], { cwd: folder })
    expect(JSON.parse(contract('show', 'events', '--json').stdout).source).toBe('feed events')
    const { stdout, stderr, status } = contract('show', 'event')
    expect([stdout, status]).toEqual(['', 2])
    expect(stderr).toMatch(/^error\[contract_not_found\]: .*event\nhint: .*hackle-events/)
  })
})

describe('contract lint', () => {
  it('points at faults with line and column, and fails', async () => {
    await writeFile(
      join(folder, 'bad.odcs.yaml'),
      'apiVersion: v3.2.0\nkind: DataContract\nid: x\nversion: 1.0.0\nschema:\n  - name: x\n    colour: red\n',
    )
    const { stdout, status } = contract('lint', 'bad.odcs.yaml')
    expect(status).toBe(1)
    expect(stdout).toMatch(/^bad\.odcs\.yaml:7:\d+: error: /m)
    expect(stdout).toContain('bad.odcs.yaml: not valid')
    const report = JSON.parse(contract('lint', 'bad.odcs.yaml', '--json').stdout)
    expect(report.contracts[0]).toMatchObject({
      source: 'bad.odcs.yaml',
      valid: false,
      problems: [{ severity: 'error', line: 7 }],
    })
  })

  it.each(PRESETS)('finds %s valid', (preset) => {
    expect(contract('lint', preset)).toMatchObject({ stderr: '', status: 0 })
  })
})

describe('contract sample', () => {
  it('writes a delivery as a partner would, and overwrites nothing', () => {
    const words = ['sample', 'hackle-events', 'out', '--rows', '5', '--partition', '2023-01-01']
    const { stdout, stderr, status } = contract(...words)
    expect([stderr, status]).toEqual(['', 0])
    expect(stdout).toMatch(
      /^out\/dt=2023-01-01\/part-00000\.parquet {2}5 rows, .*\nout\/dt=2023-01-01\/_SUCCESS\n$/,
    )
    expect(contract(...words)).toMatchObject({ status: 1 })
  })

  it.each(PRESETS)('writes yesterday for %s', (preset) => {
    const { stdout, status } = contract('sample', preset, 'out', '--rows', '3', '--json')
    expect(status).toBe(0)
    const { files } = JSON.parse(stdout)
    expect(files[0]).toMatchObject({ rows: 3 })
  })
})

describe('contract import and diff', () => {
  it('drafts a contract that lints, from a sample of another', async () => {
    contract('sample', 'toplyne-users', 'out', '--rows', '50', '--partition', '2023-01-09')
    const { stdout, status } = contract(
      'import',
      'out/updated_at=2023-01-09/part-00000.csv',
      '--output',
      'draft.odcs.yaml',
    )
    expect([stdout, status]).toEqual(['created draft.odcs.yaml\n', 0])
    expect(await readFile(join(folder, 'draft.odcs.yaml'), 'utf8')).toContain('USER_ID')
    expect(contract('lint', 'draft.odcs.yaml').status).toBe(0)
    expect(
      contract('import', 'out/updated_at=2023-01-09/part-00000.csv', '--output', 'draft.odcs.yaml')
        .status,
    ).toBe(2)
  })

  it('exits 0 without changes and 1 for a breaking one', async () => {
    expect(contract('diff', 'hackle-events', 'hackle-events')).toMatchObject({
      stdout: 'no changes\n',
      status: 0,
    })
    const { stdout, status } = contract('diff', 'toplyne-users', 'toplyne-accounts', '--json')
    expect(status).toBe(1)
    const { changes } = JSON.parse(stdout)
    expect(changes.some((each: { breaking: boolean }) => each.breaking)).toBe(true)
  })
})
