import { describe, expect, it } from 'vitest'
import { renderTable } from './table.ts'
import { colored, plain } from './terminal.ts'
import { textWidth } from './text-width.ts'

const columns = [
  { title: 'name', flexible: true },
  { title: 'rows', align: 'right' as const },
  { title: 'message', flexible: true },
]

describe('renderTable', () => {
  it('aligns by what is seen, numbers to the right, no blanks at line ends', () => {
    const rows = [
      ['世界', '1,000', 'x'],
      ['b', '7', ''],
    ]
    expect(renderTable(columns, rows, { width: undefined, style: plain })).toBe(
      ['name   rows  message', '世界  1,000  x', 'b         7', ''].join('\n'),
    )
  })

  it('keeps every row on one line of the terminal', () => {
    const rows = [['n'.repeat(50), '123', 'm'.repeat(80)]]
    for (const width of [100, 60, 40]) {
      const lines = renderTable(columns, rows, { width, style: plain }).trimEnd().split('\n')
      for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(width)
      expect(lines[1]).toContain('123')
    }
  })

  it('cuts nothing where there is no terminal', () => {
    const rows = [['n'.repeat(500), '1', '']]
    expect(renderTable(columns, rows, { width: undefined, style: plain })).toContain(
      'n'.repeat(500),
    )
  })

  it('colours a cell without losing its place', () => {
    const rows = [[{ text: 'a', color: 'red' as const }, '1', 'z']]
    const line = renderTable(columns, rows, { width: 80, style: colored }).split('\n')[1] ?? ''
    expect(line).toContain(colored('red', 'a'))
    expect(textWidth(line)).toBe('a'.padEnd(4).length + 2 + 4 + 2 + 1)
  })

  it('lets no value touch the terminal', () => {
    const rows = [['\u001b[2Jx\ny', '1', '']]
    const text = renderTable(columns, rows, { width: 80, style: plain })
    expect(text).toContain('\\u001b[2Jx\\ny')
    expect(text.split('\n')).toHaveLength(3)
  })
})
