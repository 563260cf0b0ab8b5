import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { mailsTo } from '../support/mail.js';
import { freshEmail, PASSWORD, type Problem, signIn, signUp, type Tokens } from '../support/people.js';

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

test('an address gets 5 mails an hour, whoever asks for them, and the answer is the same past that', async () => {
  const { user } = await signUp(gatehouse);
  const answers = [];
  for (let index = 0; index < 8; index++) {
    const path = index % 2 ? '/v1/auth/email/resend' : '/v1/auth/password/forgot';
    answers.push(await post(path, { email: user.email }));
  }
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  expect(await mailsTo(gatehouse, user.email)).toHaveLength(5);
});

test('an address that nobody has confirmed gets no more than that by notices either', async () => {
  const { user, accessToken } = await signUp(gatehouse);
  let token = accessToken;
  for (let index = 0; index < 8; index++) {
    const [currentPassword, newPassword] = [0, 1].map((next) => PASSWORD + (index + next || ''));
    const { status, body } = await post<Tokens>('/v1/users/me/password', { currentPassword, newPassword }, token);
    expect(status).toBe(200);
    token = body.accessToken;
  }
  expect(await mailsTo(gatehouse, user.email)).toHaveLength(5);
});

test('the owner of a confirmed address is told of everything, however many mails were asked for before', async () => {
  const { user } = await signUp(gatehouse);
  await database.query('UPDATE users SET email_verified_at = now() WHERE id = $1', [user.id]);
  for (let index = 0; index < 6; index++) await post('/v1/auth/password/forgot', { email: user.email });
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
