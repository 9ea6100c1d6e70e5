import type { GuideInput } from './guide-input.ts'
import { block, code, html, type Markup, type Section } from './markup.ts'

/** What has to be permitted, as policies to paste where there are some. */
export function accessSection(input: GuideInput): Section {
  const { policies } = input
  return {
    id: 'access',
    title: 'Access',
    body: html`
<p>We read. We never write, change or delete anything there.</p>
${
  policies.length === 0
    ? permissions(input)
    : html`<p>${policies.length === 1 ? 'This grants' : 'Together these grant'} exactly what is needed, and nothing else: listing ${prefixWords(input.feed)} and reading its objects.</p>
${policies.map(({ title, text }) => html`<p><strong>${title}</strong></p>${block(title, text)}`)}
${input.place.type === 's3' && !policies.some(({ text }) => text.includes('kms:')) && html`<p>If your objects are encrypted with a KMS key of your own, permit us ${code('kms:Decrypt')} on that key too.</p>`}`
}`,
  }
}

const prefixWords = (feed: GuideInput['feed']): Markup =>
  feed.prefix === '' ? html`the bucket` : html`the prefix ${code(feed.prefix)}`

function permissions({ place, feed }: GuideInput): Markup {
  const prefix = prefixWords(feed)
  if (place.type === 'folder')
    return html`<p>The folder ${code(place.path)} is readable for us, with everything below it.</p>`
  const s3 = html`
<li>${code('s3:ListBucket')} on the bucket, for ${prefix}: to see which files there are;</li>
<li>${code('s3:GetObject')} on the objects below it: to read them;</li>
<li>${code('kms:Decrypt')} on the key, if the objects are encrypted with a KMS key of yours.</li>`
  const gcs = html`
<li>${code('storage.objects.list')} on the bucket: to see which files there are;</li>
<li>${code('storage.objects.get')} on the objects below ${prefix}: to read them.</li>`
  if (place.type === 's3') return html`<p>Permit us:</p><ul>${s3}</ul>`
  if (place.type === 'gcs') return html`<p>Permit us:</p><ul>${gcs}</ul>`
  return html`<p>On S3, permit us:</p><ul>${s3}</ul><p>On Google Cloud Storage:</p><ul>${gcs}</ul>`
}
