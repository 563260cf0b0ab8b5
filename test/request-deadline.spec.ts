import { withRoles } from './support/admins.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { served } from './support/served.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { PASSWORD, type Problem, type SignedUp, signUp } from './support/users.js';

/** Milliseconds for which one request waits for the database, whatever it asks of it. */
const LIMIT = 3_000;
/** A second statement, or a wait in line before one, that had a limit of its own would take this long at least. */
const TWICE = 2 * LIMIT;

let database: TestDatabase;
let proxy: TcpProxy;
let gatehouse: Gatehouse;
let admin: SignedUp;

beforeAll(async () => {
  database = await createDatabase();
  proxy = await TcpProxy.before(database.url);
  gatehouse = await Gatehouse.start({ DATABASE_URL: proxy.url, DATABASE_POOL: '2' });
  admin = await withRoles(gatehouse, database, 'admin', 'user');
});

afterEach(() => proxy.slow(0));

afterAll(async () => {
  await gatehouse?.stop();
  await proxy?.close();
  await database?.drop();
});

async function timed(method: string, path: string, body?: unknown, token = admin.accessToken) {
  const began = performance.now();
  const { status, body: problem } = await gatehouse.call<Problem>(method, path, { body, token });
  return { status, code: problem.code, took: performance.now() - began };
}

test('a lock that others hold: those who wait for a connection first wait no longer than those who have one', async () => {
  const { user } = await signUp(gatehouse);
  await database.query('BEGIN');
  await database.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [user.id]);
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, n) => timed('PATCH', `/v1/users/${user.id}`, { name: `Name ${n}` })),
  );
  await database.query('ROLLBACK');
  expect(answers.map(({ code }) => code)).toEqual(Array.from({ length: 6 }, () => 'database_unavailable'));
  expect(Math.max(...answers.map(({ took }) => took))).toBeLessThan(TWICE);
});

test('a database that takes long for each statement: a request of many is given up, whichever it is at', async () => {
  proxy.slow(LIMIT / 4);
  const answer = await timed('DELETE', '/v1/users/me', { password: PASSWORD });
  expect([answer.status, answer.code]).toEqual([503, 'database_unavailable']);
  expect(answer.took).toBeLessThan(TWICE);
});

test('an export takes as long as it takes, once it has begun', async () => {
  proxy.slow(LIMIT / 6);
  // Before it has begun it has the time of any request, which a busy machine may use up.
  const answer = await served(() => timed('GET', '/v1/users/me/export'));
  expect(answer.status).toBe(200);
  expect(answer.took).toBeGreaterThan(LIMIT);
});
