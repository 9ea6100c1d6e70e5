import type { RecordBlock } from '../../src/format/encode/encode.ts'
import type { EnvelopedRecord } from '../../src/format/encode/record-blocks.ts'

/** Records as a source writes them, in memory of their own. */
export function recordBlock(stream: string, records: readonly EnvelopedRecord[]): RecordBlock {
  const lines = records.map(({ data, emitted_at, changes }) => {
    const meta = changes === undefined ? '' : `,"meta":{"changes":${changes}}`
    return `{"type":"RECORD","record":{"stream":"${stream}","data":${data},"emitted_at":${emitted_at}${meta}}}\n`
  })
  return { bytes: new Uint8Array(Buffer.from(lines.join(''))), records: records.length }
}
