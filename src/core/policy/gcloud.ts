import { GCS_PERMISSIONS, type PolicyJob } from './actions.ts'

const ROLES: Readonly<Record<PolicyJob, { readonly id: string; readonly title: string }>> = {
  receive: { id: 'bucketlineReceive', title: 'Bucketline: receive' },
  send: { id: 'bucketlineSend', title: 'Bucketline: send' },
}

/**
 * Commands that make a role of exactly the needed permissions and grant it on the bucket, below the base
 * only. The name of an object is not known to a listing, whose resource is the bucket: it is told by its
 * prefix. Conditions hold on buckets with uniform access only.
 */
export function bindCommands(
  { bucket, base }: { readonly bucket: string; readonly base: string },
  job: PolicyJob,
  member: string,
): readonly string[] {
  const { id, title } = ROLES[job]
  const permissions = GCS_PERMISSIONS[job].join(',')
  const url = `gs://${bucket}`
  const file = 'bucketline-condition.json'
  return [
    'PROJECT=$(gcloud config get-value project)',
    `gcloud iam roles create ${id} --project="$PROJECT" ${word(`--title=${title}`)} ${word(`--permissions=${permissions}`)}`,
    ...(base === ''
      ? []
      : [
          `# Needed for the condition; turns the access lists of objects off: gcloud storage buckets update ${word(url)} --uniform-bucket-level-access`,
          `cat > ${file} <<'JSON'`,
          condition(bucket, base),
          'JSON',
        ]),
    [
      'gcloud storage buckets add-iam-policy-binding',
      word(url),
      word(`--member=${member.includes(':') ? member : `serviceAccount:${member}`}`),
      `--role="projects/$PROJECT/roles/${id}"`,
      base === '' ? '--condition=None' : `--condition-from-file=${file}`,
    ].join(' '),
  ]
}

function condition(bucket: string, base: string): string {
  const text = (value: string) => JSON.stringify(value)
  return JSON.stringify({
    title: 'bucketline',
    description: `Objects and listings below ${base}`,
    expression: [
      `resource.name.startsWith(${text(`projects/_/buckets/${bucket}/objects/${base}`)})`,
      `api.getAttribute("storage.googleapis.com/objectListPrefix", "").startsWith(${text(base)})`,
    ].join(' || '),
  })
}

/** One word of a shell, whatever is in it. */
const word = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
