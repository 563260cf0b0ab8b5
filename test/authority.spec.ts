import { Client } from 'pg';
import { withRoles } from './support/admins.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import type { Problem, SignedUp, User } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** Rights that end while their request waits for its turn. */
let database: TestDatabase;
let gatehouse: Gatehouse;
let turn: Client;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url });
  turn = new Client({ connectionString: database.url });
  await turn.connect();
});

afterAll(async () => {
  await turn?.end();
  await gatehouse?.stop();
  await database?.drop();
});

/** Sends a request that has passed the guard and waits, does something, and lets it go on. */
async function whileWaiting(by: SignedUp, path: string, body: unknown, deed: string): Promise<Problem> {
  await turn.query('BEGIN; SELECT pg_advisory_xact_lock(4711003)');
  const answer = gatehouse.call<Problem>('PATCH', path, { body, token: by.accessToken });
  const waiting = await waitFor(
    () => database.query(`SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 4711003`),
    { until: ({ length }) => length > 0 },
  );
  expect(waiting).toHaveLength(1);
  await turn.query(deed, [by.user.id]);
  await turn.query('COMMIT');
  return (await answer).body;
}

test.each([
  ['disabled', `UPDATE users SET status = 'disabled' WHERE id = $1`],
  ['demoted', `DELETE FROM user_roles WHERE user_id = $1`],
  ['removed', 'DELETE FROM users WHERE id = $1'],
])('an admin who is %s meanwhile takes nobody along', async (_, deed) => {
  const [by, other] = [await withRoles(gatehouse, database, 'admin'), await withRoles(gatehouse, database, 'admin')];
  const problem = await whileWaiting(by, `/v1/users/${other.user.id}`, { status: 'disabled' }, deed);
  expect(problem.code).toBe('forbidden');
  const { body } = await gatehouse.call<User>('GET', `/v1/users/${other.user.id}`, { token: other.accessToken });
  expect(body.status).toBe('active');
});
