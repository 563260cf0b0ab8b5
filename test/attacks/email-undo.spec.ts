import { withRoles } from '../support/admins.js';
import type { TestDatabase } from '../support/database.js';
import { type Api, Gatehouse } from '../support/gatehouse.js';
import { mailsTo, tokenFor } from '../support/mail.js';
import { freshEmail, PASSWORD, type Problem, type SignedUp, signIn, signUp } from '../support/users.js';

/** A thief with the password and a session moves the account to an address of theirs, and wants it to stay there. */
let database: TestDatabase;
let gatehouse: Api;
let owner: string;
let thief: string;
let tokens: SignedUp;

beforeAll(() => {
  ({ gatehouse, database } = Gatehouse.shared());
});

afterAll(() => database?.close());

beforeEach(async () => {
  ({
    user: { email: owner },
  } = await signUp(gatehouse));
  thief = freshEmail();
  await post('/v1/auth/email/verify', { token: await tokenFor(gatehouse, owner) });
  tokens = await signIn(gatehouse, owner);
  await moveTo(thief);
});

const post = (path: string, body: unknown, token?: string) =>
  gatehouse.call<Problem & SignedUp>('POST', path, { body, token });
const undo = async (token: string) => (await post('/v1/auth/email/undo', { token })).body.code ?? 'ok';

async function moveTo(email: string): Promise<void> {
  await post('/v1/users/me/email', { email, password: PASSWORD }, tokens.accessToken);
  await post('/v1/auth/email/verify', { token: await tokenFor(gatehouse, email) });
}

async function holder(): Promise<string> {
  const [row] = await database.query<{ email: string }>('SELECT email FROM users WHERE id = $1', [tokens.user.id]);
  return row!.email;
}

test('the owner who moves it back the ordinary way leaves the thief no undo link', async () => {
  await moveTo(owner);
  const [mail] = await mailsTo(gatehouse, thief);
  expect([mail!.subject, mail!.token]).toEqual(['Your email address was changed – Gatehouse', undefined]);
  expect(await database.query('SELECT FROM one_time_tokens WHERE user_id = $1', [tokens.user.id])).toEqual([]);
  expect(await holder()).toBe(owner);
});

test('several moves away from the owner are undone by the first undo link, and no other works after it', async () => {
  const first = await tokenFor(gatehouse, owner);
  await moveTo(freshEmail());
  const second = await tokenFor(gatehouse, thief);
  expect(await undo(first)).toBe('ok');
  expect(await undo(second)).toBe('invalid_token_link');
  expect(await holder()).toBe(owner);
});

test('what the thief signed in with and from is known no more', async () => {
  expect(await undo(await tokenFor(gatehouse, owner))).toBe('ok');
  for (const table of ['sessions', 'known_addresses'])
    expect(await database.query(`SELECT FROM ${table} WHERE user_id = $1`, [tokens.user.id])).toEqual([]);
});

test('the address that loses the account is told', async () => {
  expect(await undo(await tokenFor(gatehouse, owner))).toBe('ok');
  const [mail] = await mailsTo(gatehouse, thief);
  expect([mail!.subject, mail!.token]).toEqual([
    'Your account has its former email address again – Gatehouse',
    undefined,
  ]);
});

test('what an administrator decides is not undone by links from before', async () => {
  const admin = await withRoles(gatehouse, database, 'admin', 'user');
  const wanted = freshEmail();
  await post('/v1/users/me/email', { email: wanted, password: PASSWORD }, tokens.accessToken);
  const change = await tokenFor(gatehouse, wanted);
  const back = await tokenFor(gatehouse, owner);
  const decided = freshEmail();
  const path = `/v1/users/${tokens.user.id}`;
  await gatehouse.call('PATCH', path, { body: { email: decided }, token: admin.accessToken });
  expect(await undo(back)).toBe('invalid_token_link');
  expect((await post('/v1/auth/email/verify', { token: change })).body.code).toBe('invalid_token_link');
  expect(await holder()).toBe(decided);
});
