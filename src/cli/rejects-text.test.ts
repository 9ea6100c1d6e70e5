import { describe, expect, it } from 'vitest'
import { memoryTerminal } from '../../test/memory-terminal.ts'
import type { Reject } from '../exchange/rejects.ts'
import { rejectsText } from './rejects-text.ts'
import { colored } from './terminal.ts'
import { textWidth } from './text-width.ts'

const reject: Reject = {
  feed: 'auctions',
  partition: '2023-01-04T00',
  object: 'auctions/y=2023/m=01/d=04/H=00/part-0.gz',
  version: 'v',
  row: 4001,
  column: 'timestamp',
  code: 'out_of_partition',
  codes: ['out_of_partition'],
  message: 'timestamp is "2023-01-03T23:59:56.400Z", outside the partition',
  raw: `{"timestamp":"2023-01-03T23:59:56.400Z","cnt":7,"app_name":"Chess Club\u001b[2J","more":"${'x'.repeat(5000)}"}`,
}

describe('rejectsText', () => {
  it('gives the reason the room, and puts object and row below it', () => {
    const { text, cut } = rejectsText([reject], memoryTerminal({ width: 80 }))
    expect(cut).toBe(true)
    expect(text.split('\n')).toEqual([
      'partition       row  code              message',
      '2023-01-04T00  4001  out_of_partition  timestamp is "2023-01-03T23:59:56.400Z",',
      '                                       outside the partition',
      '  …ctions/y=2023/m=01/d=04/H=00/part-0.gz  {"timestamp":"2023-01-03T23:59:56.40…',
      '',
    ])
  })

  it.each([40, 80, 120, 200])('keeps the whole reason and place in %i columns', (width) => {
    const { text } = rejectsText([reject], memoryTerminal({ width }))
    const flat = text.replaceAll(/\s+/g, '')
    for (const part of ['2023-01-04T00', '4001', 'out_of_partition', 'part-0.gz']) {
      expect(flat).toContain(part)
    }
    for (const word of reject.message.split(/[ -]/).filter((each) => width > 80 && each)) {
      expect(text).toContain(word)
    }
    const below = text.split('\n').at(-2) ?? ''
    expect(textWidth(below)).toBeLessThanOrEqual(width)
    expect(text).not.toContain('\u001b')
  })

  it('shows a short key and row whole, dim', () => {
    const short = { ...reject, object: 'a.gz', raw: '{"b":1}' }
    const { text, cut } = rejectsText([short], memoryTerminal({ width: 80, style: colored }))
    expect(cut).toBe(false)
    expect(text).toContain(colored('dim', '  a.gz  {"b":1}'))
  })

  it('leaves nothing out of a pipe', () => {
    const { text, cut } = rejectsText([reject], memoryTerminal())
    expect(cut).toBe(false)
    expect(text.split('\n')).toHaveLength(3)
    expect(text).toContain(reject.object)
    expect(text).toContain('x'.repeat(5000))
  })
})
