import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { mailsTo, tokenFor } from '../support/mail.js';
import { freshEmail, PASSWORD, type Problem, signIn, signUp, type Tokens } from '../support/users.js';

/** How many mails a stranger can have sent (contract, section 7): nobody's mailbox is flooded through this server. */
let database: TestDatabase;
let gatehouse: Gatehouse;
let hop = 0;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({
    DATABASE_URL: database.url,
    RATE_LIMITS: 'on',
    TRUSTED_PROXIES: '127.0.0.1,::1',
  });
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

/** From an address of its own, so that only the limit under test counts. */
const post = <Body = Problem>(path: string, body: unknown, token?: string, address = `192.0.2.${++hop}`) =>
  gatehouse.call<Body>('POST', path, { body, token, headers: { 'x-forwarded-for': address } });

const forgot = (email: string) => post('/v1/auth/password/forgot', { email });
const resend = (email: string) => post('/v1/auth/email/resend', { email });
const confirm = (id: string) => database.query('UPDATE users SET email_verified_at = now() WHERE id = $1', [id]);

/** As half an hour does. */
const expireLinks = (userId: string) =>
  database.query('UPDATE one_time_tokens SET expires_at = now() WHERE owner_id = $1', [userId]);

test('an address gets 5 mails an hour, from wherever they are asked for, and the answer is the same past that', async () => {
  const { user } = await signUp(gatehouse);
  const answers = [];
  for (const sent of [4, 5, 5]) {
    for (let index = 0; index < 8; index++) {
      const path = index % 2 ? '/v1/auth/email/resend' : '/v1/auth/password/forgot';
      answers.push(await post(path, { email: user.email }));
    }
    // The last is kept for a new password while no link for one lives.
    expect(await mailsTo(gatehouse, user.email)).toHaveLength(sent);
    await expireLinks(user.id);
  }
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
});

test('what mails nothing counts for nothing', async () => {
  const { user } = await signUp(gatehouse);
  await confirm(user.id);
  for (let index = 0; index < 6; index++) {
    expect((await resend(user.email)).status).toBe(202);
    const taken = await post('/v1/auth/register', { email: user.email, password: PASSWORD });
    expect(taken.body.code).toBe('email_taken');
  }
  for (let index = 0; index < 4; index++) await forgot(user.email);
  const subjects = (await mailsTo(gatehouse, user.email)).map(({ subject }) => subject.replace(' – Gatehouse', ''));
  expect(subjects).toEqual([...Array(3).fill('Choose a new password'), 'Confirm your email address']);
});

test('other mails leave two for a new password: nobody locks an owner out by asking for them', async () => {
  const { user } = await signUp(gatehouse);
  for (let index = 0; index < 6; index++) await resend(user.email);
  expect(await mailsTo(gatehouse, user.email)).toHaveLength(3);
  await forgot(user.email);
  expect(await mailsTo(gatehouse, user.email)).toHaveLength(4);
  await expireLinks(user.id);
  for (let index = 0; index < 3; index++) await forgot(user.email);
  expect(await mailsTo(gatehouse, user.email)).toHaveLength(5);
  const token = await tokenFor(gatehouse, user.email);
  expect((await post('/v1/auth/password/reset', { token, password: 'quiet lantern over moss' })).status).toBe(200);
});

test('an address that nobody has confirmed gets no more than 3 of them, notices included', async () => {
  const { user, accessToken } = await signUp(gatehouse);
  let token = accessToken;
  for (let index = 0; index < 8; index++) {
    const [currentPassword, newPassword] = [0, 1].map((next) => PASSWORD + (index + next || ''));
    const { status, body } = await post<Tokens>('/v1/users/me/password', { currentPassword, newPassword }, token);
    expect(status).toBe(200);
    token = body.accessToken;
  }
  expect(await mailsTo(gatehouse, user.email)).toHaveLength(3);
});

test('an address that nobody has confirmed is not told without end that accounts have left it', async () => {
  const former = freshEmail();
  for (let index = 0; index < 5; index++) {
    const { user, accessToken } = await signUp(gatehouse);
    await database.query('UPDATE users SET email = $2, email_key = $2 WHERE id = $1', [user.id, former]);
    const next = freshEmail();
    await post('/v1/users/me/email', { email: next, password: PASSWORD }, accessToken);
    expect((await post('/v1/auth/email/verify', { token: await tokenFor(gatehouse, next) })).status).toBe(200);
  }
  expect(await mailsTo(gatehouse, former)).toHaveLength(3);
});

test('a user with the right password signs in on new devices without end, and 5 are told an hour', async () => {
  const { user } = await signUp(gatehouse);
  await confirm(user.id);
  const body = { email: user.email, password: PASSWORD };
  for (let index = 0; index < 7; index++) {
    const headers = { 'x-forwarded-for': `192.0.2.${++hop}`, 'user-agent': `Thief-${index}` };
    expect((await gatehouse.call('POST', '/v1/auth/login', { body, headers })).status).toBe(200);
  }
  const notices = async (subject: string) =>
    (await mailsTo(gatehouse, user.email)).filter((mail) => mail.subject.startsWith(subject)).length;
  expect(await notices('A sign-in from a new device')).toBe(5);
  for (let index = 0; index < 2; index++) await forgot(user.email);
  expect(await notices('Choose a new password')).toBe(2);
});

test('the owner of a confirmed address is told of everything, however many mails were asked for before', async () => {
  const { user } = await signUp(gatehouse);
  await confirm(user.id);
  for (let index = 0; index < 6; index++) await forgot(user.email);
  const { accessToken } = await signIn(gatehouse, user.email);
  const body = { currentPassword: PASSWORD, newPassword: 'quiet lantern over moss' };
  expect((await post('/v1/users/me/password', body, accessToken)).status).toBe(200);
  const [newest] = await mailsTo(gatehouse, user.email);
  expect(newest!.subject).toContain('Your password was changed');
});

test('a client asks for 20 mails an hour, over all addresses and kinds', async () => {
  const address = '198.51.100.7';
  const paths = ['/v1/auth/email/resend', '/v1/auth/password/forgot'];
  const answers = [];
  for (let index = 0; index < 21; index++)
    answers.push(await post(paths[index % 2] as string, { email: freshEmail() }, undefined, address));
  expect(answers.slice(0, 20).map(({ status }) => status)).toEqual(Array(20).fill(202));
  const last = answers[20]!;
  expect([last.status, last.body.code, Number(last.headers.get('retry-after')) > 0]).toEqual([
    429,
    'rate_limited',
    true,
  ]);
});

test('a /48 asks for 200, from however many of its networks', async () => {
  const ask = (index: number) =>
    post('/v1/auth/password/forgot', { email: freshEmail() }, undefined, `2001:db8:9:${index.toString(16)}::1`);
  const answers = await Promise.all(Array.from({ length: 210 }, (_, index) => ask(index % 105)));
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(200);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(10);
  expect((await post('/v1/auth/password/forgot', { email: freshEmail() }, undefined, '2001:db8:a::1')).status).toBe(
    202,
  );
});
