import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import type { Schemas } from '../support/schemas.js';
import { PASSWORD, refresh, type SignedUp, signIn, signUp, verdict } from '../support/users.js';
import { waitFor } from '../support/wait-for.js';

/** SESSIONS_PER_USER: one sign-in more ends the oldest. */
const MOST = 3;

let database: TestDatabase;
let here: Gatehouse;
let there: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  const env = { DATABASE_URL: database.url, RATE_LIMITS: 'off', SESSIONS_PER_USER: String(MOST) };
  [here, there] = await Promise.all([Gatehouse.start(env), Gatehouse.start(env)]);
});

afterAll(async () => {
  await Promise.all([here?.stop(), there?.stop()]);
  await database?.drop();
});

const liveOf = (id: string) =>
  database.query<{ id: string }>(
    'SELECT id FROM sessions WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now() ORDER BY id',
    [id],
  );

test('the oldest ends, everywhere, and its owner can see why', async () => {
  const first = await signUp(here);
  const later: SignedUp[] = [];
  for (const server of [there, here, there]) later.push(await signIn(server, first.user.email));
  expect(await verdict(there, first.accessToken)).toBe('session_revoked');
  await waitFor(async () => (await verdict(here, first.accessToken)) === 'session_revoked');
  for (const server of [here, there]) {
    const answer = await refresh(server, first.refreshToken);
    expect([answer.code, answer.body.detail]).toEqual([
      'session_revoked',
      expect.stringContaining(`more than ${MOST}`),
    ]);
    for (const { accessToken } of later) expect(await verdict(server, accessToken)).toBe('ok');
  }
  const events = await database.query(
    `SELECT actor_id, data FROM audit_events WHERE user_id = $1 AND type = 'session.revoked'`,
    [first.user.id],
  );
  expect(events).toEqual([
    { actor_id: first.user.id, data: { sessionId: first.session.id, reason: 'sessions_per_user' } },
  ]);
  const { body } = await here.call<Schemas['AccountExport']>('GET', '/v1/users/me/export', {
    token: later[0]?.accessToken ?? '',
  });
  const reasons = body.sessions.map(({ endReason }) => endReason);
  expect(reasons).toEqual([null, null, null, 'sessions_per_user']);
});

test('those that have expired go first, and say that they have expired', async () => {
  const first = await signUp(here);
  const expired = await signIn(here, first.user.email);
  const last = await signIn(here, first.user.email);
  await database.query(`UPDATE sessions SET expires_at = now() - interval '1 s' WHERE id = $1`, [expired.session.id]);
  const newest = await signIn(there, first.user.email);
  for (const { accessToken } of [first, last, newest]) expect(await verdict(there, accessToken)).toBe('ok');
  for (const server of [here, there])
    expect((await refresh(server, expired.refreshToken)).code).toBe('session_expired');
  const events = await database.query(`SELECT FROM audit_events WHERE user_id = $1 AND type = 'session.revoked'`, [
    first.user.id,
  ]);
  expect(events).toEqual([]);
});

test('a sign-in that is refused ends nothing', async () => {
  const first = await signUp(here);
  for (let n = 1; n < MOST; n++) await signIn(here, first.user.email);
  const body = { email: first.user.email, password: 'wrong wrong wrong' };
  expect((await here.call('POST', '/v1/auth/login', { body })).status).toBe(401);
  expect(await verdict(here, first.accessToken)).toBe('ok');
  expect(await liveOf(first.user.id)).toHaveLength(MOST);
});

test('fifty at once on two instances leave as many as there may be, the newest', async () => {
  const { user } = await signUp(here);
  const body = { email: user.email, password: PASSWORD };
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) => (n % 2 ? here : there).call<SignedUp>('POST', '/v1/auth/login', { body })),
  );
  // They wait for each other, and on a busy machine some do not wait that long.
  const opened = answers.filter(({ status }) => status === 200).map((answer) => answer.body.session.id);
  expect(opened.length).toBeGreaterThan(MOST * 2);
  expect(answers.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
  // With those that were opened although the answer came too late.
  const all = await database.query<{ id: string }>('SELECT id FROM sessions WHERE user_id = $1 ORDER BY id', [user.id]);
  const ids = all.map(({ id }) => id);
  expect(ids).toEqual(expect.arrayContaining(opened));
  expect((await liveOf(user.id)).map(({ id }) => id)).toEqual(ids.slice(-MOST));
  const events = await database.query(`SELECT FROM audit_events WHERE user_id = $1 AND type = 'session.revoked'`, [
    user.id,
  ]);
  expect(events).toHaveLength(ids.length - MOST);
});

test('a sign-in ends a hundred at most, the oldest', async () => {
  const { user } = await signUp(here);
  await database.query(
    `INSERT INTO sessions (id, user_id, secret_hash, expires_at, auth_methods)
     SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, $1, sha256('x'), now() + interval '1 day', '{}'
     FROM generate_series(1, 250) AS n`,
    [user.id],
  );
  const left = [];
  for (let n = 0; n < 4; n++) {
    await signIn(here, user.email);
    left.push((await liveOf(user.id)).length);
  }
  expect(left).toEqual([152, 53, MOST, MOST]);
});

test.each(['0', '10001', '1.5', 'many'])('SESSIONS_PER_USER=%s is refused at start', async (value) => {
  await expect(Gatehouse.start({ DATABASE_URL: database.url, SESSIONS_PER_USER: value })).rejects.toThrow(
    'SESSIONS_PER_USER must be a whole number from 1 to 10000',
  );
});
