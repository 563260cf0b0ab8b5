import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import {
  PASSWORD,
  type Problem,
  refresh,
  type SignedUp,
  signIn,
  signUp,
  type Tokens,
  verdict,
} from '../support/users.js';
import { waitFor } from '../support/wait-for.js';

/** A copied access token goes on after its owner chose another password, on the very session that is kept. */

const NEXT = 'nine green lanterns';

let database: TestDatabase;
let here: Gatehouse;
let there: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  here = await Gatehouse.start({ DATABASE_URL: database.url });
  there = await Gatehouse.start({ DATABASE_URL: database.url });
});
afterAll(async () => {
  await Promise.all([here?.stop(), there?.stop()]);
  await database?.drop();
});

const change = (token: string, currentPassword = PASSWORD) =>
  here.call<Tokens & Problem>('POST', '/v1/users/me/password', { token, body: { currentPassword, newPassword: NEXT } });

/** A user whose token both instances have seen before. */
async function known(): Promise<SignedUp> {
  const owner = await signUp(here);
  for (const server of [here, there]) expect(await verdict(server, owner.accessToken)).toBe('ok');
  return owner;
}

const fifty = <T>(send: (index: number) => Promise<T>) => Promise.all(Array.from({ length: 50 }, (_, i) => send(i)));

test('the token of before is stale on every instance, and the kept session goes on with the tokens of the answer', async () => {
  const { accessToken: copied, session } = await known();
  const { status, body: fresh } = await change(copied);
  expect([status, fresh.session.id]).toEqual([200, session.id]);
  expect(await verdict(here, copied)).toBe('token_stale');
  await waitFor(async () => (await verdict(there, copied)) === 'token_stale');
  expect(new Set(await fifty((i) => verdict(i % 2 ? here : there, copied)))).toEqual(new Set(['token_stale']));
  for (const server of [here, there]) expect(await verdict(server, fresh.accessToken)).toBe('ok');
  const renewed = await refresh(there, fresh.refreshToken);
  expect(renewed.body.session.id).toBe(session.id);
  for (const server of [here, there]) expect(await verdict(server, renewed.body.accessToken)).toBe('ok');
  expect(await verdict(there, copied)).toBe('token_stale');
});

test('every token that the session was given before is stale, a refreshed one too', async () => {
  const { accessToken: first, refreshToken } = await known();
  const { accessToken: second } = (await refresh(there, refreshToken)).body;
  expect((await change(second)).status).toBe(200);
  for (const token of [first, second]) expect(await verdict(here, token)).toBe('token_stale');
});

test('of fifty at once one changes it, and its tokens alone go on', async () => {
  const { accessToken: copied } = await known();
  const answers = await fifty(() => change(copied));
  const [changed, ...others] = answers.filter(({ status }) => status === 200);
  expect(others).toEqual([]);
  for (const { status, body } of answers)
    if (status !== 200) expect(['wrong_password', 'token_stale', 'overloaded', 'rate_limited']).toContain(body.code);
  expect(await verdict(here, copied)).toBe('token_stale');
  expect(await verdict(here, changed?.body.accessToken ?? '')).toBe('ok');
});

test('a wrong password, or one that is refused, makes no token stale; nor does another user’s change', async () => {
  const { accessToken } = await known();
  expect((await change(accessToken, 'seven grey anvils')).body.code).toBe('wrong_password');
  expect((await change((await known()).accessToken)).status).toBe(200);
  expect(await verdict(here, accessToken)).toBe('ok');
});

test('nor does what leaves the person who they are: a name, a username, ending the other sessions', async () => {
  const { accessToken: token, user } = await known();
  await signIn(here, user.email);
  const names = { name: 'Ada', username: `ada${Date.now()}` };
  expect((await here.call('PATCH', '/v1/users/me', { token, body: names })).status).toBe(200);
  const all = await here.call('POST', '/v1/auth/logout-all', { token, body: { keepCurrent: true } });
  expect(all.body).toEqual({ revoked: 1 });
  for (const server of [here, there]) expect(await verdict(server, token)).toBe('ok');
});

test('where the answer is lost, the refresh token of before says what happened and ends nothing', async () => {
  const { accessToken: copied, refreshToken } = await known();
  const { body: fresh } = await change(copied);
  expect(await verdict(here, copied)).toBe('token_stale');
  const { status, body } = await refresh(here, refreshToken);
  expect([status, body.code, body.detail]).toEqual([
    401,
    'session_revoked',
    'The password was changed a moment ago. Use the tokens given then, or sign in again.',
  ]);
  expect(await verdict(here, fresh.accessToken)).toBe('ok');
});
