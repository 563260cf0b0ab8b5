import { randomUUID } from 'node:crypto';
import { withRoles } from '../support/admins.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { mailsTo, tokenFor } from '../support/mail.js';
import { freshEmail, PASSWORD, type Problem, type SignedUp, signIn, signUp } from '../support/users.js';
import { waitFor } from '../support/wait-for.js';

/** Somebody registers an address that is not theirs, so that its owner can never move an account to it. */
const SQUATTER = 'squatters own secret words';

let database: TestDatabase;
let optional: Gatehouse;
let required: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  optional = await Gatehouse.start({ DATABASE_URL: database.url });
  required = await Gatehouse.start({ DATABASE_URL: database.url, EMAIL_VERIFICATION: 'required' });
  const { user, accessToken } = await withRoles(optional, database, 'admin', 'user');
  Object.assign(admin, { id: user.id, token: accessToken });
});

afterAll(async () => {
  await optional?.stop();
  await required?.stop();
  await database?.drop();
});

const post = (path: string, body: unknown, token?: string) =>
  required.call<Problem & SignedUp>('POST', path, { body, token });
/** The answer, and all that was to be done. */
async function done<T>(answer: Promise<T>): Promise<T> {
  await answer;
  await mailsTo(required, '');
  return answer;
}
const squat = (email: string) => done(post('/v1/auth/register', { email, password: SQUATTER }));
const idOf = async (email: string) =>
  (await database.query<{ id: string }>('SELECT id FROM users WHERE email_key = $1', [email]))[0]?.id;

/** What an admin does. */
const admin = {
  id: '',
  token: '',
  call: (method: string, path: string, body: unknown) => optional.call(method, path, { body, token: admin.token }),
  create: (email: string) => admin.call('POST', '/v1/users', { email, password: SQUATTER }),
  spell: async (email: string) =>
    admin.call('PATCH', `/v1/users/${await idOf(email)}`, { email: email.replace('p', 'P') }),
};

/** Somebody with a confirmed address who is signed in. */
async function owner(): Promise<SignedUp> {
  const { user } = await signUp(optional);
  await database.query('UPDATE users SET email_verified_at = now() WHERE id = $1', [user.id]);
  return signIn(required, user.email);
}

const ask = (email: string, { accessToken }: SignedUp) =>
  done(post('/v1/users/me/email', { email, password: PASSWORD }, accessToken));

test('a registration that nobody confirmed gives way to a user who proves to own its address', async () => {
  const email = freshEmail();
  await squat(email);
  await squat(email);
  const squatter = await idOf(email);
  const person = await owner();

  expect((await ask(email, person)).status).toBe(202);
  expect(await idOf(email)).toBe(squatter);
  expect((await post('/v1/auth/email/verify', { token: await tokenFor(required, email) })).status).toBe(200);

  expect(await idOf(email)).toBe(person.user.id);
  expect(await database.query('SELECT FROM users WHERE id = $1', [squatter])).toEqual([]);
  expect((await post('/v1/auth/login', { email, password: SQUATTER })).body.code).toBe('invalid_credentials');
  expect((await post('/v1/auth/login', { email, password: PASSWORD })).body.user.id).toBe(person.user.id);
  const [entry] = await database.query(
    'SELECT type, actor_id, data FROM audit_events WHERE user_id = $1 AND type = $2',
    [squatter, 'user.deleted'],
  );
  expect(entry).toEqual({ type: 'user.deleted', actor_id: person.user.id, data: { unconfirmed: true } });
});

test('an answer and a link before do not tell whether the address is squatted on', async () => {
  const person = await owner();
  const [squatted, free] = [freshEmail(), freshEmail()];
  await squat(squatted);
  const answers = [await ask(squatted, person), await ask(free, person)];
  expect(answers[0]!.body).toEqual(answers[1]!.body);
});

/** What is more than a registration that nobody made use of. */
const IN_USE: Record<string, (email: string) => Promise<unknown>> = {
  'an account that somebody is signed in to': (email) => signUp(optional, { email }),
  'an account that somebody signed in to once': async (email) => {
    const { user } = await signUp(optional, { email });
    await signIn(optional, email);
    return database.query('DELETE FROM sessions WHERE user_id = $1', [user.id]);
  },
  'an account that is invited': (email) =>
    database.query(`INSERT INTO users (id, email, email_key) VALUES ($1, $2, $2)`, [randomUUID(), email]),
  'an account that an admin made, with a password': (email) => admin.create(email),
  'a registration that an admin has disabled': async (email) => {
    await squat(email);
    return admin.call('PATCH', `/v1/users/${await idOf(email)}`, { status: 'disabled' });
  },
  'a registration whose address an admin has spelled': async (email) => {
    await squat(email);
    return admin.spell(email);
  },
  'an account of which only the long expired session told that it was used': async (email) => {
    const { user } = await signUp(optional, { email });
    return database.query('DELETE FROM sessions WHERE user_id = $1', [user.id]);
  },
};

test.each(Object.entries(IN_USE))('%s does not give way', async (_, make) => {
  const email = freshEmail();
  const person = await owner();
  // Made before the change is asked for, and after.
  await ask(email, person);
  const token = await tokenFor(required, email);
  await make(email);
  const holder = await idOf(email);
  expect((await post('/v1/auth/email/verify', { token })).body.code).toBe('email_taken');
  expect((await post('/v1/auth/email/verify', { token })).body.code).toBe('email_taken');

  await ask(email, person);
  const [{ written }] = (await database.query('SELECT email AS written FROM users WHERE id = $1', [holder])) as [
    { written: string },
  ];
  expect((await mailsTo(required, written))[0]!.subject).toContain('You have an account already');
  expect(await idOf(email)).toBe(holder);
});

test.each([
  ['invites its owner', (email: string) => admin.call('POST', '/v1/users', { email })],
  ['makes an account for its owner', (email: string) => admin.create(email)],
  [
    'moves somebody to it',
    async (email: string) => {
      const { user } = await signUp(optional);
      return admin.call('PATCH', `/v1/users/${user.id}`, { email });
    },
  ],
])('a registration that nobody confirmed gives way to an admin who %s', async (_, act) => {
  const email = freshEmail();
  await squat(email);
  const squatter = await idOf(email);
  expect((await act(email)).status).toBeLessThan(300);
  expect([undefined, squatter]).not.toContain(await idOf(email));
  const gone = await database.query('SELECT actor_id, data FROM audit_events WHERE user_id = $1 AND type = $2', [
    squatter,
    'user.deleted',
  ]);
  expect(gone).toEqual([{ actor_id: admin.id, data: { unconfirmed: true } }]);
});

test('an admin who is refused leaves the registration that is there', async () => {
  const email = freshEmail();
  await squat(email);
  const squatter = await idOf(email);
  const refused = await admin.call('POST', '/v1/users', { email, roles: ['nothing-known'] });
  expect([refused.status, await idOf(email)]).toEqual([400, squatter]);
});

test('to ask for the own address that somebody else has registered too is no way round its confirmation', async () => {
  const { user, accessToken } = await signUp(optional, { password: SQUATTER });
  await squat(user.email);
  const answer = await optional.call('POST', '/v1/users/me/email', {
    body: { email: user.email, password: SQUATTER },
    token: accessToken,
  });
  expect(answer.status).toBe(202);
  const [mail] = await mailsTo(required, user.email);
  expect(mail!.text).toContain('registered more than once');
  expect((await post('/v1/auth/email/verify', { token: mail!.token })).status).toBe(200);
  expect((await post('/v1/auth/login', { email: user.email, password: SQUATTER })).body.code).toBe(
    'invalid_credentials',
  );
});

test('a registration that nobody confirms is gone after 30 days once no link can confirm it, and nothing else is', async () => {
  const [stale, fresh, used, asked] = [freshEmail(), freshEmail(), freshEmail(), freshEmail()];
  for (const email of [stale, fresh, asked]) await squat(email);
  await signUp(optional, { email: used });
  const age = `UPDATE users SET created_at = now() - $2 * interval '1 day' WHERE email = $1`;
  await database.query(age, [stale, 31]);
  await database.query(age, [fresh, 29]);
  await database.query(age, [used, 400]);
  await database.query(age, [asked, 400]);
  await database.query('UPDATE one_time_tokens SET expires_at = now() WHERE email <> $1', [asked]);
  const squatter = await idOf(stale);
  const next = await Gatehouse.start({ DATABASE_URL: database.url });
  await waitFor(async () => (await idOf(stale)) === undefined, { within: 10_000 }).finally(() => next.stop());
  for (const email of [fresh, used, asked]) expect(await idOf(email)).toEqual(expect.any(String));
  const [entry] = await database.query(
    'SELECT e.actor_id, e.actor_kind, e.data FROM audit_events e WHERE e.user_id = $1 AND e.type = $2',
    [squatter, 'user.deleted'],
  );
  expect(entry).toEqual({ actor_id: null, actor_kind: 'system', data: { unconfirmed: true } });
});
