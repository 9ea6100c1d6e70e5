/** What people ask once the data is there. In double quotes on a command line: no double quotes inside. */
export const QUESTIONS = [
  {
    question: 'Where do a thousand impressions earn most?',
    sql: `
  SELECT country, sum(imp_cnt) AS impressions,
    CAST(1000 * sum(revenue) / sum(imp_cnt) AS DECIMAL(9, 2)) AS ecpm
  FROM auctions GROUP BY country ORDER BY ecpm DESC`,
  },
  {
    question: 'On which routes did passengers lose most time in the first half of 2001?',
    sql: `
  SELECT origin, destination, count(*) AS flights,
    CAST(avg(delay) AS DECIMAL(9, 1)) AS minutes_late
  FROM flights GROUP BY ALL HAVING flights > 1000
  ORDER BY minutes_late DESC LIMIT 5`,
  },
  {
    question: 'How many events came in a day, from how many devices, and what was bought?',
    sql: `
  SELECT CAST(ts AS DATE) AS day, count(*) AS events,
    count(DISTINCT identifiers.device_id) AS devices,
    count(*) FILTER (event_key = 'purchase') AS purchases,
    CAST(sum(metric_value) AS BIGINT) AS won
  FROM events GROUP BY day ORDER BY day`,
  },
] as const
