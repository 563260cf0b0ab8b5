import { randomBytes } from 'node:crypto';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { PASSWORD, refresh, signUp, type Tokens, verdict, wholeSession } from './support/users.js';

/**
 * A refresh whose reply was lost, repeated with its Idempotency-Key: however long the network is away nobody is signed out,
 * and who has the token without its key is a thief as ever (RFC 9700, 4.14.2).
 */
let database: TestDatabase;
let one: Gatehouse;
let two: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  const env = { DATABASE_URL: database.url, REFRESH_GRACE: '30s' };
  [one, two] = await Promise.all([Gatehouse.start(env), Gatehouse.start(env)]);
});

afterAll(async () => {
  await Promise.all([one?.stop(), two?.stop()]);
  await database?.drop();
});

const newKey = () => randomBytes(16).toString('base64url');

/** Lets so much time pass for a session as if it had last been used then. */
const age = (sessionId: string, interval: string) =>
  database.query(
    `UPDATE sessions SET rotated_at = rotated_at - $2::interval, last_used_at = last_used_at - $2::interval,
       created_at = created_at - $2::interval, expires_at = expires_at - $2::interval WHERE id = $1`,
    [sessionId, interval],
  );

const rowOf = (sessionId: string) => wholeSession(database, sessionId);

/** A session whose first refresh was asked for with a key, and how long ago that was. */
async function refreshed(interval: string) {
  const { refreshToken, session, user } = await signUp(one);
  const key = newKey();
  const { body } = await refresh(one, refreshToken, key);
  await age(session.id, interval);
  return { user, session, lost: refreshToken, key, successor: body };
}

test.each(['1 minute', '1 hour', '1 day', '29 days'])('after %s it gets the same successor', async (interval) => {
  const { session, lost, key, successor } = await refreshed(interval);
  const row = await rowOf(session.id);
  const again = await refresh(two, lost, key);
  expect([again.code, again.body.refreshToken]).toEqual(['ok', successor.refreshToken]);
  expect(await rowOf(session.id)).toBe(row);
  expect(await verdict(one, again.body.accessToken)).toBe('ok');
  expect((await refresh(one, again.body.refreshToken, newKey())).code).toBe('ok');
});

test('fifty at once on two instances get one successor, after a day', async () => {
  const { lost, key, successor } = await refreshed('1 day');
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => refresh(n % 2 ? one : two, lost, key)));
  expect(new Set(answers.map(({ code }) => code))).toEqual(new Set(['ok']));
  expect(new Set(answers.map(({ body }) => body.refreshToken))).toEqual(new Set([successor.refreshToken]));
});

test.each<[string, (key: string) => string | undefined]>([
  ['without its key', () => undefined],
  ['with another key', newKey],
  ['with its key in other letters', (key) => key.toLowerCase().padEnd(23, 'x')],
])('%s it is reuse, and the session ends', async (_, keyOf) => {
  const { user, lost, key, successor } = await refreshed('1 hour');
  expect((await refresh(two, lost, keyOf(key))).code).toBe('refresh_reused');
  expect((await refresh(one, successor.refreshToken)).code).toBe('session_revoked');
  expect((await refresh(one, lost, key)).code).toBe('session_revoked');
  const events = await database.query(`SELECT FROM audit_events WHERE user_id = $1 AND type = 'auth.refresh_reused'`, [
    user.id,
  ]);
  expect(events).toHaveLength(1);
});

test('with its key it is reuse once the successor was used: then the reply had come', async () => {
  const { lost, key, successor } = await refreshed('1 hour');
  expect((await refresh(one, successor.refreshToken, newKey())).code).toBe('ok');
  expect((await refresh(two, lost, key)).code).toBe('refresh_reused');
});

test('a key that a client sends every time counts for one token at a time', async () => {
  const { refreshToken, session } = await signUp(one);
  const key = newKey();
  const child = (await refresh(one, refreshToken, key)).body;
  const grandchild = (await refresh(one, child.refreshToken, key)).body;
  await age(session.id, '1 hour');
  expect((await refresh(two, child.refreshToken, key)).body.refreshToken).toBe(grandchild.refreshToken);
  expect((await refresh(two, refreshToken, key)).code).toBe('refresh_reused');
});

describe('within the grace any key or none gets the successor', () => {
  test('and the first key counts afterwards', async () => {
    const { refreshToken, session } = await signUp(one);
    const [first, second] = [newKey(), newKey()];
    const { body } = await refresh(one, refreshToken);
    for (const key of [first, second, undefined])
      expect((await refresh(two, refreshToken, key)).body.refreshToken).toBe(body.refreshToken);
    await age(session.id, '1 hour');
    expect((await refresh(two, refreshToken, first)).body.refreshToken).toBe(body.refreshToken);
    expect((await refresh(two, refreshToken, second)).code).toBe('refresh_reused');
  });

  test('of fifty keys at once exactly one counts afterwards', async () => {
    const { refreshToken, session } = await signUp(one);
    await refresh(one, refreshToken);
    const keys = Array.from({ length: 50 }, newKey);
    const answers = await Promise.all(keys.map((key, n) => refresh(n % 2 ? one : two, refreshToken, key)));
    expect(new Set(answers.map(({ body }) => body.refreshToken)).size).toBe(1);
    await age(session.id, '1 hour');
    const [row] = await database.query<{ hash: Buffer }>(
      'SELECT refresh_key_hash AS hash FROM sessions WHERE id = $1',
      [session.id],
    );
    expect(row?.hash).toHaveLength(32);
    const codes = [];
    for (const key of keys) codes.push((await refresh(one, refreshToken, key)).code);
    // The first that does not fit ends the session; until then at most the one that does was served.
    expect(codes.filter((code) => code === 'ok').length).toBeLessThanOrEqual(1);
    expect(codes.filter((code) => code === 'refresh_reused')).toHaveLength(1);
  });

  test('a later key takes no earlier one’s place', async () => {
    const { session, lost, key, successor } = await refreshed('1 second');
    expect((await refresh(two, lost, newKey())).body.refreshToken).toBe(successor.refreshToken);
    await age(session.id, '1 hour');
    expect((await refresh(two, lost, key)).body.refreshToken).toBe(successor.refreshToken);
  });
});

test('it brings no session back that has expired or was ended', async () => {
  const expired = await refreshed('31 days');
  expect((await refresh(one, expired.lost, expired.key)).code).toBe('session_expired');
  const ended = await refreshed('1 hour');
  await one.call('POST', '/v1/auth/logout', { body: { refreshToken: ended.successor.refreshToken } });
  expect((await refresh(two, ended.lost, ended.key)).code).toBe('session_revoked');
});

test('a change of password ends it too', async () => {
  const { session, lost, key, successor } = await refreshed('1 second');
  const { status } = await one.call<Tokens>('POST', '/v1/users/me/password', {
    token: successor.accessToken,
    body: { currentPassword: PASSWORD, newPassword: 'nine green lanterns' },
  });
  expect(status).toBe(200);
  await age(session.id, '1 hour');
  expect((await refresh(two, lost, key)).code).toBe('refresh_reused');
});

test.each([
  ['too short', 'a'.repeat(15)],
  ['too long', 'a'.repeat(65)],
  ['of other characters', `${'a'.repeat(16)}.`],
  ['two of them', `${'a'.repeat(16)}, ${'b'.repeat(16)}`],
  ['empty', ''],
])('a key that is %s is refused, and touches nothing', async (_, key) => {
  const { refreshToken, session } = await signUp(one);
  const row = await rowOf(session.id);
  const { status, code } = await refresh(one, refreshToken, key);
  expect([status, code]).toEqual([400, 'invalid_request']);
  expect(await rowOf(session.id)).toBe(row);
});

test('what is stored is no key, and not the same for two tokens with one key', async () => {
  const key = newKey();
  const sessions = [];
  for (let n = 0; n < 2; n++) {
    const { refreshToken, session } = await signUp(one);
    await refresh(one, refreshToken, key);
    sessions.push(session.id);
  }
  const rows = await database.query<{ row: string; hash: Buffer }>(
    'SELECT sessions::text AS row, refresh_key_hash AS hash FROM sessions WHERE id = ANY($1::uuid[])',
    [sessions],
  );
  expect(rows.map(({ row }) => row).join()).not.toContain(key);
  expect(new Set(rows.map(({ hash }) => hash.toString('hex'))).size).toBe(2);
});

test('the cookie takes a key as well', async () => {
  const { user } = await signUp(one);
  const login = await one.call('POST', '/v1/auth/login', {
    body: { email: user.email, password: PASSWORD },
    headers: { 'x-token-delivery': 'cookie' },
  });
  const [cookie = ''] = login.headers.getSetCookie()[0]?.split(';') ?? [];
  const key = newKey();
  const again = () => one.call<Tokens>('POST', '/v1/auth/refresh', { headers: { cookie, 'idempotency-key': key } });
  const first = await again();
  await age(first.body.session.id, '1 hour');
  const second = await again();
  expect([first.status, second.status]).toEqual([200, 200]);
  const successors = [first, second].map(({ headers }) => headers.getSetCookie()[0]?.split(';')[0]);
  expect(successors[0]).toBe(successors[1]);
});
