import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { deliverLater, deliverMended, deliverMorning } from './demo/deliveries.ts'
import { deliverFlights } from './demo/flights.ts'
import { openInbox } from './demo/inbox.ts'
import { checkLedger } from './demo/ledger-check.ts'
import { facts, heading, run, say } from './demo/output.ts'

/**
 * `npm run demo`: partners deliver, with defects, into a local folder; the same command loads what is
 * new, run after run. It is also a test: what the ledger says at the end must be what was delivered.
 */
const began = performance.now()
const root = fileURLToPath(new URL('..', import.meta.url))
const demo = join(root, 'demo')
const bucketline = { executable: join(root, 'bin/bucketline'), cwd: demo }
const flights = join(root, 'node_modules/vega-datasets/data/flights-3m.parquet')

await rm(demo, { recursive: true, force: true })
await cp(join(root, 'examples/demo'), demo, { recursive: true })
await using inbox = await openInbox(join(demo, 'inbox'))
const count = new Intl.NumberFormat('en-US').format

heading('1. Partners deliver into ./demo/inbox')
say('It is 4 January 2023, 12:30 in Seoul. Five feeds have delivered, and none of them is clean:')
const morning = await deliverMorning(inbox)
facts([
  ['events', 'Parquet by day: events sent twice, late ones, lost keys; 3 January is half written'],
  ['auctions', 'gzip JSON by hour: broken lines, a broken upload, a folder named m=1, no hour 01'],
  ['actions', 'CSV, JSON lines and Parquet: a 30 February, a comma too many'],
  ['users', 'profiles as CSV, changed and changed again; some have no key'],
  ['accounts', 'profiles as gzip JSON lines'],
])
await run(bucketline, ['load'], { now: '2023-01-04T03:30:00Z' })
say('Every row is accounted for. Which rows were refused, where they are and why:')
await run(bucketline, ['rejects', 'auctions'], { now: '2023-01-04T03:31:00Z' })
say('What has come, what is late, and what is still to come:')
await run(bucketline, ['status'], { now: '2023-01-04T03:32:00Z' })

heading('2. A real archive arrives: 3 million flights, 182 days')
say(
  'Flights inside the United States in the first half of 2001, one Parquet file a day, under a contract of their own.',
)
const archive = await deliverFlights(inbox, flights, '2023-01-04T03:40:00Z')
await run(bucketline, ['load'], { now: '2023-01-04T03:45:00Z', head: 4, tail: 7 })
say('Real data has rows that cannot be: aircraft that landed 18 hours before their time.')

heading('3. An hour later: corrections, late files, and a bad surprise')
say(
  'The partner delivers 1 January again, completes 3 January, uploads the broken file again and hour 01 at last. 2 January is delivered again too, by an exporter that now forgets the version of iOS apps.',
)
const later = await deliverLater(inbox)
await run(bucketline, ['load'], { now: '2023-01-04T05:00:00Z', exit: 1 })
say(
  'The same command loaded only what is new. 2 January was over its budget of 1 %, so nothing of it was published: readers still see the delivery before. The exit code was 1.',
)

heading('4. The exporter is mended')
const mended = await deliverMended(inbox)
await run(bucketline, ['load'], { now: '2023-01-04T05:30:00Z' })
say('And once more, with nothing new:')
await run(bucketline, ['load'], { now: '2023-01-04T05:40:00Z' })
await run(bucketline, ['status', '--from', '2023-01-01'], { now: '2023-01-04T05:45:00Z' })

const totals = await checkLedger(join(demo, '.bucketline'), [
  ...morning,
  ...archive,
  ...later,
  ...mended,
])

heading('5. Three questions')
const now = '2023-01-04T06:00:00Z'
say('Where does a thousand impressions earn most?')
await run(
  bucketline,
  [
    'query',
    'SELECT country, sum(cnt) AS auctions, 1000 * sum(revenue) / sum(imp_cnt) AS ecpm FROM auctions GROUP BY country ORDER BY ecpm DESC',
  ],
  { now },
)
say('On which routes did one lose most time?')
await run(
  bucketline,
  [
    'query',
    'SELECT origin, destination, count(*) AS flights, round(avg(delay), 1) AS minutes_late FROM flights GROUP BY ALL HAVING flights > 1000 ORDER BY minutes_late DESC LIMIT 5',
  ],
  { now },
)
say('How many events came in a day, and what was bought?')
await run(
  bucketline,
  [
    'query',
    'SELECT CAST(ts AS DATE) AS day, count(*) AS events, sum(metric_value) AS bought FROM events GROUP BY day ORDER BY day',
  ],
  { now },
)

heading('Done')
say(
  `${count(totals.loads)} loads were checked against what was delivered: ${count(totals.rows_read)} rows read = ${count(totals.rows_published)} published + ${count(totals.duplicates)} duplicates + ${count(totals.rejected)} rejected. It took ${((performance.now() - began) / 1000).toFixed(0)} s.`,
)
