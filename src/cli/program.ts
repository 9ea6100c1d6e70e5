import { Argument, Command as Commander, CommanderError, Option } from 'commander'
import { z } from 'zod'
import { ExchangeError } from '../core/errors.ts'
import { type Command, type Parameter, parametersOf } from './command.ts'
import { COMMAND_GROUPS, COMMANDS, GROUP_SUMMARIES } from './commands.ts'
import type { Style } from './terminal.ts'
import { textWidth } from './text-width.ts'

/** A command line, understood: a command with its words, or a text that was asked for (`--help`). */
export type Invocation =
  | {
      readonly type: 'run'
      readonly command: Command
      readonly input: Readonly<Record<string, unknown>>
      readonly config_file: string
      readonly json: boolean
    }
  | { readonly type: 'print'; readonly text: string }

/** Flags of every command. */
export const GLOBAL_FLAGS = z.object({
  config: z
    .string()
    .default('./bucketline.yaml')
    .describe('Configuration file.')
    .meta({ placeholder: 'FILE' }),
  json: z.boolean().default(false).describe('Print one JSON document instead of text.'),
})

export interface ParseOptions {
  readonly version: string
  readonly style: Style
  /** Columns help is wrapped to. */
  readonly width: number
}

/** Understands a command line, without the program's own name. Throws `usage`. */
export function parseCommandLine(argv: readonly string[], options: ParseOptions): Invocation {
  let invocation: Invocation | undefined
  let printed = ''
  const program = build(options, (found) => {
    invocation = found
  })
  configure(program, (text) => {
    printed += text
  })
  try {
    program.parse([...argv], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { type: 'print', text: printed }
    if (error.code === 'commander.help') return withoutCommand(program, argv)
    throw usageError(error)
  }
  if (invocation === undefined) throw new Error('a command line led to no command')
  return invocation
}

/** Without a word the help is what is wanted; with a group's name alone, one of its commands. */
function withoutCommand(program: Commander, argv: readonly string[]): Invocation {
  const group = program.commands.find((each) => each.name() === argv[0])
  if (group === undefined) return { type: 'print', text: program.helpInformation() }
  throw new ExchangeError('usage', `${group.name()} needs a command`, {
    hint: `One of ${group.commands.map((each) => each.name()).join(', ')}.`,
  })
}

/** Settings that commander's commands do not hand down to commands added before. */
function configure(program: Commander, print: (text: string) => void): void {
  program.exitOverride()
  program.configureOutput({ writeOut: print, writeErr: () => {}, outputError: () => {} })
  for (const child of program.commands) configure(child, print)
}

function build(options: ParseOptions, found: (invocation: Invocation) => void): Commander {
  const program = new Commander('bucketline')
  const help = helpOf(options)
  program
    .description(
      'Receives what partners deliver to a bucket: finds it, checks every row against a contract, loads it\nexactly once and says what was refused and why.',
    )
    .usage('COMMAND [OPTIONS]')
    .version(options.version, '-V, --version', 'Print the version.')
    .helpOption('-h, --help', 'Print help.')
    .helpCommand(false)
    .configureHelp(help)
    .addHelpText('after', '\nbucketline COMMAND --help describes a command.')
  const groups = new Map<string, Commander>()
  for (const { title, names } of COMMAND_GROUPS) {
    program.commandsGroup(`${title}:`)
    for (const command of COMMANDS.filter((each) =>
      names.includes(each.name.split(' ')[0] ?? ''),
    )) {
      const [first = '', second] = command.name.split(' ')
      let parent = program
      if (second !== undefined) {
        parent = groups.get(first) ?? program.command(first)
        if (!groups.has(first)) {
          groups.set(first, parent)
          parent
            .summary(GROUP_SUMMARIES[first] ?? '')
            .description(GROUP_SUMMARIES[first] ?? '')
            .usage('COMMAND [OPTIONS]')
            .helpOption('-h, --help', 'Print help.')
            .helpCommand(false)
            .configureHelp(help)
        }
      }
      addCommand(parent.command(second ?? first).configureHelp(help), command, options.style, found)
    }
  }
  return program
}

function addCommand(
  target: Commander,
  command: Command,
  style: Style,
  found: (invocation: Invocation) => void,
): void {
  target
    .summary(command.summary)
    .description([command.summary, command.description].filter(Boolean).join('\n\n'))
    .helpOption('-h, --help', 'Print help.')
    .helpCommand(false)
    .showSuggestionAfterError(true)
  const positional = parametersOf(command.arguments)
  for (const each of positional) {
    const name = each.placeholder
    const word = each.variadic ? `${name}...` : name
    const argument = new Argument(each.required ? `<${word}>` : `[${word}]`, each.description)
    if (each.choices) argument.choices(each.choices)
    target.addArgument(argument)
  }
  const flags = parametersOf(command.flags)
  for (const each of flags) target.addOption(optionOf(each))
  target.optionsGroup('On every command:')
  for (const each of parametersOf(GLOBAL_FLAGS)) target.addOption(optionOf(each))
  if (command.examples.length > 0) {
    const lines = command.examples.map(
      (each) => `  ${style('dim', `# ${each.what}`)}\n  ${each.command}`,
    )
    target.addHelpText('after', `\n${style('bold', 'Examples:')}\n${lines.join('\n')}`)
  }
  target.action((...words: unknown[]) => {
    const values = target.opts<Record<string, unknown>>()
    const input: Record<string, unknown> = {}
    positional.forEach((each, index) => {
      assign(input, each, words[index])
    })
    for (const each of flags) assign(input, each, values[camelCase(each.flag)])
    found({
      type: 'run',
      command,
      input,
      config_file: String(values.config),
      json: values.json === true,
    })
  })
}

const camelCase = (flag: string): string =>
  flag.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())

function assign(input: Record<string, unknown>, parameter: Parameter, value: unknown): void {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return
  input[parameter.name] = parameter.kind === 'integer' ? integer(parameter, String(value)) : value
}

function integer(parameter: Parameter, text: string): number {
  if (!/^-?\d+$/.test(text)) {
    throw new ExchangeError('usage', `--${parameter.flag} is ${JSON.stringify(text)}`, {
      hint: 'Give a whole number.',
    })
  }
  return Number(text)
}

function optionOf(parameter: Parameter): Option {
  if (parameter.kind === 'boolean') {
    const name = parameter.default === true ? `--no-${parameter.flag}` : `--${parameter.flag}`
    return new Option(name, parameter.description)
  }
  const word = parameter.variadic ? `${parameter.placeholder}...` : parameter.placeholder
  const option = new Option(`--${parameter.flag} <${word}>`, parameter.description)
  if (parameter.choices) option.choices(parameter.choices)
  if (parameter.default !== undefined && !parameter.variadic) option.default(parameter.default)
  return option
}

function helpOf(options: ParseOptions) {
  return {
    helpWidth: options.width,
    displayWidth: textWidth,
    styleTitle: (text: string) => options.style('bold', text),
    styleCommandText: (text: string) => options.style('cyan', text),
    styleSubcommandTerm: (text: string) => options.style('cyan', text),
    styleOptionTerm: (text: string) => options.style('cyan', text),
    styleArgumentTerm: (text: string) => options.style('cyan', text),
    // In the list of commands only the name: its words are in the command's own help.
    subcommandTerm: (command: Commander) => command.name(),
  }
}

/** Commander's complaint as an error of ours: what it suggests becomes the hint. */
function usageError(error: CommanderError): ExchangeError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
  const suggestion = /\(Did you mean (.+)\?\)/.exec(rest.join(' '))?.[1]
  return new ExchangeError('usage', first, {
    ...(suggestion === undefined ? {} : { hint: `Did you mean ${suggestion}?` }),
  })
}
