import type { DestinationPath } from '../../core/destination/path-format.ts'
import type { Stream } from '../../core/destination/stream.ts'
import { confusedStreams } from '../../core/destination/uniqueness.ts'
import type { Encoding } from '../../format/encode/encode.ts'
import type { AttemptLog } from './attempt-log.ts'
import type { Commits } from './commits.ts'
import type { ControlKeys } from './control.ts'
import { writeManifest } from './manifest.ts'
import { mergeStream } from './merge.ts'
import { isOurs } from './recover.ts'
import type { SendContext } from './send.ts'
import { supersededBy } from './supersede.ts'
import type { Uploads } from './uploads.ts'

export interface EndingContext extends SendContext {
  readonly path: DestinationPath
  readonly control: ControlKeys
  readonly log: AttemptLog
  readonly commits: Commits
  readonly uploads: Uploads
  readonly encodings: readonly Encoding[]
}

/** How a sync ends: new objects take the place of old ones, what counts for nothing goes, manifests tell the rest. */
export class Ending {
  /** Streams whose objects have taken the place of older ones. */
  private readonly finished = new Set<number>()
  /** Keys that were deleted, as others took their place. */
  private readonly gone = new Set<string>()
  /** Keys that the log says are deleted, before they are. */
  private going: readonly string[] = []
  private confused: ReadonlySet<Stream> | undefined
  /** Objects of earlier syncs that went, of each stream. */
  readonly superseded: number[]
  private readonly context: EndingContext

  constructor(context: EndingContext) {
    this.context = context
    this.superseded = context.streams.map(() => 0)
  }

  /** Everything of the stream is committed: what is older goes, or is merged with it. */
  async finishStream(index: number, stream: Stream): Promise<void> {
    await this.putInPlace(index, stream)
    this.finished.add(index)
  }

  private async putInPlace(index: number, stream: Stream): Promise<void> {
    const { store, control, path, log, commits, destination } = this.context
    const { attempt_id } = log
    const own = commits.objects.filter((object) => object.stream === index)
    if (stream.write_mode === 'append_dedup') {
      const merged = await mergeStream({
        ...this.context,
        control,
        stream,
        index,
        attempt_id,
        own,
        encoding: {
          ...(this.context.encodings[index] as Encoding),
          id: `${attempt_id}-${index}-merged`,
          output: destination.output,
          output_schema: destination.output_schema,
          partition_by: path.partition_by,
        },
        rows_encoding: this.context.encodings[index] as Encoding,
      })
      if (merged === undefined) return
      this.context.step('merged')
      await commits.commitMerged(merged.objects)
      await this.replace(index, merged.superseded)
      return
    }
    const old = await supersededBy({
      store,
      control,
      path,
      stream,
      isConfused: (each) => this.confusedStreams().has(each),
      attempt_id,
      intended: this.context.uploads.intended,
    })
    const mine = new Set(own.map(({ key }) => key))
    await this.replace(
      index,
      old.filter((key) => !mine.has(key)),
    )
  }

  /** Streams that others of the sync could be taken for. */
  private confusedStreams(): ReadonlySet<Stream> {
    this.confused ??= new Set(
      confusedStreams(this.context.path, this.context.streams).map(([, taken_for]) => taken_for),
    )
    return this.confused
  }

  private async replace(index: number, keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    const { step } = this.context
    await this.context.log.append({ type: 'supersede', keys })
    this.going = keys
    step('superseding')
    await this.deleteGoing()
    step('superseded')
    const { prefix } = this.context.control
    this.superseded[index] = keys.filter((key) => !key.startsWith(prefix)).length
  }

  /** Once the log says that keys go, there is no way back: some may be deleted already. */
  async deleteGoing(): Promise<void> {
    await this.context.store.delete(this.going)
    for (const key of this.going) this.gone.add(key)
    this.going = []
    this.context.commits.forget(this.gone)
  }

  /** Deletes what was written, or may have been, and nothing committed. */
  async takeBack(): Promise<void> {
    const { store, uploads, commits, log } = this.context
    const sent = new Set(uploads.sent.map(({ key }) => key))
    const keep = new Set(commits.objects.map(({ key }) => key))
    const lost: string[] = []
    for (const object of uploads.intended.values()) {
      if (keep.has(object.key) || this.gone.has(object.key)) continue
      // A write that failed may have arrived all the same.
      if (sent.has(object.key) || (await isOurs(store, object, log.attempt_id)))
        lost.push(object.key)
    }
    await store.delete(lost)
  }

  /** Says of each stream what was committed of it. */
  async writeManifests(): Promise<void> {
    const { store, streams, control, log, commits } = this.context
    await Promise.all(
      streams.map(async ({ name, namespace, generation_id, write_mode }, index) => {
        const stream = { name, ...(namespace === undefined ? {} : { namespace }) }
        const objects = commits.objects
          .filter((object) => object.stream === index)
          .map(({ key, bytes, records }) => ({ key, bytes, records }))
        // That a stream is empty has to be said where it took the place of something, not of each sync.
        const telling = write_mode === 'overwrite' || objects.length > 0
        await writeManifest(store, control.stream(stream), {
          attempt_id: log.attempt_id,
          stream,
          ...(generation_id === undefined ? {} : { generation_id }),
          complete: telling && this.finished.has(index),
          objects,
        })
      }),
    )
  }
}
