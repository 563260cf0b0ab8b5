import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { LISTENER, TcpProxy } from './support/tcp-proxy.js';
import { type SignedUp, signUp, verdict } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** Checking an access token costs no SQL: counted at the wire between Gatehouse and Postgres. */
let database: TestDatabase;
let proxy: TcpProxy;
let gatehouse: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  proxy = await TcpProxy.before(database.url);
  gatehouse = await Gatehouse.start({ DATABASE_URL: proxy.url });
});

afterAll(async () => {
  await gatehouse?.stop();
  await proxy?.close();
  await database?.drop();
});

/** Bytes sent so far on every connection but the listener's, whose heartbeat goes on by itself. */
const poolBytes = () =>
  [...proxy.sent].filter(([name]) => name !== LISTENER).reduce((sum, [, bytes]) => sum + bytes, 0);

test('the wire is watched: one read of the profile is seen', async () => {
  const { accessToken } = await signUp(gatehouse);
  const before = poolBytes();
  await gatehouse.call('GET', '/v1/users/me', { token: accessToken });
  expect(poolBytes()).toBeGreaterThan(before);
  expect(proxy.sent.has(LISTENER)).toBe(true);
});

describe('a hundred requests send nothing to Postgres', () => {
  let people: SignedUp[];
  beforeAll(async () => {
    people = await Promise.all(Array.from({ length: 20 }, () => signUp(gatehouse)));
    const ended = people.at(-1)?.accessToken ?? '';
    await gatehouse.call('POST', '/v1/auth/logout', { token: ended });
    // What was just done is sealed and tallied a second later; that is no request's SQL.
    const todo = 'SELECT FROM audit_unsealed UNION ALL SELECT FROM tally_changes';
    await waitFor(async () => (await database.query(todo)).length === 0);
  });

  test.each<[string, string, (i: number) => string]>([
    ['with tokens never seen before, some twice', 'ok', (i) => people[i % 19]?.accessToken ?? ''],
    ['with one token', 'ok', () => people[0]?.accessToken ?? ''],
    ['with a token of an ended session', 'session_revoked', () => people[19]?.accessToken ?? ''],
    [
      'with a broken token',
      'invalid_token',
      (i) => `${people[0]?.accessToken.slice(0, -6)}AAAA${String(i).padStart(2, '0')}`,
    ],
  ])('%s', async (_, expected, tokenOf) => {
    const sent = async () => {
      const [before, beats] = [poolBytes(), proxy.sent.get(LISTENER) ?? 0];
      const codes = await Promise.all(Array.from({ length: 100 }, (_, i) => verdict(gatehouse, tokenOf(i))));
      expect(new Set(codes)).toEqual(new Set([expected]));
      // A statement sent after the answer would show by the listener's next heartbeat.
      await waitFor(() => (proxy.sent.get(LISTENER) ?? 0) > beats);
      return poolBytes() - before;
    };
    // Between two looks for accepted work, one every 2 s, there is time for nothing else.
    expect(await waitFor(sent, { until: (bytes) => bytes === 0 })).toBe(0);
  });
});

test('what it answers is what the token says', async () => {
  const { accessToken, user, session } = await signUp(gatehouse, { username: 'who.am-i' });
  const { status, body, headers } = await gatehouse.call('GET', '/v1/auth/session', { token: accessToken });
  const claims = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString());
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body).toEqual({
    user: { id: user.id, username: 'who.am-i', roles: ['user'] },
    session: { id: session.id },
    expiresAt: new Date(claims.exp * 1000).toISOString(),
  });
});

test('no token, and a header that is not a bearer token', async () => {
  const { accessToken } = await signUp(gatehouse);
  const plain = await gatehouse.call('GET', '/v1/auth/session');
  expect([plain.status, plain.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  for (const authorization of [
    '',
    'Bearer',
    'Bearer ',
    `Basic ${accessToken}`,
    accessToken,
    `Bearer ${accessToken} x`,
  ]) {
    const { status } = await gatehouse.call('GET', '/v1/auth/session', { headers: { authorization } });
    expect([authorization, status]).toEqual([authorization, 401]);
  }
  const inQuery = await gatehouse.call('GET', `/v1/auth/session?access_token=${accessToken}`);
  expect(inQuery.status).toBe(401);
});
