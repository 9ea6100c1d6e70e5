import { z } from 'zod'
import type { Context, ExitCode } from './context.ts'

/**
 * A command as data. Its flags and arguments are zod schemas: parsing, checking, help and the
 * reference page are derived from them.
 */
export interface CommandDefinition<A extends z.ZodObject, F extends z.ZodObject> {
  /** One word, or two for a command of a group: `contract show`. */
  readonly name: string
  /** One sentence under 80 characters. */
  readonly summary: string
  /** Further paragraphs for `--help` and the reference page. */
  readonly description?: string
  /** Positional arguments in order; an array comes last and takes the rest. */
  readonly arguments: A
  /** Names in snake case; `--no-x` is derived for booleans that default to true. */
  readonly flags: F
  /** Lists of the `--json` document by name, with what an item holds, for the reference page. */
  readonly output?: Readonly<Record<string, z.ZodObject>>
  readonly examples: readonly { readonly command: string; readonly what: string }[]
  run(context: Context, input: z.output<A> & z.output<F>): Promise<ExitCode>
}

/** A command whose input types are its own business. */
export type Command = Omit<CommandDefinition<z.ZodObject, z.ZodObject>, 'run'> & {
  /** Checks the raw words against the schemas, then runs. */
  run(context: Context, input: Readonly<Record<string, unknown>>): Promise<ExitCode>
}

/** Checks and closes over a definition's types, so that commands of all kinds stand in one list. */
export function defineCommand<A extends z.ZodObject, F extends z.ZodObject>(
  definition: CommandDefinition<A, F>,
): Command {
  const schema = z.strictObject({ ...definition.arguments.shape, ...definition.flags.shape })
  return {
    ...definition,
    run: async (context, input) =>
      definition.run(context, schema.parse(input) as z.output<A> & z.output<F>),
  }
}

/** No arguments, or no flags. */
export const none = z.object({})

/** What a flag or argument looks like on the command line, read off its schema. */
export interface Parameter {
  /** Name in the schema, snake case. */
  readonly name: string
  /** Name on the command line, kebab case, without dashes. */
  readonly flag: string
  readonly kind: 'boolean' | 'integer' | 'text'
  readonly variadic: boolean
  readonly required: boolean
  readonly default: unknown
  readonly choices: readonly string[] | undefined
  /** What stands for the value in help: `FILE`. */
  readonly placeholder: string
  readonly description: string
}

/** The parameters of a schema, in its order. Throws on a schema that no command line can express. */
export function parametersOf(schema: z.ZodObject): readonly Parameter[] {
  return Object.entries(schema.shape).map(([name, field]) => parameter(name, field as z.ZodType))
}

function parameter(name: string, field: z.ZodType): Parameter {
  let inner = field
  let required = true
  let standard: unknown
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault) {
    required = false
    if (inner instanceof z.ZodDefault) standard = inner.def.defaultValue
    inner = inner.def.innerType as z.ZodType
  }
  const variadic = inner instanceof z.ZodArray
  if (inner instanceof z.ZodArray) inner = inner.def.element as z.ZodType
  const flag = name.replaceAll('_', '-')
  const meta = field.meta() as { placeholder?: string } | undefined
  const kind =
    inner instanceof z.ZodBoolean
      ? 'boolean'
      : inner instanceof z.ZodNumber
        ? 'integer'
        : inner instanceof z.ZodString || inner instanceof z.ZodEnum
          ? 'text'
          : undefined
  if (kind === undefined) throw new Error(`${name}: a ${inner.def.type} cannot be a flag`)
  if (!field.description) throw new Error(`${name}: a flag needs a description`)
  return {
    name,
    flag,
    kind,
    variadic,
    required,
    default: standard,
    choices: inner instanceof z.ZodEnum ? inner.options.map(String) : undefined,
    placeholder: meta?.placeholder ?? (kind === 'integer' ? 'N' : name.toUpperCase()),
    description: field.description,
  }
}
