import type { Validation } from './exchange/validate/validate.ts'

/** A validation as `--json` prints it: its counts, and every object that was refused as a whole. */
export function validationReport({ feed, partition, checked, bytes, seconds }: Validation) {
  return {
    feed,
    partition,
    bytes,
    seconds,
    state: checked.refused === undefined ? ('passed' as const) : ('refused' as const),
    ...checked.refused,
    rows_read: checked.rows_read,
    rows_published: checked.rows,
    duplicates: checked.duplicates,
    rejected: checked.rejected,
    objects: checked.objects.flatMap((o) =>
      o.state === 'refused'
        ? [
            {
              object: o.key,
              version: o.version,
              bytes: o.bytes,
              code: o.code ?? '',
              message: o.message ?? '',
            },
          ]
        : [],
    ),
    rejects: checked.rejects,
    notes: checked.notes,
  }
}
