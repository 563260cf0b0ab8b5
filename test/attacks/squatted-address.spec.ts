import { randomUUID } from 'node:crypto';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { mailsTo, tokenFor } from '../support/mail.js';
import { freshEmail, PASSWORD, type Problem, type SignedUp, signIn, signUp } from '../support/people.js';

/** Somebody registers an address that is not theirs, so that its owner can never move an account to it. */
const SQUATTER = 'squatters own secret words';

let database: TestDatabase;
let optional: Gatehouse;
let required: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  optional = await Gatehouse.start({ DATABASE_URL: database.url });
  required = await Gatehouse.start({ DATABASE_URL: database.url, EMAIL_VERIFICATION: 'required' });
});

afterAll(async () => {
  await optional?.stop();
  await required?.stop();
  await database?.drop();
});

const post = (path: string, body: unknown, token?: string) =>
  required.call<Problem & SignedUp>('POST', path, { body, token });
const squat = (email: string) => post('/v1/auth/register', { email, password: SQUATTER });
const idOf = async (email: string) =>
  (await database.query<{ id: string }>('SELECT id FROM users WHERE email = $1', [email]))[0]?.id;

/** Somebody with a confirmed address who is signed in. */
async function owner(): Promise<SignedUp> {
  const { user } = await signUp(optional);
  await database.query('UPDATE users SET email_verified_at = now() WHERE id = $1', [user.id]);
  return signIn(required, user.email);
}

const ask = (email: string, { accessToken }: SignedUp) =>
  post('/v1/users/me/email', { email, password: PASSWORD }, accessToken);

test('a registration that nobody confirmed gives way to whoever proves to own its address', async () => {
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
  expect(entry).toEqual({ type: 'user.deleted', actor_id: person.user.id, data: { unclaimed: true } });
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
  'an account that was given a role': async (email) => {
    await squat(email);
    return database.query(`INSERT INTO user_roles VALUES ($1, 'admin')`, [await idOf(email)]);
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
  expect((await mailsTo(required, email))[0]!.subject).toContain('You have an account already');
  expect(await idOf(email)).toBe(holder);
});
