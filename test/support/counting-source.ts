import { spawn } from 'node:child_process'
import { appendFileSync, closeSync, readFileSync, statSync } from 'node:fs'

/**
 * A source that speaks the Airbyte protocol, run as a program: its streams count from 1, and its configuration
 * says how far, and where it fails. Run by hand: `node counting-source.ts spec`.
 */

interface SourceConfig {
  readonly token?: string
  /** File with what is in the source now: a run of a sync reads it anew. */
  readonly control: string
}

interface Control {
  /** Records of each stream. */
  readonly users: number
  readonly orders?: number
  readonly flags?: number
  readonly namespace?: string
  /** Text that makes records longer. */
  readonly pad?: number
  readonly state_every?: number
  readonly states?: 'stream' | 'global' | 'legacy'
  /** Before this record of this stream. */
  readonly fails?: {
    readonly stream: string
    readonly before: number
    readonly how: 'kill' | 'exit' | 'trace' | 'hang' | 'linger' | 'incomplete'
    /** The half line in which it does so. */
    readonly within?: string
  }
  /** Closes its output in the end and goes on: until it is told to end, or whatever it is told; or leaves a child. */
  readonly lingers?: 'until_told' | 'deaf' | 'child'
  /** Never speaks of the status of its streams. */
  readonly untold?: boolean
  /** Gives the records of a stream again that a state should cover, as sources of events do. */
  readonly overlap?: number
}

const words = process.argv.slice(2)
const command = words.find((word) => ['spec', 'discover', 'read'].includes(word))
const flagValue = (flag: string) => words[words.indexOf(flag) + 1] ?? ''
const write = (text: string) =>
  new Promise<void>((resolve) => process.stdout.write(text, () => resolve()))
const say = (message: object) => write(`${JSON.stringify(message)}\n`)

const streams = [
  { name: 'users', source_defined_cursor: true, default_cursor_field: ['id'] },
  {
    name: 'orders',
    source_defined_cursor: true,
    default_cursor_field: ['id'],
    source_defined_primary_key: [['key']],
  },
  { name: 'flags' },
]

if (command === 'spec') {
  await say({ type: 'SPEC', spec: { connectionSpecification: { type: 'object' } } })
} else {
  const config = JSON.parse(readFileSync(flagValue('--config'), 'utf8')) as SourceConfig
  const control = JSON.parse(readFileSync(config.control, 'utf8')) as Control
  // What it was called with, for the test to look at.
  const mode = (statSync(flagValue('--config')).mode & 0o777).toString(8)
  const state = words.includes('--state') ? readFileSync(flagValue('--state'), 'utf8') : undefined
  appendFileSync(
    `${config.control}.calls`,
    `${JSON.stringify({ command, mode, state, token: config.token })}\n`,
  )
  if (command === 'discover') await discover(control)
  else if (command === 'read') await read(control, state)
}

async function discover(control: Control) {
  console.error('discovering')
  await say({
    type: 'CATALOG',
    catalog: {
      streams: streams.map((stream) => ({
        ...stream,
        ...(control.namespace === undefined ? {} : { namespace: control.namespace }),
        json_schema: {
          type: 'object',
          properties: {
            id: { type: 'integer' },
            key: { type: 'integer' },
            pad: { type: 'string' },
          },
        },
        supported_sync_modes:
          stream.name === 'flags' ? ['full_refresh'] : ['full_refresh', 'incremental'],
      })),
    },
  })
}

async function read(control: Control, state: string | undefined) {
  const catalog = JSON.parse(readFileSync(flagValue('--catalog'), 'utf8')) as {
    readonly streams: readonly {
      readonly stream: { readonly name: string }
      readonly sync_mode: string
    }[]
  }
  const seen = positions(state)
  const { pad = 0, state_every = 10, states = 'stream', fails, namespace, overlap = 0 } = control
  const { untold = false } = control
  const of = namespace === undefined ? {} : { namespace }
  await say({ type: 'LOG', log: { level: 'INFO', message: 'reading' } })
  for (const { stream, sync_mode } of catalog.streams) {
    const { name } = stream
    const upto = control[name as 'users'] ?? 0
    const after = sync_mode === 'incremental' ? Math.max(0, (seen[name] ?? 0) - overlap) : 0
    const stateNow = (id: number) => {
      seen[name] = id
      const own = {
        stream_descriptor: { name, ...of },
        // More digits than a double has.
        stream_state: { id, exact: 0 },
      }
      const bodies = {
        stream: { type: 'STREAM', stream: own },
        global: {
          type: 'GLOBAL',
          global: {
            shared_state: { seen },
            stream_states: Object.entries(seen).map(([each, at]) => ({
              stream_descriptor: { name: each, ...of },
              stream_state: { id: at },
            })),
          },
        },
        legacy: { data: { seen } },
      }
      const text = JSON.stringify({
        type: 'STATE',
        state: { ...bodies[states], sourceStats: { recordCount: 1 } },
      })
      return write(`${text.replace('"exact":0', '"exact":90071992547409931.50')}\n`)
    }
    if (!untold) await status(name, of, 'STARTED')
    for (let id = after + 1; id <= upto; id++) {
      if (fails?.stream === name && fails.before === id) {
        await write(fails.within ?? '')
        await fail(fails.how, name, of)
      }
      const data = { id, key: id % 7, ...(pad === 0 ? {} : { pad: 'x'.repeat(pad) }) }
      await say({
        type: 'RECORD',
        record: { stream: name, ...of, data, emitted_at: 1_700_000_000_000 + id },
      })
      if (id % state_every === 0) await stateNow(id)
    }
    await stateNow(upto)
    if (!untold) await status(name, of, 'COMPLETE')
  }
  if (control.lingers !== undefined) linger(control.lingers)
}

function linger(how: 'until_told' | 'deaf' | 'child') {
  if (how === 'child') {
    const words = ['-e', 'setTimeout(() => {}, 600_000)']
    spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit'] }).unref()
    return
  }
  if (how === 'deaf') process.on('SIGTERM', () => {})
  setTimeout(() => {}, 600_000)
  closeSync(1)
}

function status(name: string, of: object, what: string) {
  return say({
    type: 'TRACE',
    trace: {
      type: 'STREAM_STATUS',
      emitted_at: 1,
      stream_status: { stream_descriptor: { name, ...of }, status: what },
    },
  })
}

async function fail(how: string, name: string, of: object): Promise<void> {
  if (how === 'kill') process.kill(process.pid, 'SIGKILL')
  else if (how === 'linger') linger('until_told')
  if (how === 'hang' || how === 'linger')
    await new Promise((resolve) => setTimeout(resolve, 600_000))
  if (how === 'incomplete') {
    await status(name, of, 'INCOMPLETE')
    process.exit(0)
  }
  if (how === 'trace') {
    const error = { message: 'the quota is used up', failure_type: 'transient_error' }
    await say({ type: 'TRACE', trace: { type: 'ERROR', emitted_at: 1, error } })
  }
  console.error('giving up')
  process.exit(1)
}

/** Where each stream was, by whatever form the state has. */
function positions(state: string | undefined): Record<string, number> {
  if (state === undefined) return {}
  const document = JSON.parse(state)
  if (!Array.isArray(document)) return document.seen
  const [first] = document
  if (first?.type === 'GLOBAL') return first.global.shared_state.seen
  return Object.fromEntries(
    document.map(({ stream }) => [stream.stream_descriptor.name, stream.stream_state.id]),
  )
}
