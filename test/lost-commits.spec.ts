import { makeRole, withRoles } from './support/admins.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { refresh, signIn, signUp, verdict } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** A database that has forgotten its last commits, as after an asynchronous failover or from a backup. */
let database: TestDatabase;
let one: Gatehouse;
let two: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  const env = { DATABASE_URL: database.url };
  [one, two] = await Promise.all([Gatehouse.start(env), Gatehouse.start(env)]);
  await makeRole(database, 'helper');
});

afterAll(async () => {
  await Promise.all([one?.stop(), two?.stop()]);
  await database?.drop();
});

const TABLES = ['users', 'user_roles', 'sessions'];

/** Runs a statement past the triggers that keep history whole: a standby that never got it knows nothing of it. */
const forget = async (statement: string, values: unknown[]) => {
  for (const table of TABLES) await database.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
  await database.query(statement, values);
  for (const table of TABLES) await database.query(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
};

const setBack = (sessionId: string, counter: number) =>
  forget('UPDATE sessions SET counter = $2 WHERE id = $1', [sessionId, counter]);

test('a session that was ended stays ended on every instance that has heard of it', async () => {
  const { session, accessToken, refreshToken } = await signUp(one);
  await one.call('POST', '/v1/auth/logout', { token: accessToken });
  await waitFor(async () => (await verdict(two, accessToken)) === 'session_revoked');
  await forget('UPDATE sessions SET revoked_at = NULL WHERE id = $1', [session.id]);
  for (const gatehouse of [one, two]) {
    expect((await refresh(gatehouse, refreshToken)).code).toBe('session_revoked');
    expect(await verdict(gatehouse, accessToken)).toBe('session_revoked');
  }
  const rows = await database.query('SELECT FROM sessions WHERE id = $1 AND counter = 0', [session.id]);
  expect(rows).toHaveLength(1);
});

test.each([1, 3])(
  'the newest refresh token works where %d rotations were lost, and the one before is reuse',
  async (lost) => {
    const { session, ...tokens } = await signUp(one);
    const chain = [tokens.refreshToken];
    for (let n = 0; n < lost; n++) chain.push((await refresh(one, chain.at(-1) ?? '')).body.refreshToken);
    await setBack(session.id, 0);
    const newest = await refresh(two, chain.at(-1) ?? '');
    expect(newest.code).toBe('ok');
    expect((await refresh(one, newest.body.refreshToken)).code).toBe('ok');
    expect((await refresh(two, chain.at(-2) ?? '')).code).toBe('refresh_reused');
    await waitFor(async () => (await verdict(one, newest.body.accessToken)) === 'session_revoked');
  },
);

test('fifty at once with the newest get one successor', async () => {
  const { session, refreshToken } = await signUp(one);
  const newest = (await refresh(one, refreshToken)).body.refreshToken;
  await setBack(session.id, 0);
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => refresh(n % 2 ? one : two, newest)));
  expect(new Set(answers.map(({ code }) => code))).toEqual(new Set(['ok']));
  expect(new Set(answers.map(({ body }) => body.refreshToken)).size).toBe(1);
});

const both = [() => one, () => two];
const logouts = (userId: string) =>
  database.query(`SELECT data FROM audit_events WHERE type = 'auth.logout' AND user_id = $1`, [userId]);

test('a sign-out is felt everywhere although the session was opened within the lost commits', async () => {
  const { session, user, accessToken } = await signUp(one);
  const other = await signIn(two, user.email);
  await forget('DELETE FROM sessions WHERE id = $1', [session.id]);
  expect((await one.call('POST', '/v1/auth/logout', { token: accessToken })).status).toBe(200);
  expect(await verdict(one, accessToken)).toBe('session_revoked');
  await waitFor(async () => (await verdict(two, accessToken)) === 'session_revoked');
  for (const gatehouse of both) expect(await verdict(gatehouse(), other.accessToken)).toBe('ok');
  expect(await logouts(user.id)).toEqual([{ data: { sessionId: session.id } }]);
});

test('so it is with the refresh token alone, and nothing is kept of it twice', async () => {
  const { session, user, accessToken, refreshToken } = await signUp(one);
  await forget('DELETE FROM sessions WHERE id = $1', [session.id]);
  for (let n = 0; n < 3; n++)
    expect((await one.call('POST', '/v1/auth/logout', { body: { refreshToken } })).status).toBe(200);
  for (const gatehouse of both)
    await waitFor(async () => (await verdict(gatehouse(), accessToken)) === 'session_revoked');
  expect(await database.query('SELECT FROM changes WHERE id = $1', [session.id])).toHaveLength(1);
  expect(await logouts(user.id)).toEqual([]);
});

test.each([true, false])(
  'so it is with all sessions of a user who was lost; the own is kept: %s',
  async (keepCurrent) => {
    const { user, accessToken } = await signUp(one);
    const other = await signIn(two, user.email);
    await forget('DELETE FROM users WHERE id = $1', [user.id]);
    const answer = await one.call('POST', '/v1/auth/logout-all', { token: accessToken, body: { keepCurrent } });
    expect([answer.status, answer.body]).toEqual([200, { revoked: 0 }]);
    expect(await verdict(one, other.accessToken)).toBe('session_revoked');
    for (const gatehouse of both) {
      await waitFor(async () => (await verdict(gatehouse(), other.accessToken)) === 'session_revoked');
      expect(await verdict(gatehouse(), accessToken)).toBe(keepCurrent ? 'ok' : 'session_revoked');
    }
  },
);

test.each([
  ['taken away', ['user', 'helper'], ['user']],
  ['not there as far as is to be seen', ['user'], ['user']],
])('a role that is %s by the database of before is in no token that counts', async (_, held, wanted) => {
  const admin = await withRoles(one, database, 'admin');
  const { user } = await signUp(one);
  const path = `/v1/users/${user.id}/roles`;
  const put = (roles: string[]) => one.call('PUT', path, { body: { roles }, token: admin.accessToken });
  for (const roles of [['user', 'helper'], ['user'], ['user', 'helper']]) expect((await put(roles)).status).toBe(200);
  const { accessToken } = await signIn(one, user.email);
  await forget('UPDATE users SET ver = 1 WHERE id = $1', [user.id]);
  await forget('DELETE FROM user_roles WHERE user_id = $1 AND role <> ALL ($2)', [user.id, held]);
  expect((await put(wanted)).status).toBe(200);
  expect(await verdict(one, accessToken)).toBe('token_stale');
  await waitFor(async () => (await verdict(two, accessToken)) === 'token_stale');
});
