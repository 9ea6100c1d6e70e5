/** Figures as people read them. */

const counts = new Intl.NumberFormat('en-US')

export const countText = (count: number): string => counts.format(count)

/** Decimal units, as object stores count. */
export const bytesText = (bytes: number): string =>
  bytes >= 1e9
    ? `${(bytes / 1e9).toFixed(2)} GB`
    : bytes >= 1e6
      ? `${Math.round(bytes / 1e6)} MB`
      : `${Math.ceil(bytes / 1e3)} kB`

/** `2,000,000 rows in 4 files of snappy Parquet, 204 MB`. */
export const sizeText = (
  rows: number,
  size: { readonly files: number; readonly bytes: number },
  kind: string,
): string =>
  `${countText(rows)} rows in ${countText(size.files)} ${size.files === 1 ? 'file' : 'files'} of ${kind}, ${bytesText(size.bytes)}`

export const secondsText = (seconds: number): string =>
  seconds >= 100
    ? `${seconds.toFixed(0)} s`
    : seconds >= 1
      ? `${seconds.toFixed(2)} s`
      : `${(seconds * 1000).toFixed(0)} ms`
