import { makeRole, withRoles } from '../support/admins.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { tokenFor } from '../support/mail.js';
import type { Schemas } from '../support/schemas.js';
import { PASSWORD, type Problem, refresh, type SignedUp, signIn, signUp, verdict } from '../support/users.js';
import { waitFor } from '../support/wait-for.js';

/** Every way to end many sessions, for accounts of every past: dead everywhere at once, and nothing else is. */
let database: TestDatabase;
let here: Gatehouse;
let there: Gatehouse;
let admin: SignedUp;

beforeAll(async () => {
  database = await createDatabase();
  const env = { DATABASE_URL: database.url, RATE_LIMITS: 'off' };
  [here, there] = await Promise.all([Gatehouse.start(env), Gatehouse.start(env)]);
  admin = await withRoles(here, database, 'admin', 'user');
  await makeRole(database, 'member');
});

afterAll(async () => {
  await Promise.all([here?.stop(), there?.stop()]);
  await database?.drop();
});

interface Devices {
  /** The device that acts, and another one. */
  acting: SignedUp;
  other: SignedUp;
}

const asAdmin = (method: string, path: string, body?: unknown) =>
  here.call<Problem & { before: string; revoked: number }>(method, path, { token: admin.accessToken, body });
const logoutAll = ({ accessToken: token }: SignedUp, keepCurrent: boolean, on = here) =>
  on.call<{ revoked: number }>('POST', '/v1/auth/logout-all', { token, body: { keepCurrent } });

/** What an account has been through before. */
const PASTS: Record<string, (devices: Devices) => Promise<unknown>> = {
  nothing: async () => undefined,
  'a logout of others that kept the acting device': ({ acting }) => logoutAll(acting, true),
  'a role that was taken': async ({ acting }) => {
    await database.query(`DELETE FROM user_roles WHERE user_id = $1 AND role = 'member'`, [acting.user.id]);
    await database.query(`INSERT INTO user_roles VALUES ($1, 'member')`, [acting.user.id]);
  },
};

/** Ends and whether they leave the acting device. */
const ENDS: [string, boolean, (devices: Devices) => Promise<unknown>][] = [
  ['logout-all', false, ({ acting }) => logoutAll(acting, false)],
  ['logout-all but here', true, ({ acting }) => logoutAll(acting, true)],
  [
    'a new password',
    true,
    async ({ acting }) => {
      const { body } = await here.call<Schemas['Tokens']>('POST', '/v1/users/me/password', {
        token: acting.accessToken,
        body: { currentPassword: PASSWORD, newPassword: `${PASSWORD}!` },
      });
      // The session goes on, with tokens of the new password alone.
      await waitFor(() => verdict(there, acting.accessToken), { until: (code) => code === 'token_stale' });
      Object.assign(acting, body);
    },
  ],
  [
    'a password reset',
    false,
    async ({ acting }) => {
      await here.call('POST', '/v1/auth/password/forgot', { body: { email: acting.user.email } });
      const token = await tokenFor(here, acting.user.email);
      await here.call('POST', '/v1/auth/password/reset', { body: { token, password: `${PASSWORD}!` } });
    },
  ],
  ['an admin’s DELETE of all', false, ({ acting }) => asAdmin('DELETE', `/v1/users/${acting.user.id}/sessions`)],
  ['disabling', false, ({ acting }) => asAdmin('PATCH', `/v1/users/${acting.user.id}`, { status: 'disabled' })],
  [
    'disabling by SQL',
    false,
    ({ acting }) => database.query(`UPDATE users SET status = 'disabled' WHERE id = $1`, [acting.user.id]),
  ],
  ['a floor by SQL', false, ({ acting }) => database.query('SELECT end_sessions($1)', [acting.user.id])],
  [
    'a floor by UPDATE',
    false,
    ({ acting }) =>
      database.query(
        `UPDATE users SET sessions_floor = first_id_at(now() + interval '1 day'), sessions_kept = NULL WHERE id = $1`,
        [acting.user.id],
      ),
  ],
  ['deletion by an admin', false, ({ acting }) => asAdmin('DELETE', `/v1/users/${acting.user.id}`)],
  ['deletion by SQL', false, ({ acting }) => database.query('DELETE FROM users WHERE id = $1', [acting.user.id])],
  [
    'revoke-before of the user',
    false,
    ({ acting }) => asAdmin('POST', '/v1/sessions/revoke-before', { userId: acting.user.id }),
  ],
  ['revoke-before of a role', false, () => asAdmin('POST', '/v1/sessions/revoke-before', { role: 'member' })],
  [
    'an epoch by SQL',
    false,
    () =>
      database.query(
        `INSERT INTO epochs VALUES ('member', first_id_at(clock_timestamp()))
         ON CONFLICT (role) DO UPDATE SET floor = excluded.floor`,
      ),
  ],
];

const TABLE = Object.keys(PASTS).flatMap((past) => ENDS.map(([end, keeps, run]) => [end, past, keeps, run] as const));

async function member(past: string): Promise<Devices> {
  const { user } = await signUp(here);
  await database.query(`INSERT INTO user_roles VALUES ($1, 'member')`, [user.id]);
  const devices = { acting: await signIn(here, user.email), other: await signIn(there, user.email) };
  await PASTS[past]?.(devices);
  // A role that was taken and given makes tokens stale; those of the past are not what is tried.
  const acting = await refresh(here, devices.acting.refreshToken);
  return {
    acting: { ...devices.acting, ...acting.body },
    other: await signIn(there, user.email),
  };
}

async function expectDead({ accessToken, refreshToken, session }: SignedUp): Promise<void> {
  for (const server of [here, there]) {
    await waitFor(() => verdict(server, accessToken), { until: (code) => code === 'session_revoked' });
    expect((await refresh(server, refreshToken)).code).toBe('session_revoked');
  }
  // The row follows.
  await waitFor(() => database.query('SELECT FROM sessions WHERE id = $1 AND revoked_at IS NULL', [session.id]), {
    until: ({ length }) => length === 0,
  });
}

test.each(TABLE)('%s, after %s', async (_, past, keeps, end) => {
  const devices = await member(past);
  const bystander = await signUp(there);
  await end(devices);
  expect(await verdict(here, bystander.accessToken)).toBe('ok');
  await expectDead(devices.other);
  if (!keeps) await expectDead(devices.acting);
  else {
    expect(await verdict(there, devices.acting.accessToken)).toBe('ok');
    const { body: page } = await here.call<Schemas['SessionPage']>('GET', '/v1/sessions', {
      token: devices.acting.accessToken,
    });
    expect(page.items.map(({ id }) => id)).toEqual([devices.acting.session.id]);
    const { body } = await there.call<Schemas['Dashboard']>('GET', '/v1/dashboard', {
      token: devices.acting.accessToken,
    });
    expect(body.sessions.active).toBe(1);
  }
  for (const server of [here, there]) expect(await verdict(server, bystander.accessToken)).toBe('ok');
  expect((await refresh(here, bystander.refreshToken)).code).toBe('ok');
  expect(await verdict(there, (await signUp(here)).accessToken)).toBe('ok');
});

test('who is kept stays kept until somebody else is, and what ended stays ended', async () => {
  const { acting: first, other: second } = await member('nothing');
  expect((await logoutAll(first, true)).body.revoked).toBe(3);
  const third = await signIn(there, first.user.email);
  expect((await logoutAll(third, true, there)).body.revoked).toBe(1);
  expect((await logoutAll(third, true, there)).body.revoked).toBe(0);
  for (const ended of [first, second]) await expectDead(ended);
  for (const server of [here, there]) expect(await verdict(server, third.accessToken)).toBe('ok');
  // By hand, too.
  await database.query('UPDATE users SET sessions_kept = $2 WHERE id = $1', [first.user.id, first.session.id]);
  for (const ended of [first, second, third]) await expectDead(ended);
  await database.query('UPDATE users SET sessions_floor = $2 WHERE id = $1', [
    first.user.id,
    '00000000-0000-0000-0000-000000000000',
  ]);
  await expectDead(first);
});

test('a session kept below a floor dies with an earlier moment that it is older than', async () => {
  const { acting } = await member('nothing');
  await logoutAll(acting, true);
  const before = new Date(Number.parseInt(acting.session.id.replace('-', '').slice(0, 12), 16) + 1).toISOString();
  await asAdmin('POST', '/v1/sessions/revoke-before', { userId: acting.user.id, before });
  await expectDead(acting);
});

test('a session of an id that was ahead of the clock ends like any other', async () => {
  const { acting } = await member('nothing');
  const insert = `INSERT INTO sessions (id, user_id, secret_hash, expires_at, auth_methods)
    VALUES (new_id_at(now() + interval '100 days'), $1, sha256('x'), now() + interval '1 day', '{}')`;
  await database.query(insert, [acting.user.id]);
  expect((await logoutAll(acting, false)).body.revoked).toBe(5);
  expect(
    await database.query('SELECT FROM sessions WHERE user_id = $1 AND revoked_at IS NULL', [acting.user.id]),
  ).toEqual([]);
  expect(await verdict(there, (await signIn(here, acting.user.email)).accessToken)).toBe('ok');
});

describe('a session of an id that was ahead of the clock, and revoke-before of', () => {
  const idOf = (
    ahead: string,
    opened: string,
  ) => `INSERT INTO sessions (id, user_id, created_at, secret_hash, expires_at, auth_methods)
    SELECT new_id_at(opened + interval '${ahead}'), $1, opened, sha256('x'), now() + interval '1 day', '{}'
    FROM (SELECT now() - interval '${opened}' AS opened) AS o RETURNING id`;
  const open = async (ahead: string, opened: string, userId: string) =>
    (await database.query<{ id: string }>(idOf(ahead, opened), [userId]))[0]?.id;
  const isEnded = async (id: string | undefined) =>
    (await database.query('SELECT FROM sessions WHERE id = $1 AND revoked_at IS NOT NULL', [id])).length === 1;

  test.each<[string, (userId: string) => object, boolean]>([
    ['its user', (userId) => ({ userId }), true],
    ['a role', () => ({ role: 'member' }), true],
    ['everybody', () => ({}), false],
  ])('%s', async (_, scope, sparesOthers) => {
    // Of another test, and later than the moment of this one.
    await database.query('DELETE FROM epochs');
    const { acting } = await member('nothing');
    const stranger = await signUp(here);
    const bystander = await open('100 days', '1 hour', stranger.user.id);
    const ahead = await open('100 days', '1 hour', acting.user.id);
    // Of the past by now, but ahead of the moment before which all are to end.
    const past = await open('50 minutes', '1 hour', acting.user.id);
    const younger = await open('50 minutes', '20 minutes', acting.user.id);
    const earlier = new Date(Date.now() - 1_800_000).toISOString();
    await asAdmin('POST', '/v1/sessions/revoke-before', { ...scope(acting.user.id), before: earlier });
    for (const id of [ahead, past]) await waitFor(() => isEnded(id));
    expect(await isEnded(younger)).toBe(false);
    await asAdmin('POST', '/v1/sessions/revoke-before', scope(acting.user.id));
    // At once, and told to all.
    for (const id of [ahead, past, younger]) {
      expect(await isEnded(id)).toBe(true);
      expect(await database.query(`SELECT FROM changes WHERE kind = 'session' AND id = $1`, [id])).toHaveLength(1);
    }
    if (sparesOthers) expect(await isEnded(bystander)).toBe(false);
    else await waitFor(() => isEnded(bystander));
    admin = await withRoles(here, database, 'admin', 'user');
    expect((await refresh(there, (await signIn(here, acting.user.email)).refreshToken)).code).toBe('ok');
  });
});

test('ids are the database’s, and none is below a floor of its own millisecond', async () => {
  const { acting } = await member('nothing');
  await database.query('BEGIN');
  for (let n = 0; n < 50; n++) {
    const [made] = await database.query(
      `WITH risen AS MATERIALIZED (SELECT end_sessions($1) AS floor)
       SELECT id >= floor AS above, id < first_id_at(clock_timestamp() + interval '1 s') AS now,
         id::text ~ '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' AS form
       FROM risen, LATERAL (SELECT new_session_id($1) AS id WHERE floor IS NOT NULL) AS s`,
      [acting.user.id],
    );
    expect(made).toEqual({ above: true, now: true, form: true });
  }
  await database.query('ROLLBACK');
});

describe('a role’s epoch', () => {
  test.each([
    ['taken by SQL', (id: string) => database.query(`DELETE FROM user_roles WHERE user_id = $1`, [id])],
    [
      'replaced by SQL',
      (id: string) =>
        database.query(`UPDATE user_roles SET role = 'admin' WHERE user_id = $1 AND role = 'watched'`, [id]),
    ],
    ['taken by an admin', (id: string) => asAdmin('PUT', `/v1/users/${id}/roles`, { roles: [] })],
    ['deleted', () => asAdmin('DELETE', '/v1/roles/watched')],
  ])('holds for who loses the role: %s', async (_, take) => {
    await database.query(`INSERT INTO roles (name) VALUES ('watched') ON CONFLICT DO NOTHING`);
    const { user } = await signUp(here);
    await database.query(`INSERT INTO user_roles VALUES ($1, 'watched')`, [user.id]);
    const before = await signIn(here, user.email);
    // Rows that no sweep has reached: the floor alone must tell.
    await database.query('ALTER TABLE epochs DISABLE TRIGGER epochs_sweep');
    await asAdmin('POST', '/v1/sessions/revoke-before', { role: 'watched' });
    await database.query('ALTER TABLE epochs ENABLE TRIGGER epochs_sweep');
    const after = await signIn(there, user.email);
    expect((await refresh(there, before.refreshToken)).code).toBe('session_revoked');
    await take(user.id);
    expect((await refresh(there, before.refreshToken)).code).toBe('session_revoked');
    expect((await refresh(here, after.refreshToken)).code).toBe('ok');
    await expectDead(before);
  });

  test('is no one else’s', async () => {
    const stranger = await signUp(here);
    await asAdmin('POST', '/v1/sessions/revoke-before', { role: 'member' });
    expect((await refresh(there, stranger.refreshToken)).code).toBe('ok');
  });
});

test('the export says that a session ended before its row does', async () => {
  const { acting, other } = await member('nothing');
  await database.query('ALTER TABLE users DISABLE TRIGGER users_sweep');
  await logoutAll(acting, true);
  await database.query('ALTER TABLE users ENABLE TRIGGER users_sweep');
  const { body } = await here.call<Schemas['AccountExport']>('GET', '/v1/users/me/export', {
    token: acting.accessToken,
  });
  const of = (id: string) => body.sessions.find((session) => session.id === id);
  expect(of(acting.session.id)).toMatchObject({ revokedAt: null, endReason: null });
  expect(of(other.session.id)).toMatchObject({ revokedAt: expect.any(String), endReason: 'revoked_before' });
});
