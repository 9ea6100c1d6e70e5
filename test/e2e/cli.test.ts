import { spawn, spawnSync } from 'node:child_process'
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import { COMMANDS } from '../../src/cli/commands.ts'
import { Config } from '../../src/core/config.ts'

const launcher = fileURLToPath(new URL('../../bin/bucketline', import.meta.url))

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bucketline-cli-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function bucketline(...words: readonly string[]) {
  return bucketlineIn({}, ...words)
}

/** With these variables of the environment besides those of this process; undefined takes one away. */
function bucketlineIn(
  env: Readonly<Record<string, string | undefined>>,
  ...words: readonly string[]
) {
  const { stdout, stderr, status } = spawnSync(launcher, words, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 60_000,
  })
  return { stdout, stderr, status }
}

describe('bucketline', () => {
  it('prints help, and no colours into a pipe', () => {
    const { stdout, stderr, status } = bucketline('--help')
    expect([stderr, status]).toEqual(['', 0])
    for (const { name, summary } of COMMANDS) {
      if (!name.includes(' ')) expect(stdout).toContain(summary)
    }
    expect(stdout).not.toContain('\u001b[')
  })

  it('refuses what it does not understand with exit code 2, on standard error', () => {
    expect(bucketline('lod')).toEqual({
      stdout: '',
      stderr: "error[usage]: unknown command 'lod'\nhint: Did you mean load?\n",
      status: 2,
    })
  })

  it('prints an error as the one JSON document where JSON is asked for', () => {
    const { stdout, stderr, status } = bucketline('load', '--forse', '--json')
    expect([stderr, status]).toEqual(['', 2])
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: 'usage',
        message: "unknown option '--forse'",
        hint: 'Did you mean --force?',
        retryable: false,
        details: {},
      },
    })
  })

  it('refuses a partition that is not written as one', () => {
    const { stderr, status } = bucketline('load', '--partition', '1/1/2023')
    expect(status).toBe(2)
    expect(stderr).toContain('error[usage]: --partition: a partition is written 2023-01-01')
  })

  it('refuses a range that ends before it begins', () => {
    const { stderr, status } = bucketline('load', '--from', '2023-01-05', '--to', '2023-01-04T10')
    expect(status).toBe(2)
    expect(stderr).toContain('error[usage]: --from 2023-01-05 lies after --to 2023-01-04T10')
  })

  it.each(['load', 'plan', 'status', 'sweep'])(
    '%s says where there is no configuration',
    (name) => {
      const { stdout, stderr, status } = bucketline(name)
      expect([stdout, status]).toEqual(['', 2])
      expect(stderr).toMatch(
        /^error\[config_not_found\]: .*bucketline\.yaml.*\nhint: .*bucketline init/,
      )
    },
  )

  it('ends quietly when its reader has gone', async () => {
    const child = spawn('sh', ['-c', '"$0" --help | true; exec "$0" --help 2>&1 1>&-', launcher])
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    await new Promise((resolve) => child.once('close', resolve))
    expect(said).not.toContain('EPIPE')
    expect(said).not.toContain('at ')
  })
})

describe('the end of the process', () => {
  it('comes with the end of the command, whatever is still open', () => {
    const import_ = '--import=data:text/javascript,setInterval(()=>{},1000)'
    const { stdout, stderr, status } = bucketlineIn({ NODE_OPTIONS: import_ }, '--version')
    expect([stdout, stderr, status]).toEqual(['0.1.0\n', '', 0])
    expect(bucketlineIn({ NODE_OPTIONS: import_ }, 'lod').status).toBe(2)
  })

  it('is no failure where the reader of a long result has gone', () => {
    bucketline('init')
    const { stdout, stderr } = spawnSync(
      'sh',
      [
        '-c',
        '{ "$0" query "FROM range(300000)" --format csv; echo "code $?" >&2; } | head -1',
        launcher,
      ],
      { cwd: folder, encoding: 'utf8' },
    )
    expect([stdout, stderr]).toEqual(['range\n', 'code 0\n'])
  })
})

describe('the cache of compiled code', () => {
  const unset = { NODE_COMPILE_CACHE: undefined, XDG_CACHE_HOME: undefined }
  const help = (env: Readonly<Record<string, string | undefined>>) => {
    const { stdout, stderr, status } = bucketlineIn({ ...unset, ...env }, '--help')
    expect(stdout).toContain('Usage: bucketline')
    expect([stderr, status]).toEqual(['', 0])
  }
  const made = async () => (await readdir(folder, { recursive: true })).sort()

  it('is a folder of the user', async () => {
    help({ HOME: folder })
    const cache = await readdir(join(folder, '.cache/bucketline/compile-cache'))
    expect(cache).toHaveLength(1)
    help({ HOME: folder, XDG_CACHE_HOME: join(folder, 'elsewhere') })
    expect(await readdir(join(folder, 'elsewhere/bucketline/compile-cache'))).toEqual(cache)
  })

  it('is not made where nobody is at home, or where the user decided', async () => {
    help({ HOME: undefined })
    help({ HOME: join(folder, 'missing') })
    help({ HOME: folder, NODE_COMPILE_CACHE: '' })
    expect(await made()).toEqual([])
    help({ HOME: folder, NODE_COMPILE_CACHE: join(folder, 'mine') })
    expect(await readdir(folder)).toEqual(['mine'])
  })

  it('is done without where it cannot be made', async () => {
    await writeFile(join(folder, '.cache'), '')
    help({ HOME: folder })
    expect(await made()).toEqual(['.cache'])
    // Whoever makes a folder there is told that its parent is missing, root too.
    if (process.platform === 'linux') help({ HOME: '/proc' })
  })
})

describe('init', () => {
  it('writes a configuration that the schema accepts, and says what comes next', async () => {
    const { stdout, stderr, status } = bucketline('init')
    expect([stderr, status]).toEqual(['', 0])
    expect(stdout).toContain('created bucketline.yaml\ncreated inbox/events/\n')
    expect(stdout.trimEnd().split('\n').at(-1)).toContain('bucketline load')
    expect((await readdir(folder)).sort()).toEqual(['bucketline.yaml', 'inbox'])
    Config.parse(parse(await readFile(join(folder, 'bucketline.yaml'), 'utf8')))
  })

  it('overwrites nothing unless it is told to', async () => {
    await writeFile(join(folder, 'bucketline.yaml'), 'mine')
    const { stderr, status } = bucketline('init')
    expect(status).toBe(2)
    expect(stderr).toContain('error[config_exists]: ./bucketline.yaml is there already')
    expect(await readFile(join(folder, 'bucketline.yaml'), 'utf8')).toBe('mine')
    expect(bucketline('init', '--force').status).toBe(0)
    expect(await readFile(join(folder, 'bucketline.yaml'), 'utf8')).toContain('feeds:')
  })

  it('takes presets, a store and another name, and reports in JSON', async () => {
    const words = [
      '--preset',
      'toplyne-users',
      '--preset',
      'hackle-events',
      '--config',
      'sub/x.yaml',
    ]
    const { stdout, status } = bucketline('init', '--store', 's3', ...words, '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ created: ['sub/x.yaml'], feeds: ['users', 'events'] })
    const text = await readFile(join(folder, 'sub/x.yaml'), 'utf8')
    expect(Config.parse(parse(text)).stores).toHaveProperty('partner.type', 's3')
    await expect(access(join(folder, 'inbox'))).rejects.toThrow()
  })

  it('leads to a load that has nothing to do', () => {
    bucketline('init')
    expect(bucketline('load')).toEqual({ stdout: 'nothing to load\n', stderr: '', status: 0 })
    const { stdout, status } = bucketline('load', '--json')
    expect([JSON.parse(stdout), status]).toEqual([{ loads: [] }, 0])
  })
})

describe('load --watch', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends on %s with %i, leaving the data directory free', async (signal, code) => {
    bucketline('init')
    const child = spawn(launcher, ['load', '--watch'], { cwd: folder, stdio: 'pipe' })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    await vi.waitFor(() => access(join(folder, '.bucketline')), { timeout: 60_000, interval: 100 })
    child.kill(signal)
    expect(await ended).toBe(code)
    expect(said).toContain(`${signal}: stopping`)
    expect(bucketline('load').status).toBe(0)
  })
})

describe('load of a feed that cannot be looked at', () => {
  it('loads the others, and says what failed', async () => {
    bucketline('init', '--preset', 'hackle-events', '--preset', 'toplyne-users')
    const path = join(folder, 'bucketline.yaml')
    const text = await readFile(path, 'utf8')
    const lost = 'stores:\n  lost: { type: local, path: ./not-there }\n'
    await writeFile(
      path,
      text
        .replace('stores:\n', lost)
        .replace('users:\n    store: inbox', 'users:\n    store: lost'),
    )
    bucketline('contract', 'sample', 'events', 'inbox/events', '--rows', '5')
    const { stdout, stderr, status } = bucketline('load', '--json')
    expect(stderr).toBe('')
    expect(status).not.toBe(0)
    const { loads, error } = JSON.parse(stdout)
    expect(loads).toMatchObject([{ feed: 'events', state: 'published', rows_published: 5 }])
    expect(error).toMatchObject({
      code: 'store_not_found',
      details: { feeds: [{ feed: 'users' }] },
    })
    const again = bucketline('load')
    expect([again.stdout, again.status]).toEqual(['', status])
    expect(again.stderr).toMatch(/^error\[store_not_found\]: .*users: .*not-there.*\nhint: /m)
  })
})

describe('a refused delivery', () => {
  it('is accounted for to the row, valid rows included, by load and by validate', async () => {
    bucketline('init', '--preset', 'toplyne-users')
    const path = join(folder, 'bucketline.yaml')
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replace('# max_rejected_percent: 1 ', 'max_rejected_percent: 1 '))
    const day = join(folder, 'inbox/users/updated_at=2023-01-09')
    await mkdir(day)
    const rows = Array.from({ length: 3000 }, (_, n) =>
      [n % 3 === 0 ? '' : `u${n}`, '2022-01-01T00:00:00Z', '2023-01-09T10:00:00Z'].join(','),
    )
    await writeFile(
      join(day, 'users.csv'),
      ['USER_ID,USER_CREATION_TIME,UPDATED_AT', ...rows, ''].join('\n'),
    )
    const counts = {
      state: 'refused',
      code: 'over_budget',
      message: '1,000 of 3,000 rows were rejected (33.33 %), max_rejected_percent is 1',
      rows_read: 3000,
      rows_published: 0,
      duplicates: 0,
      rejected: 1000,
      withheld: 2000,
    }
    const sum = '3,000 rows read = 0 published + 0 duplicates + 1,000 rejected + 2,000 withheld'
    const checked = bucketline('validate', 'users')
    expect([checked.stdout.includes(sum), checked.status]).toEqual([true, 1])
    expect(JSON.parse(bucketline('validate', 'users', '--json').stdout).validations).toMatchObject([
      counts,
    ])
    const { stdout, status } = bucketline('load', '--json')
    expect([JSON.parse(stdout).loads, status]).toMatchObject([[counts], 1])
    const forced = bucketline('load', '--force')
    expect([forced.stdout.includes(sum), forced.status]).toEqual([true, 1])
  }, 60_000)
})
