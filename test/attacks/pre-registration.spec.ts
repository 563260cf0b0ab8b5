import { randomUUID } from 'node:crypto';
import { withRoles } from '../support/admins.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { mailsTo, tokenFor } from '../support/mail.js';
import { served } from '../support/served.js';
import { freshEmail, PASSWORD, type Problem, type SignedUp, signUp } from '../support/users.js';

/** Somebody registers the address of a victim, to own a share of the account that the victim makes before or after. */
const ATTACKER = 'attackers own secret words';
const VICTIM = 'victims very own phrase';

let database: TestDatabase;
let optional: Gatehouse;
let required: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  // Either does the work that the other has accepted, so both limit.
  const settings = { DATABASE_URL: database.url, RATE_LIMITS: 'on', TRUSTED_PROXIES: 'loopback' };
  optional = await Gatehouse.start(settings);
  required = await Gatehouse.start({ ...settings, EMAIL_VERIFICATION: 'required' });
});

afterAll(async () => {
  await optional?.stop();
  await required?.stop();
  await database?.drop();
});

let hop = 0;
/** From an address of its own, so that only what goes to one mailbox is limited. */
const post = (path: string, body: unknown, token?: string) => {
  const headers = { 'x-forwarded-for': `192.0.2.${++hop}` };
  return required.call<Problem & SignedUp>('POST', path, { body, token, headers });
};
/** Resolves once the account is made, which is after the answer: the development outbox shows no mail before. */
const register = async (form: object) => {
  const answer = await post('/v1/auth/register', form);
  await mailsTo(required, '');
  return answer;
};
const login = (email: string, password: string) => post('/v1/auth/login', { email, password });
const verify = async (email: string) => post('/v1/auth/email/verify', { token: await tokenFor(required, email) });
const choosePassword = async (email: string) =>
  post('/v1/auth/password/reset', { token: await tokenFor(required, email), password: VICTIM });

test.each([
  ['before', ATTACKER, VICTIM],
  ['after', VICTIM, ATTACKER],
])('an attacker who registers the address %s its owner leaves nothing in the account', async (_, first, second) => {
  const email = freshEmail();
  const names = (password: string) => (password === ATTACKER ? { name: 'Mallory', username: 'mallory' } : {});
  await register({ email, password: first, ...names(first) });
  const void1 = await tokenFor(required, email);
  await register({ email: email.toUpperCase(), password: second, ...names(second) });
  const [mail] = await mailsTo(required, email);
  expect(mail!.text).toContain('registered more than once');
  expect((await post('/v1/auth/email/verify', { token: void1 })).body.code).toBe('invalid_token_link');

  const verified = await verify(email);
  expect([verified.status, (verified.body as { message?: string }).message]).toEqual([
    200,
    expect.stringContaining('choose yours'),
  ]);
  // Whose mail was opened proves the address and says nothing about whose password is whose: none works.
  for (const password of [ATTACKER, VICTIM])
    expect((await login(email, password)).body.code).toBe('invalid_credentials');

  expect((await choosePassword(email)).status).toBe(200);
  expect((await login(email, ATTACKER)).body.code).toBe('invalid_credentials');
  expect((await login(email, VICTIM)).body.user).toMatchObject({ name: null, username: null, emailVerified: true });
});

test('an attacker who first uses up the mails that the address gets leaves nothing in the account either', async () => {
  const email = freshEmail();
  await register({ email, password: ATTACKER });
  for (let index = 0; index < 4; index++) await post('/v1/auth/email/resend', { email });
  const mails = await mailsTo(required, email);
  expect((await register({ email, password: VICTIM })).status).toBe(202);
  expect(await mailsTo(required, email)).toEqual(mails);

  expect((await verify(email)).status).toBe(200);
  for (const password of [ATTACKER, VICTIM])
    expect((await login(email, password)).body.code).toBe('invalid_credentials');
  expect((await choosePassword(email)).status).toBe(200);
  expect((await login(email, VICTIM)).status).toBe(200);
});

test('a registration of an address that is invited leaves nothing either: its owner is invited again', async () => {
  const email = freshEmail();
  const made = await createInvited(email);
  await register({ email, password: ATTACKER, name: 'Mallory', username: 'mallory-two' });
  const [mail, ...older] = await mailsTo(required, email);
  expect([mail!.subject, older]).toEqual([expect.stringContaining('You are invited'), []]);
  expect((await verify(email)).body.code).toBe('invalid_token_link');
  const token = await tokenFor(required, email);
  expect((await post('/v1/auth/invitations/accept', { token, password: VICTIM })).body.user).toMatchObject({
    id: made,
    username: null,
    name: 'Alice',
  });
  expect((await login(email, ATTACKER)).status).toBe(401);
});

/** Somebody whom an admin made without a password. */
async function createInvited(email: string): Promise<string> {
  const id = randomUUID();
  await database.query(`INSERT INTO users (id, email, email_key, name) VALUES ($1, $2, $2, 'Alice')`, [id, email]);
  await database.query(`INSERT INTO user_roles VALUES ($1, 'user')`, [id]);
  return id;
}

test('the first person’s session and pending changes die with the confirmation', async () => {
  const { user, accessToken, refreshToken } = await signUp(optional, { password: ATTACKER });
  const elsewhere = freshEmail();
  await optional.call('POST', '/v1/users/me/email', {
    body: { email: elsewhere, password: ATTACKER },
    token: accessToken,
  });
  const change = await tokenFor(required, elsewhere);
  await optional.call('PATCH', '/v1/users/me', { body: { name: 'Mallory' }, token: accessToken });

  await register({ email: user.email, password: VICTIM });
  expect((await verify(user.email)).status).toBe(200);
  await choosePassword(user.email);

  for (const server of [optional, required]) {
    const me = await server.call<Problem>('GET', '/v1/users/me', { token: accessToken });
    expect(me.body.code).toBe('session_revoked');
  }
  expect((await post('/v1/auth/refresh', { refreshToken })).body.code).toBe('session_revoked');
  expect((await post('/v1/auth/email/verify', { token: change })).body.code).toBe('invalid_token_link');
  expect((await login(user.email, ATTACKER)).status).toBe(401);
  // The names of an account that was in use stay: to free a username would hand it to the next stranger.
  expect((await login(user.email, VICTIM)).body.user).toMatchObject({ id: user.id, name: 'Mallory' });
  const [left] = await database.query(
    `SELECT (SELECT count(*)::integer FROM sessions WHERE user_id = $1) AS sessions,
       EXISTS (SELECT FROM known_addresses WHERE user_id = $1 AND network >>= '127.0.0.1') AS "knowsTheirs"`,
    [user.id],
  );
  expect(left).toEqual({ sessions: 1, knowsTheirs: false });
});

test('asking for the mail again confirms the same registration, and still says that there were several', async () => {
  const email = freshEmail();
  await register({ email, password: ATTACKER });
  await register({ email, password: VICTIM });
  await database.query(`UPDATE one_time_tokens SET expires_at = now() - interval '9 days' WHERE email = $1`, [email]);
  await post('/v1/auth/email/resend', { email });
  const [mail] = await mailsTo(required, email);
  expect(mail!.text).toContain('registered more than once');
  await verify(email);
  await choosePassword(email);
  expect((await login(email, ATTACKER)).status).toBe(401);
  expect((await login(email, VICTIM)).status).toBe(200);
});

test('a reset instead of a confirmation leaves nothing of the first person either', async () => {
  const email = freshEmail();
  await register({ email, password: ATTACKER, name: 'Mallory', username: 'mallory-three' });
  const first = await tokenFor(required, email);
  await post('/v1/auth/password/forgot', { email });
  await post('/v1/auth/password/reset', { token: await tokenFor(required, email), password: VICTIM });
  expect((await post('/v1/auth/email/verify', { token: first })).body.code).toBe('invalid_token_link');
  expect((await login(email, ATTACKER)).status).toBe(401);
  expect((await login(email, VICTIM)).body.user).toMatchObject({ emailVerified: true, name: null, username: null });
});

test('a taken username is not told, and nobody is let in by a registration alone', async () => {
  const username = 'well-known';
  await signUp(optional, { username });
  const email = freshEmail();
  const answer = await register({ email, password: PASSWORD, username });
  expect([answer.status, Object.keys(answer.body)]).toEqual([202, ['message']]);
  expect((await login(email, PASSWORD)).body.code).toBe('email_not_verified');
  await verify(email);
  expect((await login(email, PASSWORD)).body.user.username).toBeNull();
});

test('fifty registrations of one address at once make one account', async () => {
  const email = freshEmail();
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => served(() => register({ email, password: `${PASSWORD} ${index}` }))),
  );
  expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
  expect(await database.query('SELECT FROM users WHERE email = $1', [email])).toHaveLength(1);
  expect(await database.query('SELECT FROM one_time_tokens WHERE email = $1', [email])).toHaveLength(1);
  expect((await verify(email)).status).toBe(200);
});

test('the first password does not come to life by an admin’s change of the address', async () => {
  const email = freshEmail();
  await register({ email, password: ATTACKER });
  await register({ email, password: VICTIM });
  const admin = await withRoles(optional, database, 'admin', 'user');
  const [{ id }] = (await database.query('SELECT id FROM users WHERE email = $1', [email])) as [{ id: string }];
  const moved = freshEmail();
  await optional.call('PATCH', `/v1/users/${id}`, { body: { email: moved }, token: admin.accessToken });
  expect((await mailsTo(required, moved))[0]!.text).toContain('registered more than once');
  await verify(moved);
  expect((await login(moved, ATTACKER)).body.code).toBe('invalid_credentials');
});

test('what became of a contested account stands in the audit log', async () => {
  const email = freshEmail();
  await register({ email, password: ATTACKER });
  await register({ email, password: VICTIM });
  await verify(email);
  const [entry] = await database.query(
    `SELECT data FROM audit_events WHERE type = 'user.email_verified' AND user_id = (SELECT id FROM users WHERE email = $1)`,
    [email],
  );
  expect(entry).toEqual({ data: { contested: true } });
});

test('mails hold nothing that a stranger wrote', async () => {
  const email = freshEmail();
  await required.call('POST', '/v1/auth/register', {
    body: { email, password: PASSWORD, name: 'Visit evil.example now', username: 'evil.example' },
    headers: { 'user-agent': 'evil.example/1.0' },
  });
  await verify(email);
  await login(email, PASSWORD);
  const agent = 'Your account is locked: http://evil.example/login (x';
  const body = { email, password: PASSWORD };
  await required.call('POST', '/v1/auth/login', { body, headers: { 'user-agent': agent } });
  const mails = await mailsTo(required, email);
  expect(mails[0]!.subject).toContain('A sign-in from a new device');
  expect(JSON.stringify(mails)).not.toMatch(/evil|locked/);
});
