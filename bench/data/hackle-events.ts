/**
 * Rows `from` to `to` of a day of 2023-01-01 with `rows` events in order of time, as one SELECT. Every row
 * is valid under the preset hackle-events; the same numbers give the same rows on every machine.
 */
export function hackleEventsSql(part: { from: number; to: number; rows: number }): string {
  const { from, to, rows } = part
  // Draws are hashes of the row's number, so that a row does not depend on which file it is in.
  const draw = (salt: string, below: number) => `(hash(i, '${salt}') % ${below})::INTEGER`
  const one = (salt: string, words: readonly string[]) =>
    `[${words.map((w) => `'${w}'`).join(', ')}][1 + ${draw(salt, words.length)}]`
  const ofDevice = (salt: string, words: readonly string[]) =>
    `[${words.map((w) => `'${w}'`).join(', ')}][1 + (hash(device, '${salt}') % ${words.length})::INTEGER]`
  return `
WITH drawn AS (
  SELECT i, session, (hash(session, 'device') % greatest(10, ${rows} // 20))::BIGINT AS device,
    CASE WHEN k < 28 THEN 'session_start' WHEN k < 60 THEN 'view_product' WHEN k < 75 THEN 'search'
      WHEN k < 88 THEN 'add_to_cart' WHEN k < 94 THEN 'purchase' ELSE 'click_banner' END AS event_key
  FROM (
    -- At any time some thousands of devices are in a session of about twenty events.
    SELECT i, ${draw('event', 100)} AS k, i // 100000 * 5000 + hash(i, 'session') % 5000 AS session
    FROM range(${from}, ${to}) AS numbers(i))
), devices AS (
  SELECT *, md5('device' || device) AS device_hash, hash(device, 'os') % 3 > 0 AS android,
    hash(device, 'login') % 4 > 0 AS logged_in
  FROM drawn
)
SELECT
  md5('event' || i)::UUID::VARCHAR AS insert_id,
  event_key,
  TIMESTAMP '2023-01-01' + to_milliseconds(floor((i + (hash(i, 'ms') % 1000) / 1000.0) * 86400000.0 / ${rows})::BIGINT) AS ts,
  (CASE event_key WHEN 'purchase' THEN ${draw('price', 900)} * 100 + 990 ELSE 0 END)::DECIMAL(24, 6) AS metric_value,
  CASE WHEN logged_in THEN MAP {
      'id': device_hash::UUID::VARCHAR,
      'device_id': upper(device_hash[1:8]) || '-' || upper(device_hash[9:16]),
      'user_id': (49000 + device)::VARCHAR,
      'session_id': (1659710029 + session)::VARCHAR }
    ELSE MAP {
      'id': device_hash::UUID::VARCHAR,
      'device_id': upper(device_hash[1:8]) || '-' || upper(device_hash[9:16]),
      'session_id': (1659710029 + session)::VARCHAR }
  END AS identifiers,
  CASE event_key
    WHEN 'session_start' THEN MAP {
      'referrer': ${one('referrer', ['https://www.google.com/', 'https://m.search.naver.com/', 'app://home', 'https://www.instagram.com/'])},
      'campaign': 'spring-' || ${draw('campaign', 40)},
      'first_open': ${one('first', ['true', 'false'])} }
    WHEN 'search' THEN MAP {
      'keyword': ${one('word', ['running shoes', 'rain coat', 'sun cream', 'tent', 'headphones', 'coffee', 'desk lamp'])} || ' ' || ${draw('word2', 300)},
      'result_count': ${draw('results', 500)}::VARCHAR,
      'sort': ${one('sort', ['relevance', 'price_asc', 'newest'])},
      'page': (1 + ${draw('page', 5)})::VARCHAR }
    WHEN 'click_banner' THEN MAP {
      'banner_id': 'b' || ${draw('banner', 60)},
      'position': ${draw('position', 8)}::VARCHAR,
      'screen': ${one('screen', ['home', 'category', 'cart'])} }
    WHEN 'purchase' THEN MAP {
      'product_id': (33000 + ${draw('product', 5000)})::VARCHAR,
      'product_category': ${one('category', ['LEISURE', 'FASHION', 'BEAUTY', 'FOOD', 'HOME', 'SPORTS'])},
      'order_id': (291994100 + i)::VARCHAR,
      'quantity': (1 + ${draw('quantity', 4)})::VARCHAR,
      'payment': ${one('payment', ['card', 'transfer', 'points'])},
      'coupon': 'C-' || ${draw('coupon', 200)} }
    ELSE MAP {
      'product_id': (33000 + ${draw('product', 5000)})::VARCHAR,
      'product_category': ${one('category', ['LEISURE', 'FASHION', 'BEAUTY', 'FOOD', 'HOME', 'SPORTS'])},
      'price': (${draw('price', 900)} * 100 + 990)::VARCHAR,
      'brand': 'brand-' || ${draw('brand', 250)} }
  END AS event_properties,
  MAP {
    'grade': ${ofDevice('grade', ['SILVER', 'SILVER', 'GOLD', 'VIP'])},
    'date_signed': strftime(DATE '2020-01-01' + (hash(device, 'signed') % 1000)::INTEGER, '%Y-%m-%d'),
    'date_recent': strftime(DATE '2022-12-01' + (hash(device, 'recent') % 31)::INTEGER, '%Y-%m-%d'),
    'push_agreed': ${ofDevice('push', ['true', 'false'])} } AS user_properties,
  CASE WHEN android THEN MAP {
      'osname': 'Android',
      'appversion': ${ofDevice('appversion', ['6.9.0', '6.8.2', '6.7.1', '6.9.3'])},
      'language': ${ofDevice('language', ['ko', 'ko', 'ko', 'en', 'ja'])},
      'osversion': ${ofDevice('osversion', ['10', '11', '12', '13'])},
      'devicevendor': ${ofDevice('vendor', ['samsung', 'samsung', 'Google', 'LGE', 'Xiaomi'])},
      'versionname': ${ofDevice('versionname', ['6.77.0', '6.77.0-DEBUG', '6.76.4'])},
      'platform': 'Mobile',
      'devicemodel': 'SM-' || ${ofDevice('model', ['S908N', 'G991N', 'A536N', 'F721N', 'N986N'])} }
    ELSE MAP {
      'osname': 'iOS',
      'appversion': ${ofDevice('appversion', ['6.9.0', '6.8.2', '6.7.1', '6.9.3'])},
      'language': ${ofDevice('language', ['ko-KR', 'ko-KR', 'en-US', 'ja-JP'])},
      'osversion': ${ofDevice('osversion', ['15.7', '16.0.2', '16.1', '16.2'])},
      'devicevendor': 'Apple',
      'versionname': ${ofDevice('versionname', ['6.77.0', '6.77.1', '6.76.4'])},
      'platform': 'Mobile',
      'devicemodel': 'iPhone' || ${ofDevice('model', ['14,2', '13,1', '12,8', '15,3'])} }
  END AS platform_properties
FROM devices`
}
