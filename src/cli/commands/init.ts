import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { z } from 'zod'
import { PRESETS } from '../../core/config.ts'
import { ExchangeError } from '../../core/errors.ts'
import { defineCommand, none } from '../command.ts'
import { configurationText } from '../init-text.ts'
import { writeJson } from '../json-output.ts'

/** `init`: a configuration to start from. */
export const init = defineCommand({
  name: 'init',
  summary: 'Write a configuration file to start from.',
  description:
    'Writes a commented bucketline.yaml with one store and one feed per preset. With a local store it also makes the folder that the store reads, so that `bucketline load` runs at once.',
  arguments: none,
  flags: z.object({
    preset: z
      .array(z.enum(PRESETS))
      .default(['hackle-events'])
      .describe('Kinds of delivery to receive; one feed each (default: hackle-events).')
      .meta({ placeholder: 'NAME' }),
    store: z
      .enum(['local', 's3', 'gcs'])
      .default('local')
      .describe('Where the partner delivers to.')
      .meta({ placeholder: 'TYPE' }),
    force: z.boolean().default(false).describe('Overwrite a file that is there.'),
  }),
  examples: [
    { command: 'bucketline init', what: 'a local inbox for daily Parquet events' },
    {
      command: 'bucketline init --store s3 --preset metamarkets-rollup',
      what: 'hourly JSON rollups from an S3 bucket',
    },
  ],
  async run(context, input) {
    const path = resolve(context.cwd, context.config_file)
    const presets = [...new Set(input.preset)]
    const { text, feeds, todo } = configurationText({ presets, store: input.store })
    await mkdir(dirname(path), { recursive: true })
    try {
      await writeFile(path, text, { flag: input.force ? 'w' : 'wx' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      throw new ExchangeError('config_exists', `${context.config_file} is there already`, {
        hint: 'Use --force to overwrite it, or --config FILE for another name.',
        cause: error,
      })
    }
    const created = [relative(context.cwd, path)]
    if (input.store === 'local') {
      for (const feed of feeds) {
        const folder = join(dirname(path), 'inbox', feed.prefix)
        await mkdir(folder, { recursive: true })
        created.push(`${relative(context.cwd, folder)}/`)
      }
    }
    if (context.json) {
      await writeJson(context.terminal, { created, feeds: feeds.map((feed) => feed.name) })
      return 0
    }
    const { style, out } = context.terminal
    const config =
      context.config_file === './bucketline.yaml' ? '' : ` --config ${context.config_file}`
    const next = [
      ...todo,
      ...(input.store === 'local'
        ? feeds.map((feed) => `deliver ${feed.example} into inbox/${feed.prefix}`)
        : []),
      `${style('cyan', `bucketline load${config}`)}`,
    ]
    await out(
      `${created.map((name) => `${style('green', 'created')} ${name}`).join('\n')}\n\n${style('bold', 'Next:')}\n${next.map((line, index) => `  ${index + 1}. ${line}`).join('\n')}\n`,
    )
    return 0
  },
})
