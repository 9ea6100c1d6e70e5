import { identifier } from '../../duckdb/duckdb.ts'
import type { DatasetColumn } from '../../ledger/ledger.ts'

/**
 * The FIELD_IDS of a COPY: ids that a column keeps in every file of the dataset, on every level,
 * so that the files can be published in place as an Iceberg table.
 */
export function fieldIds(columns: readonly DatasetColumn[]): string {
  return `{${columns.map((c) => `${identifier(c.name)}: ${idTree(c)}`).join(', ')}}`
}

interface Node {
  id: number
  readonly children: Map<string, Node>
}

function idTree(column: DatasetColumn): string {
  const root: Node = { id: column.field_id, children: new Map() }
  for (const [path, id] of Object.entries(column.nested_ids)) {
    let node = root
    for (const part of path.split('.')) {
      const next = node.children.get(part) ?? { id: 0, children: new Map() }
      node.children.set(part, next)
      node = next
    }
    node.id = id
  }
  return render(root)
}

function render(node: Node): string {
  if (node.children.size === 0) return String(node.id)
  const children = [...node.children].map(
    ([name, child]) => `${identifier(name)}: ${render(child)}`,
  )
  return `{__duckdb_field_id: ${node.id}, ${children.join(', ')}}`
}
