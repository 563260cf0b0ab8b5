import type { TestDatabase } from './support/database.js';
import { type Api, Gatehouse } from './support/gatehouse.js';
import type { Schemas } from './support/schemas.js';
import { type Problem, refresh, signIn, signUp } from './support/users.js';

/** What a user sees first: the account, how many devices, and the latest about it. */
let database: TestDatabase;
let gatehouse: Api;

beforeAll(() => {
  ({ gatehouse, database } = Gatehouse.shared());
});

afterAll(() => database?.close());

const dashboard = (token?: string, query = '') =>
  gatehouse.call<Schemas['Dashboard'] & Problem>('GET', `/v1/dashboard${query}`, { token });

test('is the contract’s', async () => {
  const { user, accessToken } = await signUp(gatehouse);
  const { status, body, headers } = await dashboard(accessToken);
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body).toEqual({
    message: 'Welcome to your profile',
    user,
    sessions: { active: 1 },
    activity: [
      {
        type: 'auth.registered',
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        ip: '127.0.0.1',
        device: 'node',
      },
    ],
  });
});

test('tells of everything about the own account, newest first, and of nobody else’s', async () => {
  const { user, accessToken } = await signUp(gatehouse);
  await signUp(gatehouse);
  await gatehouse.call('POST', '/v1/auth/login', { body: { email: user.email, password: 'wrong wrong' } });
  await signIn(gatehouse, user.email);
  await gatehouse.call('PATCH', '/v1/users/me', { token: accessToken, body: { name: 'Ada' } });
  await gatehouse.call('POST', '/v1/auth/logout-all', { token: accessToken, body: { keepCurrent: true } });
  const { body } = await dashboard(accessToken);
  expect(body.activity.map(({ type }) => type)).toEqual([
    'auth.logout',
    'user.updated',
    'auth.login',
    'auth.login_failed',
    'auth.registered',
  ]);
});

test('ten at most', async () => {
  const { accessToken: token } = await signUp(gatehouse);
  for (let i = 0; i < 11; i++) await gatehouse.call('PATCH', '/v1/users/me', { token, body: { name: `Name ${i}` } });
  const { activity } = (await dashboard(token)).body;
  expect(activity.map(({ type }) => type)).toEqual(Array(10).fill('user.updated'));
});

test('counts live sessions: not the ended, not the expired, and a refresh adds none', async () => {
  const { user, accessToken, refreshToken } = await signUp(gatehouse);
  const [ended, expired] = [await signIn(gatehouse, user.email), await signIn(gatehouse, user.email)];
  await refresh(gatehouse, refreshToken);
  expect((await dashboard(accessToken)).body.sessions).toEqual({ active: 3 });
  await gatehouse.call('POST', '/v1/auth/logout', { token: ended.accessToken });
  await database.query('UPDATE sessions SET expires_at = now() WHERE id = $1', [expired.session.id]);
  expect((await dashboard(accessToken)).body.sessions).toEqual({ active: 1 });
});

test('shows nothing to nobody, and takes no query', async () => {
  const { accessToken } = await signUp(gatehouse);
  const none = await dashboard();
  expect([none.status, none.body.code]).toEqual([401, 'unauthorized']);
  const odd = await dashboard(accessToken, '?userId=1');
  expect([odd.status, odd.body.errors?.[0]?.pointer]).toEqual([400, '/userId']);
});
