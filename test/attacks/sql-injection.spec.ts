import { createDatabase, type TestDatabase } from '../support/database.js';
import { GatehouseProcess } from '../support/gatehouse.js';
import { freshEmail, PASSWORD, type Problem, type SignedUp, signUp } from '../support/users.js';

/**
 * SQL in every field, parameter and header that reaches a statement: ASVS 5.0 V1.2.4; GHSA-hgx2-28f8-6g2r (a forged
 * cursor), CVE-2026-34220. Nothing is told or changed, and no number is drawn from a sequence: that would be seen whether
 * the statement succeeded, failed or was rolled back.
 */

const SQL = [
  "' OR '1'='1",
  "' OR 1=1 --",
  '" OR ""="',
  "'; DROP TABLE users; --",
  "') OR ('1'='1",
  "' UNION SELECT password_hash FROM users --",
  "'||nextval('injected')||'",
  "'||(SELECT nextval('injected'))||'",
  "'; SELECT nextval('injected'); --",
  "1; SELECT nextval('injected')",
  "(SELECT nextval('injected'))",
  "\\'; SELECT nextval($$injected$$); --",
  '$$; SELECT nextval($a$injected$a$); $$',
  "E'\\x27'",
  '%',
  '_',
  '%%%',
  "ada' --",
  "admin'/*",
  '{1,2}',
  "{'a'}",
  'ada\u2019 OR 1=1',
  "ＯＲ'１'='１",
];

let database: TestDatabase;
let gatehouse: GatehouseProcess;
let person: SignedUp;
beforeAll(async () => {
  database = await createDatabase();
  await database.query('CREATE SEQUENCE injected');
  gatehouse = await GatehouseProcess.start({ DATABASE_URL: database.url });
  person = await signUp(gatehouse, { username: 'ada' });
});
afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

test.each(SQL)('%s', async (sql) => {
  const { accessToken: token } = person;
  const call = (method: string, path: string, options = {}) => gatehouse.call<Problem>(method, path, options);
  const login = (body: Record<string, unknown>) => call('POST', '/v1/auth/login', { body });

  for (const identifier of [
    { email: sql },
    { username: sql },
    { email: `${sql}@example.com` },
    { username: `ada${sql}` },
  ]) {
    expect([(await login({ ...identifier, password: PASSWORD })).status]).toEqual([401]);
  }
  expect((await login({ username: 'ada', password: sql })).status).toBe(401);
  expect((await login({ username: 'ada', password: `${PASSWORD}${sql}` })).status).toBe(401);
  expect((await call('POST', '/v1/auth/refresh', { body: { refreshToken: sql } })).status).toBe(401);
  expect(
    (
      await call('GET', '/v1/auth/session', {
        headers: { authorization: `Bearer ${Buffer.from(sql).toString('latin1')}` },
      })
    ).status,
  ).toBe(401);
  expect(
    (await call('POST', '/v1/auth/register', { body: { email: freshEmail(), password: PASSWORD, username: sql } }))
      .status,
  ).toBe(400);
  expect((await call('PATCH', '/v1/users/me', { body: { username: sql }, token })).status).toBe(400);

  const encoded = encodeURIComponent(sql);
  expect((await call('DELETE', `/v1/sessions/${encoded}`, { token })).status).toBe(404);
  for (const query of [
    `cursor=${encoded}`,
    `limit=${encoded}`,
    `${encoded}=1`,
    `cursor=${Buffer.from(sql).toString('base64url')}`,
  ]) {
    expect((await call('GET', `/v1/sessions?${query}`, { token })).status).toBe(400);
  }

  // Where any text may stand, it is kept as it came.
  const named = await gatehouse.call<{ name: string }>('PATCH', '/v1/users/me', { body: { name: sql }, token });
  expect([named.status, named.body.name]).toEqual([200, sql]);
  const odd = await signUp(gatehouse, { name: sql, password: `${PASSWORD}${sql}` });
  expect(odd.user.name).toBe(sql);
});

test('nothing of it was run', async () => {
  expect(await database.query('SELECT is_called FROM injected')).toEqual([{ is_called: false }]);
});

test('all are still there, and nobody is more than they were', async () => {
  const [row] = await database.query<{ users: number; admins: number }>(
    `SELECT (SELECT count(*)::int FROM users) AS users, (SELECT count(*)::int FROM user_roles WHERE role = 'admin') AS admins`,
  );
  expect(row).toEqual({ users: SQL.length + 1, admins: 0 });
  expect(gatehouse.output).not.toMatch(/syntax error|internal_error/);
});
