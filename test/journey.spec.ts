import { type Api, Gatehouse } from './support/gatehouse.js';
import { freshEmail, PASSWORD, type Problem, type SignedUp, signIn, signUp, type Tokens } from './support/users.js';

/** The main job, end to end: sign up, sign in, stay signed in, log out everywhere. */
let gatehouse: Api;

beforeAll(() => {
  ({ gatehouse } = Gatehouse.shared());
});

test('somebody signs up, is known, and signs out', async () => {
  const email = freshEmail();
  const { status, body, headers } = await gatehouse.call<SignedUp>('POST', '/v1/auth/register', {
    body: { email, password: PASSWORD, username: 'ada-1', name: 'Ada' },
  });
  expect(status).toBe(201);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body.user).toMatchObject({
    email,
    username: 'ada-1',
    name: 'Ada',
    roles: ['user'],
    status: 'active',
    lastLoginAt: null,
  });
  expect(body).toMatchObject({ tokenType: 'Bearer', expiresIn: 900 });

  const me = await gatehouse.call('GET', '/v1/users/me', { token: body.accessToken });
  expect(me.body).toEqual(body.user);

  const out = await gatehouse.call('POST', '/v1/auth/logout', { token: body.accessToken });
  expect([out.status, out.body]).toEqual([200, { message: 'Logged out successfully' }]);
  const after = await gatehouse.call<Problem>('GET', '/v1/users/me', { token: body.accessToken });
  expect([after.status, after.body.code]).toEqual([401, 'session_revoked']);
  expect(after.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
});

test('a lost reply or a second tab gets the same successor', async () => {
  const { user } = await signUp(gatehouse);
  const { refreshToken } = await signIn(gatehouse, user.email);
  const first = await gatehouse.call<Tokens>('POST', '/v1/auth/refresh', { body: { refreshToken } });
  const again = await gatehouse.call<Tokens>('POST', '/v1/auth/refresh', { body: { refreshToken } });
  expect([first.status, again.status]).toEqual([200, 200]);
  expect(again.body.refreshToken).toBe(first.body.refreshToken);
});
