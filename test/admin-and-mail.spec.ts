import { withRoles } from './support/admins.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { mailsTo, tokenFor } from './support/mail.js';
import { freshEmail, PASSWORD, type Problem, type SignedUp, signUp, type User } from './support/users.js';

/** What an admin does to an account, as its owner's mailbox sees it. */
let database: TestDatabase;
let gatehouse: Gatehouse;
let admin: SignedUp;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url });
  admin = await withRoles(gatehouse, database, 'admin', 'user');
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

const asAdmin = <T>(method: string, path: string, body?: unknown) =>
  gatehouse.call<T>(method, path, { body, token: admin.accessToken });
const post = (path: string, body: unknown, token?: string) =>
  gatehouse.call<Problem & SignedUp>('POST', path, { body, token });
const subjects = async (email: string) =>
  (await mailsTo(gatehouse, email)).map(({ subject }) => subject.replace(' – Gatehouse', ''));
const change = (id: string, fields: Partial<User>) => asAdmin<User>('PATCH', `/v1/users/${id}`, fields);

test('an address that an admin writes is asked to confirm, and the one before is told', async () => {
  const { user } = await signUp(gatehouse);
  await post('/v1/auth/email/verify', { token: await tokenFor(gatehouse, user.email) });
  const fresh = freshEmail();
  expect((await change(user.id, { email: fresh })).body).toMatchObject({ email: fresh, emailVerified: false });

  const [notice] = await mailsTo(gatehouse, user.email);
  expect([notice!.subject, notice!.token]).toEqual(['Your email address was changed – Gatehouse', undefined]);
  expect(notice!.text).toContain('by an administrator');
  const [mail] = await mailsTo(gatehouse, fresh);
  expect(mail!.text).toContain('which nobody has confirmed yet');
  // The admin's own address is nobody else's business.
  expect(`${notice!.text}${mail!.text}`).not.toContain('127.0.0.1');
  await post('/v1/auth/email/verify', { token: mail!.token });
  expect((await asAdmin<User>('GET', `/v1/users/${user.id}`)).body.emailVerified).toBe(true);
});

test('one that is only spelled otherwise causes no notice', async () => {
  const { user } = await signUp(gatehouse);
  const before = await subjects(user.email);
  await change(user.id, { email: user.email.replace('p', 'P') });
  expect(await subjects(user.email)).toEqual(before);
});

test('somebody invited whose address is changed is invited there, and the first invitation is void', async () => {
  const [wrong, right] = [freshEmail(), freshEmail()];
  const { body } = await asAdmin<User>('POST', '/v1/users', { email: wrong });
  const first = await tokenFor(gatehouse, wrong);
  await change(body.id, { email: right });
  expect(await subjects(right)).toEqual(['You are invited']);
  expect(await subjects(wrong)).toEqual(['Your email address was changed', 'You are invited']);
  const accept = (token: string) => post('/v1/auth/invitations/accept', { token, password: PASSWORD });
  expect((await accept(first)).body.code).toBe('invalid_token_link');
  expect((await accept(await tokenFor(gatehouse, right))).body.user).toMatchObject({ id: body.id, email: right });
});

test('links to a new password or address do not come back to life when a disabled account is enabled', async () => {
  const { user, accessToken } = await signUp(gatehouse);
  const fresh = freshEmail();
  await post('/v1/users/me/email', { email: fresh, password: PASSWORD }, accessToken);
  await post('/v1/auth/password/forgot', { email: user.email });
  const reset = await tokenFor(gatehouse, user.email);
  const moved = await tokenFor(gatehouse, fresh);
  await change(user.id, { status: 'disabled' });
  await change(user.id, { status: 'active' });
  const answers = [
    await post('/v1/auth/password/reset', { token: reset, password: 'quiet lantern over moss' }),
    await post('/v1/auth/email/verify', { token: moved }),
  ];
  expect(answers.map(({ body }) => body.code)).toEqual(['invalid_token_link', 'invalid_token_link']);
});

test('of many deletions of one’s own account at once one succeeds, and the others hear that it is gone', async () => {
  const { accessToken } = await signUp(gatehouse);
  const answers = await Promise.all(
    Array.from({ length: 8 }, () =>
      gatehouse.call<Problem>('DELETE', '/v1/users/me', { body: { password: PASSWORD }, token: accessToken }),
    ),
  );
  const codes = answers.map(({ status, body }) => (status === 204 ? 'gone' : body.code));
  expect(codes.filter((code) => code === 'gone')).toHaveLength(1);
  expect(new Set(codes)).toEqual(new Set(['gone', 'session_revoked']));
});

test('a change of the address and of the state in one request mails what the account waits for then', async () => {
  const { user } = await signUp(gatehouse);
  const [off, on] = [freshEmail(), freshEmail()];
  await change(user.id, { email: off, status: 'disabled' });
  expect(await subjects(off)).toEqual([]);
  await change(user.id, { email: on, status: 'active' });
  expect(await subjects(on)).toEqual(['Confirm your email address']);
  // No link that would be dead on arrival.
  expect(await subjects(off)).toEqual(['Your email address was changed']);
});

test('a link asked for while the account is being disabled does not work once it is enabled', async () => {
  for (let round = 0; round < 10; round++) {
    const { user } = await signUp(gatehouse);
    await Promise.all([
      change(user.id, { status: 'disabled' }),
      ...Array.from({ length: 3 }, () => post('/v1/auth/password/forgot', { email: user.email })),
    ]);
    await change(user.id, { status: 'active' });
    const links = await database.query(
      `SELECT FROM one_time_tokens WHERE user_id = $1 AND purpose = 'reset_password'`,
      [user.id],
    );
    expect(links).toEqual([]);
  }
});

test('asking for a mail while the account goes answers as ever', async () => {
  for (let round = 0; round < 5; round++) {
    const { user, accessToken } = await signUp(gatehouse);
    const [gone, ...asked] = await Promise.all([
      gatehouse.call('DELETE', '/v1/users/me', { body: { password: PASSWORD }, token: accessToken }),
      ...Array.from({ length: 6 }, (_, index) =>
        post(index % 2 ? '/v1/auth/password/forgot' : '/v1/auth/email/resend', { email: user.email }),
      ),
    ]);
    expect([gone.status, ...asked.map(({ status }) => status)]).toEqual([204, 202, 202, 202, 202, 202, 202]);
  }
});

test('what an admin did is exported to the person without where the admin was', async () => {
  const { user, accessToken } = await signUp(gatehouse);
  await change(user.id, { name: 'Renamed' });
  const { body } = await gatehouse.call<{ activity: Record<string, unknown>[] }>('GET', '/v1/users/me/export', {
    token: accessToken,
  });
  const [renamed] = body.activity.filter(({ type }) => type === 'user.updated');
  expect(renamed).toMatchObject({ actorId: admin.user.id, ip: null, userAgent: null, requestId: null });
  const [own] = body.activity.filter(({ type }) => type === 'auth.registered');
  expect(own).toMatchObject({ ip: '127.0.0.1', requestId: expect.any(String) });
});

test('an admin who was only invited is none that remains', async () => {
  await database.query(`DELETE FROM user_roles WHERE role = 'admin' AND user_id <> $1`, [admin.user.id]);
  await asAdmin('POST', '/v1/users', { email: freshEmail(), roles: ['admin'] });
  for (const [method, path, body] of [
    ['PUT', '/roles', { roles: ['user'] }],
    ['PATCH', '', { status: 'disabled' }],
    ['DELETE', '', undefined],
  ] as const) {
    const answer = await asAdmin<Problem>(method, `/v1/users/${admin.user.id}${path}`, body);
    expect([method, answer.status, answer.body.code]).toEqual([method, 409, 'last_admin']);
  }
});
