import { readAirbyteConfig } from '../../core/destination/airbyte-config.ts'
import { readCatalog } from '../../core/destination/catalog.ts'
import { type Stream, streamLabel } from '../../core/destination/stream.ts'
import { ExchangeError } from '../../core/errors.ts'
import { receiveMessages } from '../../exchange/send/messages.ts'
import { recoveredText } from '../../exchange/send/recover.ts'
import { openSend, type SendReport } from '../../exchange/send/send.ts'
import { leftText } from '../../exchange/unfinished-uploads.ts'
import { openDestination } from '../../open-destination.ts'
import { logMessage, stateMessage, type Write } from './protocol.ts'

export interface WriteOptions {
  /** The two documents, as read. */
  readonly config: unknown
  readonly catalog: unknown
  readonly input: AsyncIterable<Uint8Array>
  readonly write: Write
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly signal: AbortSignal
}

/**
 * `write`: records in, states out once what they cover is durable. Throws what ended it, after everything
 * that no state covers has been taken back: `streams_incomplete` where the source did not come to its end.
 */
export async function write(options: WriteOptions): Promise<SendReport> {
  const { store, destination } = readAirbyteConfig(options.config, options.env)
  const { streams, sync_id } = readCatalog(options.catalog)
  const job = options.env.WORKER_JOB_ID
  await using opened = await openDestination({
    store,
    destination,
    env: options.env,
    base_dir: options.cwd,
  })
  const sync = sync_id ?? (job !== undefined && /^\d+$/.test(job) ? Number(job) : undefined)
  const send = await openSend({
    ...opened.context,
    streams,
    ...(sync === undefined ? {} : { sync_id: sync }),
    signal: options.signal,
    async emit(states) {
      for (const { raw, records } of states) {
        // Platforms that do not count send no counts, and are sent none.
        const counted = raw.includes('"sourceStats"') || streams.some(isCounted)
        await options.write(stateMessage(raw, counted ? records : undefined))
      }
    },
  })
  try {
    const received = await receiveMessages(options.input, {
      send,
      streams,
      routeLines: opened.routeLines,
    })
    const report = await send.finish()
    for (const line of summary(report)) await options.write(line)
    if (received.incomplete !== undefined) {
      throw new ExchangeError('streams_incomplete', received.incomplete)
    }
    return report
  } catch (error) {
    await send.abort()
    throw error
  }
}

/** Whether the platform is one with refreshes, which count records, too. */
const isCounted = ({ generation_id }: Stream): boolean => generation_id !== undefined

/** What a log reader wants to know at the end: how much went where, and which values did not fit. */
function summary(report: SendReport): string[] {
  const lines = report.streams.map(({ stream, namespace, objects, superseded, records_sent }) => {
    const bytes = objects.reduce((sum, each) => sum + each.bytes, 0)
    const name = streamLabel({ name: stream, ...(namespace === undefined ? {} : { namespace }) })
    const gone = superseded === 0 ? '' : `, in place of ${superseded} older`
    return logMessage(
      'INFO',
      `${name}: ${records_sent} records in ${objects.length} objects of ${bytes} bytes${gone}.`,
    )
  })
  for (const { stream, bad_values, examples } of report.streams) {
    if (bad_values === 0) continue
    lines.push(logMessage('WARN', `${stream}: ${bad_values} values fitted no type of their field.`))
    for (const { field, message, raw } of examples.slice(0, 10)) {
      lines.push(logMessage('WARN', `${stream}.${field}: ${message} It said ${raw}`))
    }
  }
  for (const recovered of report.recovered) {
    lines.push(logMessage('INFO', recoveredText(recovered)))
    const { refused } = recovered.uploads
    if (refused !== undefined) lines.push(logMessage('WARN', leftText(refused)))
  }
  return lines
}
