import type { TestDatabase } from './support/database.js';
import { type Api, Gatehouse } from './support/gatehouse.js';
import { type Problem, refresh, signIn, signUp, type User } from './support/users.js';

/** The own account: what it shows, and what its owner may change. */
let database: TestDatabase;
let gatehouse: Api;

beforeAll(() => {
  ({ gatehouse, database } = Gatehouse.shared());
});

afterAll(() => database?.close());

const read = (token: string) => gatehouse.call<User & Problem>('GET', '/v1/users/me', { token });
const change = (token: string, body: unknown) =>
  gatehouse.call<User & Problem>('PATCH', '/v1/users/me', { token, body });

test('shows the account as it stands in the database now', async () => {
  const { user, accessToken } = await signUp(gatehouse);
  await database.query(`UPDATE users SET name = 'By hand', email_verified_at = now() WHERE id = $1`, [user.id]);
  const { status, body, headers, text } = await read(accessToken);
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body).toEqual({ ...user, name: 'By hand', emailVerified: true });
  expect(text).not.toMatch(/hash|\$2b|password|email_key|"ver"/);
});

test('lastLoginAt is the last sign-in, which a refresh is not', async () => {
  const { user, refreshToken } = await signUp(gatehouse);
  const { body } = await refresh(gatehouse, refreshToken);
  expect((await read(body.accessToken)).body.lastLoginAt).toBeNull();
  const signedIn = await signIn(gatehouse, user.email);
  expect(Date.now() - Date.parse(signedIn.user.lastLoginAt ?? '')).toBeLessThan(60_000);
  expect((await read(body.accessToken)).body.lastLoginAt).toBe(signedIn.user.lastLoginAt);
});

describe('what may be changed', () => {
  test.each<[string, object, object]>([
    ['a name', { name: 'Grace' }, { name: 'Grace', username: null }],
    ['a name of 200 characters of any script', { name: '\u540d'.repeat(200) }, { name: '\u540d'.repeat(200) }],
    ['a username', { username: 'grace.h' }, { username: 'grace.h', name: 'Before' }],
    ['both', { name: 'G', username: 'grace_2' }, { name: 'G', username: 'grace_2' }],
    ['a name away', { name: null }, { name: null }],
    ['nothing', {}, { name: 'Before', username: null }],
  ])('%s', async (_, body, expected) => {
    const { user, accessToken } = await signUp(gatehouse, { name: 'Before' });
    const answer = await change(accessToken, body);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ ...user, ...expected, updatedAt: expect.any(String) });
    expect((await read(accessToken)).body).toEqual(answer.body);
    const events = await database.query<{ data: object }>(
      `SELECT data FROM audit_events WHERE user_id = $1 AND type = 'user.updated'`,
      [user.id],
    );
    expect(events).toEqual([{ data: { fields: Object.keys(body) } }]);
  });

  test('a new username signs in, and is free again when it is given up', async () => {
    const { accessToken } = await signUp(gatehouse, { username: 'first-name' });
    await change(accessToken, { username: 'second-name' });
    const login = async (username: string) =>
      (await gatehouse.call('POST', '/v1/auth/login', { body: { username, password: 'violet tractor under snow' } }))
        .status;
    expect([await login('Second-Name'), await login('first-name')]).toEqual([200, 401]);
    await signUp(gatehouse, { username: 'first-name' });
    await change(accessToken, { username: null });
    expect(await login('second-name')).toBe(401);
  });

  test('the case of the own username', async () => {
    const { accessToken } = await signUp(gatehouse, { username: 'casing' });
    expect((await change(accessToken, { username: 'CASING' })).body.username).toBe('CASING');
  });

  test('the username in the next access token', async () => {
    const { accessToken, refreshToken } = await signUp(gatehouse);
    await change(accessToken, { username: 'next-token' });
    const { body } = await refresh(gatehouse, refreshToken);
    const who = await gatehouse.call<{ user: User }>('GET', '/v1/auth/session', { token: body.accessToken });
    expect(who.body.user.username).toBe('next-token');
  });
});

describe('what may not', () => {
  test.each<[string, unknown, string]>([
    ['the email', { email: 'other@example.com' }, '/email'],
    ['the roles', { roles: ['admin'] }, '/roles'],
    ['the status', { status: 'active' }, '/status'],
    ['the id', { id: '0190a0a0-0000-7000-8000-000000000000' }, '/id'],
    ['the version', { ver: 1 }, '/ver'],
    ['the password', { password: 'another good one' }, '/password'],
    ['an empty name', { name: '' }, '/name'],
    ['a name of blanks', { name: ' \t ' }, '/name'],
    ['a name with a line break', { name: 'Ada\nLovelace' }, '/name'],
    ['a name with a NUL', { name: 'Ada\0' }, '/name'],
    ['a name that is a number', { name: 5 }, '/name'],
    ['a short username', { username: 'ab' }, '/username'],
    ['a username with a blank', { username: 'a b c' }, '/username'],
    ['an empty username', { username: '' }, '/username'],
    ['a list', [], ''],
    ['no body', undefined, ''],
  ])('%s', async (_, body, pointer) => {
    const { user, accessToken } = await signUp(gatehouse);
    const answer = await change(accessToken, body);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    expect([...new Set(answer.body.errors?.map((fault) => fault.pointer))]).toEqual([pointer]);
    expect((await read(accessToken)).body).toEqual(user);
  });

  test('a username that somebody else has, in whatever case, also when many want it at once', async () => {
    await signUp(gatehouse, { username: 'occupied' });
    const { accessToken } = await signUp(gatehouse);
    const taken = await change(accessToken, { username: 'OCCUPIED', name: 'Not this either' });
    expect([taken.status, taken.body.code]).toEqual([409, 'username_taken']);
    expect((await read(accessToken)).body.name).toBeNull();
    const people = await Promise.all(Array.from({ length: 6 }, () => signUp(gatehouse)));
    const answers = await Promise.all(people.map((person) => change(person.accessToken, { username: 'wanted' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409]);
  });
});

test('a deleted user is nobody', async () => {
  const { user, accessToken } = await signUp(gatehouse);
  await database.query('DELETE FROM users WHERE id = $1', [user.id]);
  expect([401, 404]).toContain((await read(accessToken)).status);
});

test('without a token, or with a query', async () => {
  const { accessToken: token } = await signUp(gatehouse);
  for (const method of ['GET', 'PATCH']) {
    const { status, body } = await gatehouse.call<Problem>(method, '/v1/users/me');
    expect([status, body.code]).toEqual([401, 'unauthorized']);
  }
  const { status, body } = await gatehouse.call<Problem>('GET', '/v1/users/me?fields=id', { token });
  expect([status, body.errors?.[0]?.pointer]).toEqual([400, '/fields']);
});
