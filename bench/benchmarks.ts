import type { Benchmark } from './benchmark.ts'
import { explore } from './benchmarks/explore.ts'
import { hackleDay } from './benchmarks/hackle-day.ts'
import { metamarketsHour } from './benchmarks/metamarkets-hour.ts'
import { partitions } from './benchmarks/partitions.ts'
import { dltJson, dltParquet } from './benchmarks/peers.ts'
import { sendFormats } from './benchmarks/send-formats.ts'
import { sendMemory } from './benchmarks/send-memory.ts'
import { sendStreams } from './benchmarks/send-streams.ts'
import { smallFiles } from './benchmarks/small-files.ts'
import { tenMillion } from './benchmarks/ten-million.ts'
import { toplyneUpsert } from './benchmarks/toplyne-upsert.ts'
import { validate } from './benchmarks/validate.ts'

/** In the order of the page. */
export const BENCHMARKS: readonly Benchmark[] = [
  hackleDay,
  metamarketsHour,
  toplyneUpsert,
  tenMillion,
  partitions,
  smallFiles,
  dltJson,
  dltParquet,
  validate,
  explore,
  sendFormats,
  sendStreams,
  sendMemory,
]
