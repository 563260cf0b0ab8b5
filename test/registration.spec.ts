import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { freshEmail, PASSWORD, type Problem, type SignedUp, signIn, signUp } from './support/users.js';

/** Signing up: whom it takes, whom it refuses, and what it leaves behind. */
let database: TestDatabase;
let gatehouse: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url });
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

const register = (body: unknown) => gatehouse.call<SignedUp & Problem>('POST', '/v1/auth/register', { body });
const countUsers = async () => (await database.query<{ n: number }>('SELECT count(*)::int AS n FROM users'))[0]?.n;

test('the answer is the contract’s, and nothing about the password', async () => {
  const email = freshEmail();
  const { status, body, text, headers } = await register({ email, password: PASSWORD });
  expect(status).toBe(201);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body).toEqual({
    user: {
      id: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/),
      username: null,
      email,
      emailVerified: false,
      name: null,
      roles: ['user'],
      status: 'active',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: expect.stringMatching(/Z$/),
      lastLoginAt: null,
    },
    accessToken: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    tokenType: 'Bearer',
    expiresIn: 900,
    refreshToken: expect.any(String),
    session: { id: expect.any(String), expiresAt: expect.stringMatching(/\.\d{3}Z$/) },
  });
  expect(text).not.toMatch(/hash|\$2b|password/i);
});

test('a registration is written down once, and is no login', async () => {
  const { user } = await signUp(gatehouse);
  const rows = await database.query('SELECT type, actor_id, request_id FROM audit_events WHERE user_id = $1', [
    user.id,
  ]);
  expect(rows).toEqual([{ type: 'auth.registered', actor_id: user.id, request_id: expect.any(String) }]);
});

describe('emails that are the same address', () => {
  test.each([
    ['case', 'Case.One@Example.com', 'case.one@eXAMPLE.COM'],
    ['NFC and NFD', 'ren\u00e9@example.com', 'rene\u0301@example.com'],
    ['an IDN domain and its ASCII form', 'idn@b\u00fccher.example', 'idn@xn--bcher-kva.example'],
    ['an IDN domain in capitals, decomposed', 'idn2@b\u00fccher.example', 'idn2@BU\u0308CHER.example'],
    ['fullwidth letters in a domain', 'wide@example.com', 'wide@\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45.com'],
    ['Greek capitals', '\u03b1\u03b2@example.com', '\u0391\u0392@example.com'],
  ])('%s', async (_, first, second) => {
    expect((await register({ email: first, password: PASSWORD })).status).toBe(201);
    const before = await countUsers();
    const again = await register({ email: second, password: PASSWORD });
    expect([again.status, again.body.code]).toEqual([409, 'email_taken']);
    expect(await countUsers()).toBe(before);
    expect((await signIn(gatehouse, second)).user.email).toBe(first);
  });

  test('ten at the same moment make one account', async () => {
    const email = freshEmail();
    const forms = Array.from({ length: 10 }, (_, i) => ({ email: i % 2 ? email : email.toUpperCase() }));
    const answers = await Promise.all(forms.map((form) => register({ ...form, password: PASSWORD })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)]);
    expect(await database.query('SELECT FROM users WHERE email_key = $1', [email])).toHaveLength(1);
  });
});

test('usernames are one without regard to case, and the loser leaves nothing behind', async () => {
  await signUp(gatehouse, { username: 'Grace.Hopper' });
  const email = freshEmail();
  const { status, body } = await register({ email, password: PASSWORD, username: 'gRACE.hOPPER' });
  expect([status, body.code]).toEqual([409, 'username_taken']);
  expect(await database.query('SELECT FROM users WHERE email_key = $1', [email])).toEqual([]);
  expect((await register({ email, password: PASSWORD })).status).toBe(201);
});

describe('forms that are refused', () => {
  test.each<[string, Record<string, unknown>, string]>([
    ['no email', { email: undefined }, '/email'],
    ['an email that is a number', { email: 5 }, '/email'],
    ['an email without a domain', { email: 'ada' }, '/email'],
    ['an email with two @', { email: '"a@evil.example"@example.com' }, '/email'],
    ['an email with a line break', { email: 'ada@example.com\nBcc: x@example.com' }, '/email'],
    ['an email with a NUL', { email: 'ada\0@example.com' }, '/email'],
    ['an email with a space', { email: 'a da@example.com' }, '/email'],
    ['an email at an IP address', { email: 'ada@127.0.0.1' }, '/email'],
    ['an email at a bare name', { email: 'ada@localhost' }, '/email'],
    ['a local part of 65 bytes', { email: `${'a'.repeat(65)}@example.com` }, '/email'],
    ['an email of 321 characters', { email: `a@${'b'.repeat(315)}.com` }, '/email'],
    ['a username of two letters', { username: 'ab' }, '/username'],
    ['a username of 33 letters', { username: 'a'.repeat(33) }, '/username'],
    ['a username with a space', { username: 'ada l' }, '/username'],
    ['a username that looks like an email', { username: 'ada@x.com' }, '/username'],
    ['a username in Cyrillic that looks Latin', { username: '\u0430d\u0430' }, '/username'],
    ['an empty username', { username: '' }, '/username'],
    ['a username with a line break', { username: 'ad\na' }, '/username'],
    ['an empty name', { name: '' }, '/name'],
    ['a name of blanks', { name: '   ' }, '/name'],
    ['a name with a control character', { name: 'Ada\u0007' }, '/name'],
    ['a name of 201 letters', { name: 'a'.repeat(201) }, '/name'],
    ['no password', { password: undefined }, '/password'],
    ['a password that is a list', { password: ['a', 'b'] }, '/password'],
    ['a password of 7 characters', { password: 'k7#pQz!' }, '/password'],
    ['a password of 7 characters in 14 units', { password: '\u{1f511}'.repeat(7) }, '/password'],
    ['a password of 257 characters', { password: 'xk'.repeat(128).concat('y') }, '/password'],
    ['a role', { roles: ['admin'] }, '/roles'],
    ['a status', { status: 'active' }, '/status'],
    ['a verified email', { emailVerified: true }, '/emailVerified'],
    ['an unknown field with a slash', { 'a/b~c': 1 }, '/a~1b~0c'],
  ])('%s', async (_, form, pointer) => {
    const before = await countUsers();
    const { status, body } = await register({ email: freshEmail(), password: PASSWORD, ...form });
    expect([status, body.code]).toEqual([400, 'invalid_request']);
    expect(body.errors).toContainEqual({ pointer, detail: expect.stringMatching(/\w/) });
    expect(await countUsers()).toBe(before);
  });

  test('every fault is told at once', async () => {
    const { body } = await register({ email: 'x', username: '!', extra: 1 });
    expect(body.errors?.map(({ pointer }) => pointer).sort()).toEqual(['/email', '/extra', '/password', '/username']);
  });

  test('a query on a route that has none', async () => {
    const answer = await gatehouse.call<Problem>('POST', '/v1/auth/register?role=admin', {
      body: { email: freshEmail(), password: PASSWORD },
    });
    expect([answer.status, answer.body.errors?.[0]?.pointer]).toEqual([400, '/role']);
  });
});

describe('passwords that an attacker tries first', () => {
  const email = freshEmail();
  test.each([
    ['of the list', 'password1'],
    ['of the list, in capitals', 'PASSWORD1'],
    ['of the list, long', 'qwertyuiop123456789'],
    ['the own email', email],
    ['the own email in capitals', email.toUpperCase()],
    ['the own email before the @', email.split('@')[0] ?? ''],
    ['the own username', 'lovelace-1815'],
    ['the name of the service', 'Gatehouse2024'],
  ])('%s', async (_, password) => {
    const { status, body, text } = await register({ email, password, username: 'lovelace-1815' });
    expect([status, body.code]).toEqual([400, 'password_too_common']);
    expect(body.errors?.[0]?.pointer).toBe('/password');
    expect(text).not.toContain(password);
  });
});

describe('passwords that are good', () => {
  test.each([
    ['of 8 characters', 'k7#pQz!w'],
    ['of 8 characters outside the basic plane', '\u{1f511}\u{1f40c}'.repeat(4)],
    ['of 256 characters', 'xk'.repeat(128)],
    ['of 256 characters of four bytes', '\u{1f511}\u{1f40c}'.repeat(128)],
    ['of blanks and letters', '  a b c d e  '],
    ['with a NUL', 'before\0after it'],
  ])('%s', async (_, password) => {
    const { user } = await signUp(gatehouse, { password });
    expect((await signIn(gatehouse, user.email, password)).user.id).toBe(user.id);
  });
});

test('a lone surrogate is no text', async () => {
  const raw = `{"email":"${freshEmail()}","password":"lone \\ud800 surrogate"}`;
  const { status, body } = await gatehouse.call<Problem>('POST', '/v1/auth/register', { body: raw });
  expect([status, body.code]).toEqual([400, 'malformed_json']);
});

test('what is stored of a password is a bcrypt hash of the set cost', async () => {
  const { user } = await signUp(gatehouse);
  const [row] = await database.query<{ password_hash: string }>('SELECT password_hash FROM users WHERE id = $1', [
    user.id,
  ]);
  expect(row?.password_hash).toMatch(/^\$2b\$04\$/);
});

test('with sign-up closed nobody gets in, whatever they send', async () => {
  const closed = await Gatehouse.start({ DATABASE_URL: database.url, SIGNUP: 'closed' });
  try {
    const { user } = await signUp(gatehouse);
    const before = await countUsers();
    for (const form of [{}, { email: user.email }, { password: 'password1' }]) {
      const body = { email: freshEmail(), password: PASSWORD, ...form };
      const answer = await closed.call<Problem>('POST', '/v1/auth/register', { body });
      expect([answer.status, answer.body.code]).toEqual([403, 'signup_closed']);
    }
    expect(await countUsers()).toBe(before);
    expect((await signIn(closed, user.email)).user.id).toBe(user.id);
  } finally {
    await closed.stop();
  }
});
