import { randomOf } from '../../src/core/contract/sample-random.ts'
import { counted, type Expected } from './expected.ts'
import { csv, DAY_MS, gzip, type Inbox, jsonLines, type Row, timeWithin, zstd } from './inbox.ts'

const USERS = 2000
const ACCOUNTS = 200
const EVENTS = [
  'Signed_In',
  'Report_Opened',
  'Invite_Sent',
  'Trial_Ended',
  'Payment_Initiated',
] as const
const PLANS = ['Free', 'Monthly Plan', 'Annual Plan'] as const
const COUNTRIES = ['UK', 'US', 'IN', 'DE', 'BR'] as const
const SEEDS = { actions: 31, users: 32, accounts: 33 }

export interface ActionDay {
  readonly day: string
  readonly at: string
  readonly rows: number
  /** The preset takes any of them, told apart by content. */
  readonly format: 'csv.gz' | 'jsonl.zst' | 'parquet'
  /** Rows that a load refuses, one of each kind there is, and property lists to be repaired. */
  readonly defects?: boolean
}

/** A day of what users did, as the preset `toplyne-events` describes it. */
export async function deliverActionDay(inbox: Inbox, day: ActionDay): Promise<Expected> {
  const rows = actions(day)
  const key = `crm/actions/timestamp=${day.day}/actions.${day.format}`
  if (day.format === 'parquet') {
    await inbox.writeParquet(key, rows, {
      types: {
        USER_ID: 'BIGINT',
        ACCOUNT_ID: 'BIGINT',
        EVENT_NAME: 'VARCHAR',
        TIMESTAMP: 'TIMESTAMP',
        UPDATED_AT: 'TIMESTAMP',
        EVENT_PROPERTIES: 'VARCHAR',
      },
      at: day.at,
    })
  } else if (day.format === 'csv.gz') await inbox.write(key, gzip(csv(rows)), day.at)
  else await inbox.write(key, zstd(jsonLines(rows)), day.at)
  return {
    feed: 'actions',
    partition: day.day,
    state: 'published',
    rows_read: rows.length,
    duplicates: 0,
    rejected: day.defects ? { null_value: 2, invalid_format: 1, out_of_partition: 1 } : {},
  }
}

function actions({ day, rows, defects }: ActionDay): Row[] {
  const seed = SEEDS.actions + Math.floor(Date.parse(day) / DAY_MS)
  return Array.from({ length: rows }, (_, index) => {
    const random = randomOf(seed, index)
    const user = random.below(USERS)
    const event = random.pick(EVENTS)
    const amount = `{"paymentid": ${10_000 + index}, "amount": ${20 + random.below(180)}`
    const row = {
      USER_ID: 1000 + user,
      ACCOUNT_ID: 20 + (user % ACCOUNTS),
      EVENT_NAME: event,
      TIMESTAMP: timeWithin(day, DAY_MS, (index + random.next()) / rows).slice(0, 19),
      UPDATED_AT: timeWithin(day, DAY_MS, 1.1).slice(0, 19),
      // The guide's own sample has the comma before the brace; the preset reads over it and says so.
      EVENT_PROPERTIES:
        event === 'Payment_Initiated'
          ? `${amount}${defects && index % 50 === 0 ? ', }' : '}'}`
          : null,
    }
    if (!defects) return row
    if (index === 10 || index === 11) return { ...row, EVENT_NAME: null }
    if (index === 12) return { ...row, TIMESTAMP: '2023-02-30 10:00:00' }
    if (index === 13) return { ...row, TIMESTAMP: timeWithin(day, DAY_MS, -0.5).slice(0, 19) }
    return row
  })
}

export interface ProfileDay {
  readonly day: string
  readonly at: string
  /** First and last profile, by number, that changed. */
  readonly from: number
  readonly to: number
  /** Profiles whose older state is in the file too. */
  readonly superseded?: number
  /** Rows without a key. */
  readonly without_key?: number
}

/** Users that changed on a day, as the preset `toplyne-users` describes it. */
export async function deliverUsers(inbox: Inbox, day: ProfileDay): Promise<Expected> {
  const rows = profiles(day, (number, updated_at) => {
    const random = randomOf(SEEDS.users, number)
    return {
      USER_ID: 1000 + number,
      USER_CREATION_TIME: `2022-1${number % 3}-0${1 + (number % 9)} 07:08:34`,
      UPDATED_AT: updated_at,
      email: `user${number}@example.com`,
      Country: random.pick(COUNTRIES),
      'Current Plan': planOf(day.day, number),
    }
  })
  await inbox.write(`crm/users/updated_at=${day.day}/users.csv`, csv(rows), day.at)
  return expectedProfiles('users', day, rows)
}

/** Accounts that changed on a day, as the preset `toplyne-accounts` describes it. */
export async function deliverAccounts(inbox: Inbox, day: ProfileDay): Promise<Expected> {
  const rows = profiles(day, (number, updated_at) => {
    const random = randomOf(SEEDS.accounts, number)
    return {
      ACCOUNT_ID: 20 + number,
      ACCOUNT_CREATION_TIME: `2022-0${1 + (number % 9)}-26 07:08:34`,
      UPDATED_AT: updated_at,
      AccountName: `Account ${number}`,
      Country: random.pick(COUNTRIES),
      'Current Plan': planOf(day.day, number),
    }
  })
  await inbox.write(
    `crm/accounts/updated_at=${day.day}/accounts.jsonl.gz`,
    gzip(jsonLines(rows)),
    day.at,
  )
  return expectedProfiles('accounts', day, rows)
}

/** The plan changes from delivery to delivery, so that an upsert can be seen. */
const planOf = (day: string, number: number): string =>
  PLANS[(number + Number(day.slice(8))) % PLANS.length] ?? PLANS[0]

function profiles(day: ProfileDay, profile: (number: number, updated_at: string) => Row): Row[] {
  const { from, to, superseded = 0, without_key = 0 } = day
  const time = (share: number) => timeWithin(day.day, DAY_MS, share).slice(0, 19)
  const rows = Array.from({ length: to - from + 1 }, (_, index) => profile(from + index, time(0.5)))
  const older = Array.from({ length: superseded }, (_, index) => profile(from + index, time(0.25)))
  const keyless = Array.from({ length: without_key }, () => {
    const row = profile(0, time(0.5))
    return { ...row, [Object.keys(row)[0] ?? '']: null }
  })
  return [...rows, ...older, ...keyless]
}

const expectedProfiles = (feed: string, day: ProfileDay, rows: readonly Row[]): Expected => ({
  feed,
  partition: day.day,
  state: 'published',
  rows_read: rows.length,
  duplicates: day.superseded ?? 0,
  rejected: counted({ null_value: day.without_key ?? 0 }),
})
