import { describe, expect, it } from 'vitest'
import { fitTable, renderTable, type TableColumn } from './table.ts'
import { colored, plain } from './terminal.ts'
import { textWidth } from './text-width.ts'

const columns: readonly TableColumn[] = [
  { title: 'name', flexible: 1 },
  { title: 'rows', align: 'right' },
  { title: 'message', flexible: 1 },
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

  const partitions: readonly TableColumn[] = [
    { title: 'feed' },
    { title: 'partition' },
    { title: 'rows', align: 'right' },
    { title: 'due', drop: 2 },
    { title: 'size', align: 'right', drop: 1 },
    { title: 'remark', flexible: 1, least: 12, narrow: 'wrap' },
  ]
  const partition = ['events', '2023-01-04T00', '12,345', '2023-01-05 04:00Z', '718 kB']
  const row = [...partition, 'every object of it was refused']

  it('leaves out columns by their order before it touches what must stand', () => {
    const at = (width: number) => fitTable(partitions, [row], { width, style: plain })
    expect(at(200).dropped).toEqual([])
    expect(at(65).dropped).toEqual(['size'])
    expect(at(50).dropped).toEqual(['due', 'size'])
    expect(at(50).text).toBe(
      [
        'feed    partition        rows  remark',
        'events  2023-01-04T00  12,345  every object of it',
        '                               was refused',
        '',
      ].join('\n'),
    )
  })

  it('never cuts a number or a name, however narrow it gets', () => {
    for (const width of [45, 30, 10, 1]) {
      const { text } = fitTable(partitions, [row], { width, style: plain })
      for (const whole of ['events', '2023-01-04T00', '12,345']) expect(text).toContain(whole)
      expect(text).not.toContain('…')
    }
  })

  it('narrows texts in their order, and a text to its least before a column goes', () => {
    const texts: readonly TableColumn[] = [
      { title: 'object', flexible: 2, narrow: 'cut_start' },
      { title: 'raw', flexible: 1 },
      { title: 'size', drop: 1 },
    ]
    const cells = [['events/dt=2023-01-01/part-0.parquet', 'abcdefghijklmnopqrstuvwxyz', '5 B']]
    const at = (width: number) =>
      fitTable(texts, cells, { width, style: plain }).text.split('\n')[1]
    expect(at(60)).toBe('events/dt=2023-01-01/part-0.parquet  abcdefghijklmnop…  5 B')
    expect(at(40)).toBe('…1-01/part-0.parquet  abcdefghijk…  5 B')
    expect(at(28)).toBe('…art-0.parquet  abcdefghijk…')
    expect(at(20)).toBe('…art-0.parquet  abc…')
  })

  it('puts a line below a row, and takes many rows', () => {
    const below = (index: number) => (index === 0 ? '  below' : '')
    const options = { width: 80, style: plain, below }
    expect(renderTable([{ title: 'a' }], [['1'], ['2']], options)).toBe('a\n1\n  below\n2\n')
    const many = Array.from({ length: 200_000 }, () => ['1'])
    expect(renderTable([{ title: 'a' }], many, options).length).toBeGreaterThan(400_000)
  })
})
