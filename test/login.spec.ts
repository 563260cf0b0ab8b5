import { createDatabase, type TestDatabase } from './support/database.js';
import { type Api, Gatehouse, GatehouseProcess } from './support/gatehouse.js';
import { freshEmail, PASSWORD, type Problem, type SignedUp, signIn, signUp, verdict } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** Signing in: by whatever name, and the one answer for every pair that is wrong. */
let database: TestDatabase;
let gatehouse: GatehouseProcess;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await GatehouseProcess.start({ DATABASE_URL: database.url });
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

const login = (body: unknown, server: Api = gatehouse) =>
  server.call<SignedUp & Problem & { message: string }>('POST', '/v1/auth/login', { body });
const audit = (userId: string) =>
  database.query<{ type: string; data: object }>('SELECT type, data FROM audit_events WHERE user_id = $1 ORDER BY id', [
    userId,
  ]);
const hashOf = async (userId: string) =>
  (await database.query<{ hash: string }>('SELECT password_hash AS hash FROM users WHERE id = $1', [userId]))[0]?.hash;

test('by email or username, without regard to case', async () => {
  const { user } = await signUp(gatehouse, { username: 'Ada.Lovelace' });
  const names = [
    { email: user.email },
    { email: user.email.toUpperCase() },
    { username: 'Ada.Lovelace' },
    { username: 'ADA.lovelace' },
  ];
  for (const name of names) {
    const { status, body, headers } = await login({ ...name, password: PASSWORD });
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      message: 'Login successful',
      user: { ...user, lastLoginAt: expect.stringMatching(/Z$/) },
      accessToken: expect.any(String),
      tokenType: 'Bearer',
      expiresIn: 900,
      refreshToken: expect.any(String),
      session: { id: expect.any(String), expiresAt: expect.any(String) },
    });
    expect(await verdict(gatehouse, body.accessToken)).toBe('ok');
  }
  const types = (await audit(user.id)).map(({ type }) => type);
  expect(types).toEqual(['auth.registered', ...names.map(() => 'auth.login')]);
});

test('a username is no email and an email is no username', async () => {
  const { user } = await signUp(gatehouse, { username: 'separate' });
  for (const name of [{ email: 'separate' }, { username: user.email }]) {
    const { status, body } = await login({ ...name, password: PASSWORD });
    expect([status, body.code]).toEqual([401, 'invalid_credentials']);
  }
});

test('every wrong pair gets the same answer', async () => {
  const known = (await signUp(gatehouse, { username: 'knownuser' })).user;
  const without = (await signUp(gatehouse)).user;
  const foreign = (await signUp(gatehouse)).user;
  await database.query('UPDATE users SET password_hash = NULL WHERE id = $1', [without.id]);
  await database.query(`UPDATE users SET password_hash = 'x' WHERE id = $1`, [foreign.id]);
  const pairs = [
    { email: known.email, password: `${PASSWORD}!` },
    { email: known.email, password: PASSWORD.toUpperCase() },
    { email: known.email, password: '' },
    { email: known.email, password: 'y'.repeat(4096) },
    { username: 'knownuser', password: 'wrong wrong wrong' },
    { username: 'nobody-here', password: PASSWORD },
    { email: freshEmail(), password: PASSWORD },
    { email: 'no email at all', password: PASSWORD },
    { email: '', password: PASSWORD },
    { email: 'nul\0@example.com', password: PASSWORD },
    { username: '', password: PASSWORD },
    { username: 'nul\0', password: PASSWORD },
    { username: "' OR 1=1 --", password: PASSWORD },
    { username: 'x'.repeat(10_000), password: PASSWORD },
    { email: without.email, password: PASSWORD },
    { email: without.email, password: '' },
    { email: foreign.email, password: 'x' },
  ];
  const answers = await Promise.all(pairs.map((pair) => login(pair)));
  const seen = answers.map(({ status, text, body, headers }) => ({
    status,
    text: text.replace(body.requestId, ''),
    challenge: headers.get('www-authenticate'),
    names: [...headers.keys()].sort().join(),
  }));
  expect(seen[0]).toMatchObject({ status: 401, challenge: 'Bearer' });
  expect(answers[0]?.body.code).toBe('invalid_credentials');
  for (const [index, answer] of seen.entries()) expect([pairs[index], answer]).toEqual([pairs[index], seen[0]]);
  expect((await audit(known.id)).filter(({ type }) => type === 'auth.login_failed')).toHaveLength(5);
});

test('nothing of a wrong password or an unknown name is kept', async () => {
  const name = freshEmail();
  await login({ email: name, password: 'a very secret mistake' });
  const rows = await database.query<{ row: string }>('SELECT audit_events::text AS row FROM audit_events');
  for (const { row } of rows) expect(row).not.toMatch(new RegExp(`${name}|secret mistake`));
  expect(gatehouse.output).not.toContain('secret mistake');
});

describe('bodies that are refused', () => {
  test.each<[string, object, string]>([
    ['both names', { email: 'a@example.com', username: 'abc', password: PASSWORD }, ''],
    ['neither name', { password: PASSWORD }, ''],
    ['a null name', { email: null, password: PASSWORD }, '/email'],
    ['an object for a name', { email: { $ne: '' }, password: PASSWORD }, '/email'],
    ['a list for a name', { username: ['abc'], password: PASSWORD }, '/username'],
    ['no password', { email: 'a@example.com' }, '/password'],
    ['a number for a password', { email: 'a@example.com', password: 12345678 }, '/password'],
    ['a password that is far too long', { email: 'a@example.com', password: 'x'.repeat(4097) }, '/password'],
    ['an unknown field', { email: 'a@example.com', password: PASSWORD, remember: true }, '/remember'],
  ])('%s', async (_, form, pointer) => {
    const { status, body } = await login(form);
    expect([status, body.code]).toEqual([400, 'invalid_request']);
    expect(body.errors?.map((fault) => fault.pointer)).toContain(pointer);
  });

  test.each([
    ['a lone surrogate', '{"email":"a@example.com","password":"\\udc00abcdefgh"}'],
    ['a member that stands twice', '{"email":"a@example.com","password":"x","password":"y"}'],
    ['a broken text', '{"email":'],
  ])('%s', async (_, raw) => {
    const { status, body } = await login(raw);
    expect([status, body.code]).toEqual([400, 'malformed_json']);
  });
});

describe('a disabled account', () => {
  test('is told so to who knows the password, and to nobody else', async () => {
    const { user } = await signUp(gatehouse);
    await database.query(`UPDATE users SET status = 'disabled' WHERE id = $1`, [user.id]);
    const right = await login({ email: user.email, password: PASSWORD });
    expect([right.status, right.body.code]).toEqual([403, 'account_disabled']);
    const wrong = await login({ email: user.email, password: 'something else' });
    expect([wrong.status, wrong.body.code]).toEqual([401, 'invalid_credentials']);
    expect(right.text).not.toContain('Token');
    expect(await database.query('SELECT FROM sessions WHERE user_id = $1 AND revoked_at IS NULL', [user.id])).toEqual(
      [],
    );
  });

  test('enabled again, it signs in, and its former sessions stay ended', async () => {
    const { user, accessToken } = await signUp(gatehouse);
    await database.query(`UPDATE users SET status = 'disabled' WHERE id = $1`, [user.id]);
    await database.query(`UPDATE users SET status = 'active' WHERE id = $1`, [user.id]);
    await signIn(gatehouse, user.email);
    await waitFor(async () => (await verdict(gatehouse, accessToken)) === 'session_revoked');
  });
});

describe('passwords are one or two', () => {
  const long = 'correct horse battery staple '.repeat(4).slice(0, 99);
  test.each([
    ['of 100 characters that differ at the end', `${long}a`, `${long}b`],
    ['that differ after a NUL', 'before the NUL\0a', 'before the NUL\0b'],
    ['that end before a NUL', 'before the NUL', 'before the NUL\0'],
    ['that differ by a blank at the end', 'blank at the end', 'blank at the end '],
    ['that differ in case', 'case matters here', 'Case matters here'],
    ['compatible but not canonical', 'office \ufb01nance', 'office finance'],
  ])('two: %s', async (_, password, other) => {
    const { user } = await signUp(gatehouse, { password });
    expect((await login({ email: user.email, password: other })).body.code).toBe('invalid_credentials');
    expect((await login({ email: user.email, password })).status).toBe(200);
  });

  test.each([
    ['typed as NFC, then as NFD', 'cr\u00e8me br\u00fbl\u00e9e', 'cre\u0300me bru\u0302le\u0301e'],
    ['typed as NFD, then as NFC', 'A\u030angstro\u0308m unit', '\u00c5ngstr\u00f6m unit'],
    ['a Hangul syllable and its parts', '\ud55c\uae00 password', '\u1112\u1161\u11ab\u1100\u1173\u11af password'],
  ])('one: %s', async (_, password, other) => {
    const { user } = await signUp(gatehouse, { password });
    expect((await login({ email: user.email, password: other })).status).toBe(200);
  });
});

describe('a hash of an older cost or of other software', () => {
  let dearer: Gatehouse;
  beforeAll(async () => {
    dearer = await Gatehouse.start({ DATABASE_URL: database.url, BCRYPT_COST: '5' });
  });
  afterAll(() => dearer?.stop());

  test('is replaced at the next sign-in, and never by a wrong password', async () => {
    const { user } = await signUp(gatehouse);
    const old = await hashOf(user.id);
    expect((await login({ email: user.email, password: 'wrong wrong' }, dearer)).status).toBe(401);
    expect(await hashOf(user.id)).toBe(old);
    await signIn(dearer, user.email);
    const fresh = await hashOf(user.id);
    expect(fresh).toMatch(/^\$2b\$05\$/);
    await signIn(dearer, user.email);
    expect(await hashOf(user.id)).toBe(fresh);
    // A server of lesser cost replaces it too: a wrong guess at it would take longer than one at a name that nobody has.
    await signIn(gatehouse, user.email);
    expect(await hashOf(user.id)).toMatch(/^\$2b\$04\$/);
  });

  test('eight sign-ins at once all succeed while the hash is replaced', async () => {
    const { user } = await signUp(gatehouse);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => login({ email: user.email, password: PASSWORD }, dearer)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(await hashOf(user.id)).toMatch(/^\$2b\$05\$/);
  });

  test('plain bcrypt is understood once, and then is ours', async () => {
    const { user } = await signUp(gatehouse);
    const { hashSync } = (await import('bcrypt')).default;
    const imported = hashSync('imported password', 4).replace('$2b$', '$2y$');
    await database.query('UPDATE users SET password_hash = $2 WHERE id = $1', [user.id, imported]);
    const chosenAt = () => database.query('SELECT changed_at FROM passwords WHERE user_id = $1', [user.id]);
    const before = await chosenAt();
    expect((await login({ email: user.email, password: 'imported passwort' })).status).toBe(401);
    await signIn(gatehouse, user.email, 'imported password');
    expect(await hashOf(user.id)).toMatch(/^\$2b\$04\$/);
    // Another hash of the same password: it was not chosen anew.
    expect(await chosenAt()).toEqual(before);
    await signIn(gatehouse, user.email, 'imported password');
  });
});

/** Runs `change` in a transaction that commits once a sign-in waits for it, and returns that sign-in's answer. */
async function signInDuring(email: string, change: string, values: unknown[]) {
  await database.query('BEGIN');
  await database.query(change, values);
  const answer = login({ email, password: PASSWORD });
  await waitFor(async () => {
    const waiting = await database.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return waiting.length > 0;
  });
  await database.query('COMMIT');
  return answer;
}

describe('a change that commits while somebody signs in', () => {
  test('roles that were taken are not in the token', async () => {
    const { user } = await signUp(gatehouse);
    await database.query(`INSERT INTO user_roles VALUES ($1, 'admin')`, [user.id]);
    const change = `DELETE FROM user_roles WHERE user_id = $1 AND role = 'admin'`;
    const { status, body } = await signInDuring(user.email, change, [user.id]);
    expect(status).toBe(200);
    expect(body.user.roles).toEqual(['user']);
    const who = await gatehouse.call<{ user: { roles: string[] } }>('GET', '/v1/auth/session', {
      token: body.accessToken,
    });
    expect(who.status === 401 || who.body.user.roles).toEqual(['user']);
  });

  test('a disabled account gets no session', async () => {
    const { user } = await signUp(gatehouse);
    const change = `UPDATE users SET status = 'disabled' WHERE id = $1`;
    const { body } = await signInDuring(user.email, change, [user.id]);
    expect(body.code).toBe('account_disabled');
    expect(await database.query('SELECT FROM sessions WHERE user_id = $1 AND revoked_at IS NULL', [user.id])).toEqual(
      [],
    );
  });

  test('a password that was changed is the old one', async () => {
    const { user } = await signUp(gatehouse);
    const other = (await signUp(gatehouse, { password: 'quite another one' })).user;
    const change = `UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE id = $2) WHERE id = $1`;
    const { body } = await signInDuring(user.email, change, [user.id, other.id]);
    expect(body.code).toBe('invalid_credentials');
  });
});
