import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { deliverLater, deliverMended, deliverMorning } from './demo/deliveries.ts'
import { deliverFlights } from './demo/flights.ts'
import { openInbox } from './demo/inbox.ts'
import { checkLedger, checkStillServed } from './demo/ledger-check.ts'
import { facts, heading, run, say } from './demo/output.ts'
import { QUESTIONS } from './demo/questions.ts'

/**
 * `npm run demo`: partners deliver, with defects, into a local folder; the same command loads what is
 * new, run after run. It is a test as well: what the ledger says at the end must be what the
 * deliveries were made to become, and a command that ends otherwise than it should ends the demo.
 */
const began = performance.now()
const root = fileURLToPath(new URL('..', import.meta.url))
const demo = join(root, 'demo')
const data_dir = join(demo, '.bucketline')
const bucketline = { executable: join(root, 'bin/bucketline'), cwd: demo }
const archive_file = join(root, 'node_modules/vega-datasets/data/flights-3m.parquet')
const count = new Intl.NumberFormat('en-US').format

await rm(demo, { recursive: true, force: true })
await cp(join(root, 'examples/demo'), demo, { recursive: true })
await using inbox = await openInbox(join(demo, 'inbox'))

heading('1. Partners deliver')
say('4 January 2023, 12:30 in Seoul. Five feeds lie in ./demo/inbox, and none of them is clean:')
facts([
  ['events', 'Parquet by day: sent twice, late, without keys; 3 January is half written'],
  ['auctions', 'gzip JSON by hour: broken lines, a broken upload, a folder m=1, no hour 01'],
  ['actions', 'CSV, JSON lines and Parquet: a 30 February, lost names, commas too many'],
  ['users', 'profiles as CSV, changed and changed again; three without a key'],
  ['accounts', 'profiles as gzip JSON lines; one without a key'],
])
const morning = await deliverMorning(inbox)
await run(bucketline, ['load'], { now: '2023-01-04T03:30:00Z' })
say('Every row is accounted for. Which rows were refused, what they said, and why:')
await run(bucketline, ['rejects', 'auctions'], { now: '2023-01-04T03:31:00Z' })
say('What came in time, what came late, and what is still to come:')
await run(bucketline, ['status'], { now: '2023-01-04T03:32:00Z' })

const archive = await deliverFlights(inbox, archive_file, '2023-01-04T03:40:00Z')
heading(`2. An archive of real flights arrives, ${archive.length} days at once`)
say(
  'Flights inside the United States in the first half of 2001, as airlines reported them, under a contract of their own.',
)
await run(bucketline, ['load'], { now: '2023-01-04T03:45:00Z' })
say(
  `${archive.reduce((sum, day) => sum + (day.rejected.out_of_range ?? 0), 0)} flights were refused: they are said to have landed more than a day late, or up to 18 hours early.`,
)

heading('3. Corrections, late files, and a delivery that is worse than the one before')
say(
  'An hour later. 1 January is delivered again, 3 January is complete, the broken upload is repeated, hour 01 appears at last, and users have changed. 2 January is delivered again as well, by an exporter that forgets the app version of every iPhone.',
)
const later = await deliverLater(inbox)
await run(bucketline, ['load'], { now: '2023-01-04T05:00:00Z', exit: 1 })
say(
  'The same command loaded what is new and nothing else. 2 January broke its budget of 1 %: it was refused as a whole, the exit code was 1, and readers still see the delivery before:',
)
await run(bucketline, ['status', 'events'], { now: '2023-01-04T05:10:00Z' })
await checkStillServed(data_dir, 'events 2023-01-02', morning)

heading('4. The exporter is mended')
say('2 January comes a third time, and the same command takes it.')
const mended = await deliverMended(inbox)
await run(bucketline, ['load'], { now: '2023-01-04T05:30:00Z' })
say('Once more, with nothing new to find:')
await run(bucketline, ['load'], { now: '2023-01-04T05:40:00Z' })
const totals = await checkLedger(data_dir, [...morning, ...archive, ...later, ...mended])

heading('5. Three questions')
for (const { question, sql } of QUESTIONS) {
  say(question)
  await run(bucketline, ['query', sql], { now: '2023-01-04T05:50:00Z' })
}

heading('Done')
say(
  `${totals.loads} loads did what they should. Of what was published, ${count(totals.rows_read)} rows read = ${count(totals.rows_published)} published + ${count(totals.duplicates)} duplicates + ${count(totals.rejected)} rejected. It took ${((performance.now() - began) / 1000).toFixed(0)} seconds.`,
)
say(
  'Everything is in ./demo: bucketline.yaml, what was delivered in inbox/, and the datasets, which are plain Parquet files, in .bucketline/datasets/. Go there and try:',
)
facts([
  ['../bin/bucketline rejects flights', 'the flights that cannot have been'],
  ['../bin/bucketline rollback events 2023-01-02', 'serve the delivery before again'],
  ['../bin/bucketline contract show auctions', 'the page to send to a partner'],
  [
    '../bin/bucketline validate --preset toplyne-users FILE',
    'check your own file against a contract',
  ],
])
