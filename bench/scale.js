// Admin lists, search and figures with a million users and ten million audit entries:
// node bench/scale.js [users] [entries]
import { call, openDatabase, startPostgres, startServer } from './support/server.js';
import { quantile } from './support/statistics.js';

const USERS = Number(process.argv[2] ?? 1_000_000);
const ENTRIES = Number(process.argv[3] ?? 10_000_000);
const CHUNK = 250_000;
const LIMIT_MS = 50;

/** A UUIDv7 of a moment, so that ids grow with time as they do in life. @param {string} at */
const idAt = (at) =>
  `(lpad(to_hex((extract(epoch FROM ${at}) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid`;

const FILL_USERS = `
  WITH made AS (
    INSERT INTO users (id, email, email_key, username, name)
    SELECT ${idAt(`now() - interval '400 days' + n * interval '30 s'`)}, e, e, 'user' || n,
      (ARRAY['Ada','Grace','Alan','Edsger','Barbara','Donald','Linus','Margaret'])[1 + n % 8] || ' ' || initcap(substr(md5(n::text), 1, 8))
    FROM generate_series($1::integer, $2::integer) AS n, LATERAL (SELECT 'user' || n || '@' || substr(md5(n::text), 9, 4) || '.example.com' AS e) x
    RETURNING id
  ), roles AS (
    INSERT INTO user_roles SELECT id, 'user' FROM made
  )
  INSERT INTO sessions (id, user_id, secret_hash, expires_at, auth_methods)
  SELECT gen_random_uuid(), id, sha256(id::text::bytea), now() + random() * interval '30 days', '{password}' FROM made`;

const FILL_ENTRIES = `
  INSERT INTO audit_events (id, type, actor_id, user_id, ip, user_agent, request_id, at, data)
  SELECT ${idAt('at')}, (ARRAY['auth.login','auth.login','auth.login_failed','auth.registered','auth.logout'])[1 + n % 5],
    u.id, u.id, '192.0.2.1', 'Mozilla/5.0', 'r' || n, at, '{"authMethods": ["password"]}'
  FROM generate_series($1::integer, $2::integer) AS n,
    LATERAL (SELECT now() - (${ENTRIES} - n) * (interval '90 days' / ${ENTRIES}) AS at) t,
    LATERAL (SELECT id FROM someone WHERE number = n % 20000) u`;

const postgres = await startPostgres();
const stopped = [];
try {
  const { url, client } = await openDatabase(postgres.url, 'scale');
  const server = await startServer(url);
  stopped.push(server.stop);
  const email = 'admin@example.com';
  const { user } = await call(`${server.url}/v1/auth/register`, {
    method: 'POST',
    body: { email, password: 'violet tractor' },
  });
  await client.query(`INSERT INTO user_roles VALUES ($1, 'admin')`, [user.id]);
  const { accessToken: token } = await call(`${server.url}/v1/auth/login`, {
    method: 'POST',
    body: { email, password: 'violet tractor' },
  });
  await fill('users', USERS, FILL_USERS);
  await client.query(
    'CREATE TEMPORARY TABLE someone AS SELECT row_number() OVER () - 1 AS number, id FROM users LIMIT 20000; CREATE UNIQUE INDEX ON someone (number); ANALYZE someone',
  );
  // Ten million entries would wait for their seals; that is another measurement.
  await client.query('ALTER TABLE audit_events DISABLE TRIGGER audit_events_await_seal');
  await fill('entries', ENTRIES, FILL_ENTRIES);
  await client.query('VACUUM ANALYZE');

  const { items } = await call(`${server.url}/v1/users?limit=1&query=user${Math.floor(USERS / 2)}@`, { token });
  const middle = items[0];
  const day = (/** @type {number} */ ago) => new Date(Date.now() - ago * 86_400_000).toISOString();
  const paths = [
    '/v1/dashboard/stats?days=90',
    '/v1/users?limit=20',
    '/v1/users?role=admin',
    '/v1/users?status=disabled',
    `/v1/users?query=user${Math.floor(USERS / 2)}`,
    `/v1/users?query=${encodeURIComponent(middle.name)}`,
    '/v1/users?query=Grace',
    '/v1/users?query=example',
    '/v1/users?query=4242',
    '/v1/users?query=nobody-at-all',
    '/v1/users?query=GRACE%20abc',
    '/v1/users?query=zz',
    '/v1/users?query=g',
    '/v1/users?query=%40a1',
    '/v1/users?query=user1',
    '/v1/users?query=%25',
    '/v1/users?query=example.com.example',
    `/v1/users?query=${encodeURIComponent(middle.email)}`,
    '/v1/users?query=example&role=admin',
    '/v1/audit?limit=20',
    `/v1/audit?userId=${middle.id}`,
    '/v1/audit?type=auth.login_failed',
    '/v1/audit?type=role.saved',
    `/v1/audit?userId=${middle.id}&type=role.saved`,
    `/v1/audit?from=${day(60)}&to=${day(59)}`,
    `/v1/audit?type=auth.registered&to=${day(80)}`,
  ];
  for (const path of paths) process.stdout.write(`${(await measure(path)).padEnd(40)} ${path}\n`);
  await client.end();

  /** @param {string} path */
  async function measure(path) {
    const times = [];
    let shown = 0;
    for (let n = 0; n < 25; n++) {
      const start = performance.now();
      const answer = await call(server.url + path, { token });
      times.push(performance.now() - start);
      shown = answer.items?.length ?? answer.users.total;
    }
    const median = quantile(times, 0.5);
    return `${median.toFixed(1)} ms, worst ${Math.max(...times).toFixed(1)} ms${median > LIMIT_MS ? ' OVER' : ''} (${shown})`;
  }

  /**
   * @param {string} what
   * @param {number} count
   * @param {string} sql
   */
  async function fill(what, count, sql) {
    const start = performance.now();
    for (let from = 1; from <= count; from += CHUNK) await client.query(sql, [from, Math.min(count, from + CHUNK - 1)]);
    process.stdout.write(`${count} ${what} in ${((performance.now() - start) / 1000).toFixed(0)} s\n`);
  }
} finally {
  for (const stop of stopped) await stop();
  await postgres.stop();
}
