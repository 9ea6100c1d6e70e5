import { describe, expect, it } from 'vitest'
import { memoryTerminal } from '../../../test/memory-terminal.ts'
import type { PartitionReport } from '../app-port.ts'
import { statusText } from './status.ts'

const published: PartitionReport = {
  feed: 'events',
  partition: '2023-01-01',
  state: 'published',
  timeliness: 'on_time',
  due_at: new Date('2023-01-02T04:00:00Z'),
  generation: 2,
  served_generation: 1,
  pinned: true,
  objects: 2,
  bytes: 471_000,
  rows: 5000,
}
const absent = (feed: string, partition: string): PartitionReport => ({
  feed,
  partition,
  state: 'waiting',
  timeliness: 'missing',
  generation: 0,
  pinned: false,
  objects: 0,
  bytes: 0,
  rows: 0,
  waiting_for: 'no_objects',
})

describe('statusText', () => {
  it('shows each partition, and neighbours that never came as one line', () => {
    const days = ['2023-01-02', '2023-01-03', '2023-01-04'].map((day) => absent('events', day))
    const late = {
      ...absent('events', '2023-01-05'),
      state: 'refused' as const,
      objects: 1,
      generation: 1,
      message: 'over budget',
    }
    const text = statusText(
      [published, ...days, late, absent('users', '2023-01-02')],
      memoryTerminal(),
    )
    expect(text.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | '))).toEqual([
      'feed | partition | state | timeliness | due | generation | objects | size | rows | remark',
      'events | 2023-01-01 | published | on time | 2023-01-02 04:00Z | 1 of 2 | 2 | 471 kB | 5,000 | pinned by a rollback',
      'events | 2023-01-02 … 2023-01-04 | waiting | missing | 0 | 0 B | 0 | 3 partitions missing',
      'events | 2023-01-05 | refused | missing | 1, none served | 1 | 0 B | 0 | no objects',
      'users | 2023-01-02 | waiting | missing | 0 | 0 B | 0 | no objects',
      '',
      '6 partitions: 1 published, 4 waiting, 1 refused',
      '',
    ])
  })

  it('says so when nothing was seen', () => {
    expect(statusText([], memoryTerminal())).toBe('no partition has been seen yet\n')
  })
})
