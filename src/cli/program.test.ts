import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ExchangeError } from '../core/errors.ts'
import { defineCommand, parametersOf } from './command.ts'
import { COMMAND_GROUPS, COMMANDS } from './commands.ts'
import { GLOBAL_FLAGS, parseCommandLine } from './program.ts'
import { plain } from './terminal.ts'

const options = { version: '1.2.3', style: plain, width: 100 }
const parse = (...argv: string[]) => parseCommandLine(argv, options)

function refusal(...argv: string[]): ExchangeError {
  try {
    parse(...argv)
  } catch (error) {
    if (error instanceof ExchangeError) return error
    throw error
  }
  throw new Error(`${argv.join(' ')} was understood`)
}

describe('parseCommandLine', () => {
  it('understands arguments, flags and the flags of every command', () => {
    expect(
      parse('load', 'a', 'b', '--from=2023-01-01', '--watch', '--config', 'x.yaml', '--json'),
    ).toMatchObject({
      type: 'run',
      command: { name: 'load' },
      input: { feeds: ['a', 'b'], from: '2023-01-01', watch: true },
      config_file: 'x.yaml',
      json: true,
    })
  })

  it('leaves what is not given to the schema', () => {
    expect(parse('load')).toMatchObject({
      input: {},
      config_file: './bucketline.yaml',
      json: false,
    })
  })

  it('understands commands of two words, numbers and words after --', () => {
    expect(parse('contract', 'sample', 'c', 'd', '--rows', '5')).toMatchObject({
      command: { name: 'contract sample' },
      input: { contract: 'c', folder: 'd', rows: 5 },
    })
    expect(parse('query', '--', '--not a flag')).toMatchObject({ input: { sql: '--not a flag' } })
  })

  it.each([
    [['lod'], "unknown command 'lod'", 'Did you mean load?'],
    [['load', '--forse'], "unknown option '--forse'", 'Did you mean --force?'],
    [['rejects'], "missing required argument 'FEED'", 'Run the command with --help.'],
    [
      ['status', '--from'],
      "option '--from <PARTITION>' argument missing",
      'Run the command with --help.',
    ],
    [['contract'], 'contract needs a command', 'One of show, guide, lint, sample, import, diff.'],
    [['contract', 'lnt', 'x'], "unknown command 'lnt'", 'Did you mean lint?'],
    [
      ['rollback', 'f', '2023-01-01', '--generation', '1.5'],
      '--generation is "1.5"',
      'Give a whole number.',
    ],
  ])('refuses %j', (argv, message, hint) => {
    const error = refusal(...argv)
    expect([error.code, error.message, error.hint]).toEqual(['usage', message, hint])
  })

  it('refuses a choice that is none, naming the choices', () => {
    expect(refusal('init', '--store', 'ftp').message).toContain('local, s3, gcs')
  })

  it.each([[[]], [['--help']], [['-h']]])('prints help for %j', (argv) => {
    const invocation = parse(...argv)
    expect(invocation.type === 'print' && invocation.text).toContain('Usage: bucketline COMMAND')
  })

  it('prints the version', () => {
    expect(parse('--version')).toEqual({ type: 'print', text: '1.2.3\n' })
  })

  it.each(COMMANDS.map((each) => each.name))('prints help of %s', (name) => {
    const invocation = parse(...name.split(' '), '--help')
    const text = invocation.type === 'print' ? invocation.text : ''
    expect(text).toContain(`Usage: bucketline ${name}`)
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(110)
  })
})

describe('commands', () => {
  it.each(COMMANDS.map((each) => [each.name, each] as const))(
    '%s keeps the rules of help',
    (_, c) => {
      expect(c.summary.length).toBeLessThan(80)
      expect(c.summary).toMatch(/^[A-Z].*\.$/)
      for (const each of [...parametersOf(c.arguments), ...parametersOf(c.flags)]) {
        const [sentence = ''] = each.description.split('. ')
        expect(sentence.length, each.name).toBeLessThan(80)
        expect(each.description, each.name).toMatch(/^[A-Z].*[.)]$/)
        expect(each.name).toMatch(/^[a-z]+(_[a-z]+)*$/)
      }
      for (const { command } of c.examples) expect(command).toContain(`bucketline ${c.name}`)
    },
  )

  it('stand in a group each', () => {
    const grouped = COMMAND_GROUPS.flatMap(({ names }) => names)
    for (const { name } of COMMANDS) expect(grouped).toContain(name.split(' ')[0])
  })

  it('have no flag that every command has', () => {
    const shared = Object.keys(GLOBAL_FLAGS.shape)
    for (const { flags } of COMMANDS) {
      for (const name of Object.keys(flags.shape)) expect(shared).not.toContain(name)
    }
  })
})

describe('parametersOf', () => {
  it('reads flags off a schema', () => {
    const schema = z.object({
      part_bytes: z.int().optional().describe('A size.'),
      color: z.boolean().default(true).describe('Colours.'),
      names: z
        .array(z.enum(['a', 'b']))
        .describe('Names.')
        .meta({ placeholder: 'NAME' }),
    })
    expect(parametersOf(schema)).toMatchObject([
      { flag: 'part-bytes', kind: 'integer', required: false, placeholder: 'N' },
      { flag: 'color', kind: 'boolean', default: true },
      { flag: 'names', variadic: true, required: true, choices: ['a', 'b'], placeholder: 'NAME' },
    ])
  })

  it('refuses what no command line can express', () => {
    expect(() => parametersOf(z.object({ x: z.date().describe('A date.') }))).toThrow('date')
    expect(() => parametersOf(z.object({ x: z.string() }))).toThrow('description')
  })

  it('checks words before a command runs', async () => {
    const command = defineCommand({
      name: 'x',
      summary: 'X.',
      arguments: z.object({}),
      flags: z.object({ n: z.int().max(3).describe('N.') }),
      examples: [],
      run: async () => 0,
    })
    await expect(command.run({} as never, { n: 4 })).rejects.toThrow()
  })
})
