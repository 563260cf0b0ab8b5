import { Client } from 'pg';
import { withRoles } from '../support/admins.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import type { Schemas } from '../support/schemas.js';
import { served } from '../support/served.js';
import { PASSWORD, type Problem, refresh, type SignedUp, signIn, signUp, verdict } from '../support/users.js';
import { waitFor } from '../support/wait-for.js';

/** Accounts with far more sessions than anybody has: what ends them all takes what it takes with ten. */
const MANY = 120_000;

let database: TestDatabase;
let gatehouse: Gatehouse;
let admin: SignedUp;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url, RATE_LIMITS: 'off', SESSIONS_PER_USER: '10000' });
  admin = await withRoles(gatehouse, database, 'admin', 'user');
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

/** Opens so many sessions of a user by SQL, long ago. */
async function addSessions(userId: string, count: number): Promise<void> {
  // What triggers do for each new row is not what is tried; the counters get their sum. In one transaction, so that no sweep of
  // the server goes by without them.
  await database.query('BEGIN');
  await database.query('ALTER TABLE sessions DISABLE TRIGGER USER');
  await database.query(
    `INSERT INTO sessions (id, user_id, secret_hash, expires_at, auth_methods)
     SELECT new_id_at(now() - interval '1 day' + n * interval '1 ms'), $1, sha256('x'), now() + interval '1 day', '{}'
     FROM generate_series(1, $2::integer) AS n`,
    [userId, count],
  );
  await database.query('ALTER TABLE sessions ENABLE TRIGGER USER');
  await database.query(
    `INSERT INTO tally_changes SELECT 'sessions', (now() AT TIME ZONE 'UTC' + interval '1 day')::date, $1`,
    [count],
  );
  await database.query('COMMIT');
}

/** Takes the rows of a user away as if there had never been any. */
async function forget(userId: string): Promise<void> {
  await database.query('BEGIN');
  await database.query('DELETE FROM session_sweeps');
  await database.query('ALTER TABLE sessions DISABLE TRIGGER USER');
  const [gone] = await database.query<{ live: number }>(
    `WITH gone AS (DELETE FROM sessions WHERE user_id = $1 RETURNING revoked_at)
     SELECT count(*) FILTER (WHERE revoked_at IS NULL)::integer AS live FROM gone`,
    [userId],
  );
  await database.query('ALTER TABLE sessions ENABLE TRIGGER USER');
  await database.query(
    `INSERT INTO tally_changes SELECT 'sessions', (now() AT TIME ZONE 'UTC' + interval '1 day')::date, -$1::integer`,
    [gone?.live],
  );
  await database.query('COMMIT');
}

async function crowded(): Promise<SignedUp> {
  const person = await signUp(gatehouse);
  await addSessions(person.user.id, MANY);
  return person;
}

const unendedOf = async (userId: string) =>
  (await database.query('SELECT FROM sessions WHERE user_id = $1 AND revoked_at IS NULL', [userId])).length;
const active = async () => {
  const { body } = await gatehouse.call<{ sessions: { active: number } }>('GET', '/v1/dashboard/stats', {
    token: admin.accessToken,
  });
  return body.sessions.active;
};

type End = [name: string, run: (person: SignedUp) => Promise<{ status: number; body: object }>, left: number];
const ENDS: End[] = [
  [
    'disabling',
    ({ user }) =>
      gatehouse.call('PATCH', `/v1/users/${user.id}`, { token: admin.accessToken, body: { status: 'disabled' } }),
    0,
  ],
  ['logout-all', ({ accessToken: token }) => gatehouse.call('POST', '/v1/auth/logout-all', { token }), 0],
  [
    'a new password',
    ({ accessToken: token }) =>
      gatehouse.call('POST', '/v1/users/me/password', {
        token,
        body: { currentPassword: PASSWORD, newPassword: `${PASSWORD}!` },
      }),
    1,
  ],
  [
    'deletion',
    ({ accessToken: token }) => gatehouse.call('DELETE', '/v1/users/me', { token, body: { password: PASSWORD } }),
    0,
  ],
];

test.each(ENDS)(`${MANY} sessions: %s holds, and is counted at once`, async (name, run, left) => {
  const person = await crowded();
  const before = await active();
  const answer = await served(() => run(person));
  expect([200, 204]).toContain(answer.status);
  if (name === 'logout-all') expect(answer.body).toEqual({ revoked: MANY + 1 });
  expect(await active()).toBe(before - MANY - 1 + left);
  // The session that chose the password goes on, with tokens of the new one alone.
  expect(await verdict(gatehouse, person.accessToken)).toBe(left === 1 ? 'token_stale' : 'session_revoked');
  if (left === 1) expect(await verdict(gatehouse, (answer.body as { accessToken: string }).accessToken)).toBe('ok');
  if (left === 0) expect((await refresh(gatehouse, person.refreshToken)).code).toBe('session_revoked');
  // What every instance has to hear of is one row, not one for each session.
  const heard = await database.query<{ kind: string }>(
    `SELECT c.kind FROM changes c LEFT JOIN sessions s ON s.id = c.id WHERE c.id = $1 OR s.user_id = $1`,
    [person.user.id],
  );
  expect(heard.length).toBeLessThan(10);
  await forget(person.user.id);
});

test('the rows follow, and the figures are the same all the time', async () => {
  const people = [await signUp(gatehouse), await signUp(gatehouse)] as const;
  for (const { user } of people) await addSessions(user.id, 5_000);
  const before = await active();
  await gatehouse.call('POST', '/v1/auth/logout-all', { token: people[0].accessToken });
  await gatehouse.call('DELETE', '/v1/users/me', { token: people[1].accessToken, body: { password: PASSWORD } });
  await waitFor(async () => {
    expect(await active()).toBe(before - 2 * 5_001);
    return (await database.query('SELECT FROM session_sweeps')).length === 0;
  });
  expect(await active()).toBe(before - 2 * 5_001);
  expect(await unendedOf(people[0].user.id)).toBe(0);
  const rows = await database.query('SELECT user_id FROM sessions WHERE user_id = ANY ($1)', [
    people.map(({ user }) => user.id),
  ]);
  expect(rows).toHaveLength(5_001);
});

/** What a statement did to each table, by Postgres' own count. */
const WORK = `
  SELECT relname AS table, n_tup_ins AS inserted, n_tup_upd AS updated, n_tup_del AS deleted,
    seq_tup_read AS read, idx_tup_fetch AS fetched
  FROM pg_stat_xact_user_tables WHERE relname IN ('users', 'sessions', 'changes', 'session_sweeps', 'tally_changes', 'epochs')
  ORDER BY 1`;

async function workOf(statement: string, count: number): Promise<object[]> {
  const { user } = await signUp(gatehouse);
  await addSessions(user.id, count);
  await database.query('ANALYZE sessions');
  await database.query('BEGIN');
  const before = await database.query<Record<string, string>>(WORK);
  await database.query(statement, [user.id]);
  const after = await database.query<Record<string, string>>(WORK);
  await database.query('ROLLBACK');
  await forget(user.id);
  return after.map((row, n) =>
    Object.fromEntries(
      Object.entries(row).map(([key, value]) => [
        key,
        key === 'table' ? value : Number(value) - Number(before[n]?.[key]),
      ]),
    ),
  );
}

test.each([
  ['disabling', `UPDATE users SET status = 'disabled' WHERE id = $1`],
  ['ending all', 'SELECT end_sessions($1)'],
  [
    'an epoch',
    `INSERT INTO epochs SELECT NULL, first_id_at(clock_timestamp() - interval '1 h') WHERE $1::uuid IS NOT NULL`,
  ],
])('%s touches as many rows with 100 000 as with ten', async (_, statement) => {
  const few = await workOf(statement, 10);
  const many = await workOf(statement, 100_000);
  const total = (work: object[]) =>
    work.flatMap((row) => Object.values(row)).reduce((sum, value) => sum + (Number(value) || 0), 0);
  expect(total(few)).toBeGreaterThan(0);
  // A row for the sweep is all that there is more of.
  expect(total(many)).toBeLessThanOrEqual(total(few) * 1.5);
});

test('sweeps by two instances at once end each row once', async () => {
  await waitFor(() => database.query('SELECT FROM session_sweeps'), { until: ({ length }) => length === 0 });
  const holders: string[] = [];
  for (let n = 0; n < 30; n++) {
    const { user } = await signUp(gatehouse);
    await addSessions(user.id, 100);
    holders.push(user.id);
  }
  await database.query(`INSERT INTO roles (name) VALUES ('swept')`);
  await database.query(`INSERT INTO user_roles SELECT unnest($1::uuid[]), 'swept'`, [holders]);
  const clients = [new Client({ connectionString: database.url }), new Client({ connectionString: database.url })];
  await Promise.all(clients.map((client) => client.connect()));
  await database.query('BEGIN');
  await database.query('LOCK TABLE session_sweeps IN ACCESS EXCLUSIVE MODE');
  // The role twice, and each of its holders: the same rows are in many hands.
  await database.query(`INSERT INTO epochs VALUES ('swept', first_id_at(clock_timestamp()))`);
  await database.query(`INSERT INTO session_sweeps (role) VALUES ('swept')`);
  await database.query('INSERT INTO session_sweeps (user_id) SELECT unnest($1::uuid[])', [holders]);
  const sweep = async (client: Client): Promise<number> => {
    let sum = 0;
    for (;;) {
      const { rows } = await client.query<{ changed: number | null }>('SELECT sessions_sweep(7) AS changed');
      const changed = rows[0]?.changed ?? null;
      if (changed === null) return sum;
      sum += changed;
    }
  };
  const sweeps = Promise.all(clients.map(sweep));
  await database.query('COMMIT');
  const ended = await sweeps;
  await waitFor(() => database.query('SELECT FROM session_sweeps'), { until: ({ length }) => length === 0 });
  await Promise.all(clients.map((client) => client.end()));
  const rows = await database.query<{ count: number }>(
    `SELECT count(*)::integer AS count FROM sessions WHERE user_id = ANY ($1) AND end_reason = 'revoked_before'`,
    [holders],
  );
  // The server takes part, too.
  expect(ended.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(30 * 101);
  expect(rows).toEqual([{ count: 30 * 101 }]);
  const [counted] = await database.query<{ live: number; told: number }>(
    `SELECT (SELECT count(*)::integer FROM sessions WHERE revoked_at IS NULL AND expires_at > now()) AS live,
       (SELECT coalesce(sum(count), 0)::integer FROM (
          SELECT name, count FROM tallies UNION ALL SELECT name, delta FROM tally_changes) AS c WHERE name = 'sessions') AS told`,
  );
  expect(counted?.told).toBe(counted?.live);
});

test('an account that was taken over forgets at once what is removed in batches', async () => {
  const { user } = await signUp(gatehouse);
  await addSessions(user.id, 5_000);
  await database.query('BEGIN');
  await database.query('SELECT end_sessions($1), remove_sessions($1)', [user.id]);
  const left = await database.query('SELECT FROM sessions WHERE user_id = $1', [user.id]);
  expect(left).toHaveLength(5_001 - 100);
  await database.query('COMMIT');
  const { accessToken: token, session } = await signIn(gatehouse, user.email);
  const { body } = await gatehouse.call<Schemas['AccountExport'] & Problem>('GET', '/v1/users/me/export', { token });
  expect(body.sessions.map(({ id }) => id)).toEqual([session.id]);
  await waitFor(() => database.query('SELECT FROM sessions WHERE user_id = $1', [user.id]), {
    until: ({ length }) => length === 1,
  });
});
