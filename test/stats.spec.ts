import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../src/platform/database/data-source.js';
import { Database } from '../src/platform/database/database.js';
import { Counters } from '../src/platform/jobs/counters.js';
import { withRoles } from './support/admins.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import type { Schemas } from './support/schemas.js';
import { freshEmail, PASSWORD, type SignedUp, signIn, signUp } from './support/users.js';

/** The dashboard's figures against a count of the rows. */
type Stats = Schemas['Stats'];

let database: TestDatabase;
let gatehouse: Gatehouse;
let admin: SignedUp;

/** As in Cairo, clocks go forward at midnight: in this zone on a day that the figures reach back to, whenever this runs. */
const GAP = new Date(Date.now() - 10 * 86_400_000);
const LOST_MIDNIGHT = `<A>0<B>,J${dayOfYear(GAP)}/0,J${dayOfYear(new Date(GAP.getTime() + 30 * 86_400_000))}/0`;

beforeAll(async () => {
  database = await createDatabase();
  const name = new URL(database.url).pathname.slice(1);
  await database.query(`ALTER DATABASE ${name} SET timezone = '${LOST_MIDNIGHT}'`);
  await database.query(`SET timezone = '${LOST_MIDNIGHT}'`);
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url });
  admin = await withRoles(gatehouse, database, 'admin', 'user');
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

/** 1 to 365, the 29th of February left out, as a zone of POSIX counts them. */
function dayOfYear(date: Date): number {
  return Math.floor((Date.UTC(2025, date.getUTCMonth(), date.getUTCDate()) - Date.UTC(2024, 11, 31)) / 86_400_000);
}

async function stats(days = 1): Promise<Stats> {
  return (await gatehouse.call<Stats>('GET', `/v1/dashboard/stats?days=${days}`, { token: admin.accessToken })).body;
}

/** The same figures the slow way. */
async function counted(): Promise<Omit<Stats, 'series'> & { today: Stats['series'][number] }> {
  const [row] = await database.query<{ counted: never }>(`
    SELECT jsonb_build_object(
      'users', (SELECT jsonb_build_object('total', count(*), 'active', count(*) FILTER (WHERE status = 'active'),
        'disabled', count(*) FILTER (WHERE status = 'disabled'),
        'byRole', (SELECT jsonb_object_agg(name, (SELECT count(*) FROM user_roles WHERE role = name)) FROM roles)) FROM users),
      'sessions', jsonb_build_object('active', (SELECT count(*) FROM sessions WHERE revoked_at IS NULL AND expires_at > now())),
      'today', (SELECT jsonb_build_object('date', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD'),
        'signups', count(*) FILTER (WHERE type = 'auth.registered'), 'logins', count(*) FILTER (WHERE type = 'auth.login'),
        'failedLogins', count(*) FILTER (WHERE type = 'auth.login_failed' AND data ->> 'code' <> 'wrong_password')) FROM audit_events
        WHERE (at AT TIME ZONE 'UTC')::date = (now() AT TIME ZONE 'UTC')::date)) AS counted`);
  return row!.counted;
}

async function expectExact(): Promise<void> {
  const { series, ...rest } = await stats();
  const { today, ...truth } = await counted();
  expect({ ...rest, today: series.at(-1) }).toEqual({ ...truth, today });
}

test('the figures are exact after every kind of change, also by hand and in a crowd', async () => {
  await expectExact();
  const people = await Promise.all(Array.from({ length: 12 }, () => signUp(gatehouse)));
  await expectExact();
  await Promise.all(people.map(({ user }) => signIn(gatehouse, user.email)));
  const wrong = { email: people[0]!.user.email, password: 'wrong wrong wrong' };
  for (let n = 0; n < 3; n++) await gatehouse.call('POST', '/v1/auth/login', { body: wrong });
  await gatehouse.call('POST', '/v1/auth/login', { body: { ...wrong, email: freshEmail() } });
  await expectExact();
  // Written down, and no failed sign-in.
  const { accessToken, user } = people[0]!;
  await gatehouse.call('DELETE', '/v1/users/me', { body: { password: 'wrong wrong wrong' }, token: accessToken });
  const [latest] = await database.query(
    'SELECT type, actor_id, data FROM audit_events WHERE user_id = $1 ORDER BY id DESC LIMIT 1',
    [user.id],
  );
  expect(latest).toEqual({ type: 'auth.login_failed', actor_id: user.id, data: { code: 'wrong_password' } });
  await expectExact();
  const path = (n: number) => `/v1/users/${people[n]!.user.id}`;
  const token = admin.accessToken;
  await gatehouse.call('PATCH', path(0), { body: { status: 'disabled' }, token });
  await gatehouse.call('DELETE', path(1), { token });
  await gatehouse.call('DELETE', `${path(2)}/sessions`, { token });
  await gatehouse.call('PUT', `${path(3)}/roles`, { body: { roles: ['admin'] }, token });
  await gatehouse.call('POST', '/v1/auth/logout', { token: people[4]!.accessToken });
  await gatehouse.call('POST', '/v1/auth/refresh', { body: { refreshToken: people[5]!.refreshToken } });
  await expectExact();
  const id = (n: number) => `'${people[n]!.user.id}'`;
  await database.query(`UPDATE sessions SET expires_at = now() - interval '1 second' WHERE user_id = ${id(6)}`);
  await database.query(`UPDATE sessions SET expires_at = now() + interval '10 minutes' WHERE user_id = ${id(7)}`);
  await database.query(`UPDATE sessions SET expires_at = now() + interval '400 days' WHERE user_id = ${id(8)}`);
  await database.query(`DELETE FROM sessions WHERE user_id = ${id(9)}`);
  await database.query(`DELETE FROM user_roles WHERE user_id = ${id(10)}`);
  await database.query(`UPDATE user_roles SET role = 'admin' WHERE user_id = ${id(11)}`);
  await expectExact();
  await expect(
    database.query(
      `BEGIN; INSERT INTO users (id, email, email_key) VALUES (gen_random_uuid(), 'r@x.test', 'r@x.test'); SELECT 1/0`,
    ),
  ).rejects.toThrow('division');
  await database.query('ROLLBACK');
  await expectExact();
});

test('they are exact while the changes are folded away under them', async () => {
  const source = new DataSource({ ...dataSourceOptions(database.url, { pool: 2, timeout: 0 }), migrations: [] });
  await source.initialize();
  const counters = new Counters(new Database(source));
  const fold = async () => {
    for (let n = 0; n < 30; n++) await counters.aggregate();
  };
  const { users } = await stats();
  const seen: number[] = [];
  const watch = async () => {
    for (let n = 0; n < 20; n++) seen.push((await stats()).users.total);
  };
  await Promise.all([fold(), watch(), ...Array.from({ length: 10 }, () => signUp(gatehouse))]);
  // What is left to fold now has nothing to add, and no instance can be in the middle of it.
  await counters.aggregate();
  expect(await database.query('SELECT FROM tally_changes')).toEqual([]);
  await source.destroy();
  // Every reading is a state that there was: never less than before, never more than in the end.
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect((await stats()).users.total).toBe(users.total + 10);
  await expectExact();
});

test('there is an entry for every day in UTC, oldest first, zeros included, and a registration is no login', async () => {
  const [{ lost } = { lost: '' }] = await database.query<{ lost: string }>(
    `SELECT to_char('${GAP.toISOString().slice(0, 10)} 00:00'::timestamptz, 'HH24:MI') AS lost`,
  );
  expect(lost).toBe('01:00'); // there is no midnight on that day
  await database.query(
    `INSERT INTO audit_events (id, type, at) SELECT gen_random_uuid(), 'auth.login', date_trunc('day', now(), 'UTC') - n * interval '1 second' FROM generate_series(0, 3) n`,
  );
  const { series } = await stats(90);
  const days = series.map(({ date }) => date);
  expect(days).toHaveLength(90);
  expect(new Set(days).size).toBe(90);
  expect(days).toEqual([...days].sort());
  expect(days.at(-1)).toBe(new Date().toISOString().slice(0, 10));
  expect(series.at(-2)?.logins).toBe(3);
  expect(series.slice(0, -2).every(({ logins, signups, failedLogins }) => logins + signups + failedLogins === 0)).toBe(
    true,
  );
  const before = (await stats()).series[0]!;
  await signUp(gatehouse, { password: PASSWORD });
  expect((await stats()).series[0]).toEqual({ ...before, signups: before.signups + 1 });
});
