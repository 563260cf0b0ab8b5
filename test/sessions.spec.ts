import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import type { Schemas } from './support/schemas.js';
import { type Problem, refresh, type SignedUp, signIn, signUp, verdict } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** The own sessions: what the list shows, how it pages, and that nobody reaches anybody else's. */
const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36';

let database: TestDatabase;
let gatehouse: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url });
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

const list = (token: string, query = '') =>
  gatehouse.call<Schemas['SessionPage'] & Problem>('GET', `/v1/sessions${query}`, { token });
const end = (token: string, id: string) => gatehouse.call<Problem>('DELETE', `/v1/sessions/${id}`, { token });

/** Somebody on so many devices, oldest first. */
async function onDevices(count: number): Promise<SignedUp[]> {
  const devices = [await signUp(gatehouse)];
  while (devices.length < count) devices.push(await signIn(gatehouse, devices[0]?.user.email ?? ''));
  return devices;
}

test('an item is the contract’s Session', async () => {
  const { user } = await signUp(gatehouse);
  const { body } = await gatehouse.call<SignedUp>('POST', '/v1/auth/login', {
    body: { email: user.email, password: 'violet tractor under snow' },
    headers: { 'user-agent': CHROME },
  });
  const { status, body: page, headers, text } = await list(body.accessToken, '?limit=1');
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toBe('no-store');
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(page).toEqual({
    items: [
      {
        id: body.session.id,
        createdAt: time,
        lastUsedAt: time,
        expiresAt: body.session.expiresAt,
        ip: '127.0.0.1',
        userAgent: CHROME,
        device: 'Chrome on Windows',
        current: true,
        authMethods: ['password'],
      },
    ],
    nextCursor: expect.any(String),
  });
  expect(text).not.toMatch(/secret|counter|hash/i);
});

test('a refresh shows as use, from where it came', async () => {
  const { accessToken, refreshToken, session } = await signUp(gatehouse);
  await database.query(`UPDATE sessions SET last_used_at = now() - interval '1 day' WHERE id = $1`, [session.id]);
  const body = { refreshToken };
  await gatehouse.call('POST', '/v1/auth/refresh', { body, headers: { 'user-agent': 'curl/8.5.0' } });
  const [item] = (await list(accessToken)).body.items;
  expect(item).toMatchObject({ device: 'curl', userAgent: 'curl/8.5.0' });
  expect(Date.now() - Date.parse(String(item?.lastUsedAt))).toBeLessThan(60_000);
});

test('pages hold every session once, newest first, also while others come and go', async () => {
  const devices = await onDevices(7);
  const token = devices[3]?.accessToken ?? '';
  const seen: Schemas['Session'][] = [];
  let cursor: string | null = null;
  do {
    const page: Schemas['SessionPage'] = (await list(token, `?limit=2${cursor ? `&cursor=${cursor}` : ''}`)).body;
    seen.push(...page.items);
    cursor = page.nextCursor;
    await signIn(gatehouse, devices[0]?.user.email ?? '');
  } while (cursor);
  expect(seen.map(({ id }) => id)).toEqual(devices.map(({ session }) => session.id).reverse());
  expect(seen.filter(({ current }) => current).map(({ id }) => id)).toEqual([devices[3]?.session.id]);
});

test('a page that is just full is the last one', async () => {
  const [{ accessToken }] = (await onDevices(3)) as [SignedUp];
  expect((await list(accessToken, '?limit=3')).body.nextCursor).toBeNull();
  expect((await list(accessToken, '?limit=2')).body.nextCursor).not.toBeNull();
});

test('twenty by default, a hundred at most', async () => {
  const { accessToken, user } = await signUp(gatehouse);
  await database.query(
    `INSERT INTO sessions (id, user_id, secret_hash, expires_at, auth_methods)
     SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, $1, sha256('x'), now() + interval '1 day', '{}'
     FROM generate_series(1, 120) AS n`,
    [user.id],
  );
  expect((await list(accessToken)).body.items).toHaveLength(20);
  expect((await list(accessToken, '?limit=100')).body.items).toHaveLength(100);
});

describe('queries that are refused', () => {
  const id = (text: string) => Buffer.from(text).toString('base64url');
  test.each([
    ['?limit=0', '/limit'],
    ['?limit=101', '/limit'],
    ['?limit=-1', '/limit'],
    ['?limit=1.5', '/limit'],
    ['?limit=ten', '/limit'],
    ['?limit=', '/limit'],
    ['?limit=1&limit=2', '/limit'],
    ['?cursor=', '/cursor'],
    ['?cursor=abc', '/cursor'],
    [`?cursor=${id('not-a-uuid')}`, '/cursor'],
    [`?cursor=${id("x' OR 1=1 --")}`, '/cursor'],
    [`?cursor=${id('0190a0a0-0000-7000-8000-000000000000')}x`, '/cursor'],
    [`?cursor=${id('0190a0a0-0000-7000-8000-000000000000 ')}`, '/cursor'],
    [`?cursor=${'A'.repeat(600)}`, '/cursor'],
    ['?offset=5', '/offset'],
    ['?userId=0190a0a0-0000-7000-8000-000000000000', '/userId'],
    ['?__proto__=1', '/__proto__'],
  ])('%s', async (query, pointer) => {
    const { accessToken } = await signUp(gatehouse);
    const { status, body } = await list(accessToken, query);
    expect([status, body.code]).toEqual([400, 'invalid_request']);
    expect(body.errors?.map((fault) => fault.pointer)).toEqual([pointer]);
  });
});

test('another’s cursor shows nothing of the other', async () => {
  const [victim] = (await onDevices(3)) as [SignedUp];
  const { nextCursor } = (await list(victim.accessToken, '?limit=1')).body;
  const thief = await signUp(gatehouse);
  const { items } = (await list(thief.accessToken, `?cursor=${nextCursor}`)).body;
  expect(items.filter(({ id }) => id !== thief.session.id)).toEqual([]);
});

test('what has ended or expired is not listed', async () => {
  const [first, revoked, expired] = (await onDevices(3)) as [SignedUp, SignedUp, SignedUp];
  await end(first.accessToken, revoked.session.id);
  await database.query(`UPDATE sessions SET expires_at = now() - interval '1 s' WHERE id = $1`, [expired.session.id]);
  expect((await list(first.accessToken)).body.items.map(({ id }) => id)).toEqual([first.session.id]);
});

describe('ending one', () => {
  test('of the own: 204, once, and only that one', async () => {
    const [first, other] = (await onDevices(2)) as [SignedUp, SignedUp];
    const answer = await end(first.accessToken, other.session.id);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect((await end(first.accessToken, other.session.id)).status).toBe(404);
    expect((await refresh(gatehouse, other.refreshToken)).code).toBe('session_revoked');
    expect(await verdict(gatehouse, first.accessToken)).toBe('ok');
    const events = await database.query(
      `SELECT actor_id, data FROM audit_events WHERE user_id = $1 AND type = 'session.revoked'`,
      [first.user.id],
    );
    expect(events).toEqual([{ actor_id: first.user.id, data: { sessionId: other.session.id } }]);
  });

  test('the current one', async () => {
    const { accessToken, session } = await signUp(gatehouse);
    expect((await end(accessToken, session.id)).status).toBe(204);
    expect(await verdict(gatehouse, accessToken)).toBe('session_revoked');
  });

  test('another’s, an unknown one and no id at all are one: 404, and nothing ends', async () => {
    const victim = await signUp(gatehouse);
    const thief = await signUp(gatehouse);
    const ids = [
      victim.session.id,
      '0190a0a0-0000-7000-8000-000000000000',
      'x',
      '%00',
      "'--",
      victim.session.id.toUpperCase(),
    ];
    for (const id of ids) {
      const { status, body } = await end(thief.accessToken, id);
      expect([id, status, body.code]).toEqual([id, 404, 'not_found']);
    }
    expect(await verdict(gatehouse, victim.accessToken)).toBe('ok');
    expect((await refresh(gatehouse, victim.refreshToken)).code).toBe('ok');
  });

  test('with a body or a query: 400, and nothing ends', async () => {
    const { accessToken: token, session } = await signUp(gatehouse);
    const path = `/v1/sessions/${session.id}`;
    expect((await gatehouse.call('DELETE', path, { token, body: {} })).status).toBe(400);
    expect((await gatehouse.call('DELETE', `${path}?all=true`, { token })).status).toBe(400);
    expect(await verdict(gatehouse, token)).toBe('ok');
  });
});

describe('logout-all', () => {
  const logoutAll = (token: string, body?: unknown) =>
    gatehouse.call<{ revoked: number } & Problem>('POST', '/v1/auth/logout-all', { token, body });

  test.each([
    ['without a body', undefined, 3],
    ['that keeps none', { keepCurrent: false }, 3],
    ['that keeps this one', { keepCurrent: true }, 2],
  ])('%s', async (_, body, revoked) => {
    const [first, ...others] = (await onDevices(3)) as [SignedUp, ...SignedUp[]];
    const bystander = await signUp(gatehouse);
    const answer = await logoutAll(first.accessToken, body);
    expect([answer.status, answer.body]).toEqual([200, { revoked }]);
    for (const { accessToken } of others) expect(await verdict(gatehouse, accessToken)).toBe('session_revoked');
    expect(await verdict(gatehouse, first.accessToken)).toBe(revoked === 3 ? 'session_revoked' : 'ok');
    expect(await verdict(gatehouse, bystander.accessToken)).toBe('ok');
  });

  test.each([[{ keepCurrent: 'yes' }], [{ keep: true }], [[]], ['null']])('refuses %j', async (body) => {
    const { accessToken } = await signUp(gatehouse);
    const answer = await logoutAll(accessToken, body);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    expect(await verdict(gatehouse, accessToken)).toBe('ok');
  });
});

test('without a token none of it is there', async () => {
  const id = '0190a0a0-0000-7000-8000-000000000000';
  const routes = [
    ['GET', '/v1/sessions'],
    ['DELETE', `/v1/sessions/${id}`],
    ['POST', '/v1/auth/logout-all'],
  ] as const;
  for (const [method, path] of routes) {
    const { status, body } = await gatehouse.call<Problem>(method, path);
    expect([path, status, body.code]).toEqual([path, 401, 'unauthorized']);
  }
});

test('an expired session’s access token is refused no later than the session', async () => {
  const brief = await Gatehouse.start({ DATABASE_URL: database.url, REFRESH_TOKEN_TTL: '2s' });
  try {
    const { accessToken, expiresIn } = await signUp(brief);
    expect(expiresIn).toBeLessThanOrEqual(2);
    await waitFor(async () => (await verdict(brief, accessToken)) === 'token_expired');
  } finally {
    await brief.stop();
  }
});
