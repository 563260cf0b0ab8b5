import { createDatabase, type TestDatabase } from './support/database.js';
import { GatehouseProcess } from './support/gatehouse.js';
import { mailsTo, tokenFor } from './support/mail.js';
import { sendRaw } from './support/raw.js';
import { freshEmail, PASSWORD, type Problem, type SignedUp, signIn, signUp, type Tokens } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** The whole life of an account, with the development outbox for a mail server. */
const NEW_PASSWORD = 'quiet lantern over moss';

let database: TestDatabase;
let gatehouse: GatehouseProcess;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await GatehouseProcess.start({
    DATABASE_URL: database.url,
    RATE_LIMITS: 'off',
    TRUSTED_PROXIES: 'loopback',
  });
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

const post = <Body = Problem>(path: string, body: unknown, token?: string) =>
  gatehouse.call<Body>('POST', path, { body, token });
const me = (token: string) => gatehouse.call<SignedUp['user'] & Problem>('GET', '/v1/users/me', { token });
const login = (email: string, password: string, headers = {}) =>
  gatehouse.call<SignedUp & Problem>('POST', '/v1/auth/login', { body: { email, password }, headers });

test('a new address is confirmed with the token of its mail, once', async () => {
  const { user, accessToken } = await signUp(gatehouse);
  expect(user.emailVerified).toBe(false);
  const [mail] = await mailsTo(gatehouse, user.email);
  expect(mail!.text).toContain(`http://gatehouse.test/verify-email#token=${mail!.token}`);
  expect(mail!.html).toContain(`http://gatehouse.test/verify-email#token=${mail!.token}`);

  const done = await post('/v1/auth/email/verify', { token: mail!.token });
  expect([done.status, done.body]).toEqual([200, { message: expect.any(String) }]);
  expect((await me(accessToken)).body.emailVerified).toBe(true);
  const again = await post('/v1/auth/email/verify', { token: mail!.token });
  expect([again.status, again.body.code]).toEqual([400, 'invalid_token_link']);
});

test('a newer mail voids the one before', async () => {
  const { user } = await signUp(gatehouse);
  const first = await tokenFor(gatehouse, user.email);
  expect((await post('/v1/auth/email/resend', { email: user.email.toUpperCase() })).status).toBe(202);
  const second = await tokenFor(gatehouse, user.email);
  expect(second).not.toBe(first);
  expect((await post('/v1/auth/email/verify', { token: first })).body.code).toBe('invalid_token_link');
  expect((await post('/v1/auth/email/verify', { token: second })).status).toBe(200);
});

test('a forgotten password is replaced: every session ends, the address is confirmed, the owner is told', async () => {
  const { user, accessToken, refreshToken } = await signUp(gatehouse);
  await post('/v1/auth/password/forgot', { email: user.email });
  const token = await tokenFor(gatehouse, user.email);

  const weak = await post('/v1/auth/password/reset', { token, password: user.email });
  expect([weak.status, weak.body.code]).toEqual([400, 'password_too_common']);
  const done = await post('/v1/auth/password/reset', { token, password: NEW_PASSWORD });
  expect([done.status, Object.keys(done.body)]).toEqual([200, ['message']]);

  expect((await me(accessToken)).body.code).toBe('session_revoked');
  expect((await post('/v1/auth/refresh', { refreshToken })).body.code).toBe('session_revoked');
  expect((await login(user.email, PASSWORD)).body.code).toBe('invalid_credentials');
  expect((await login(user.email, NEW_PASSWORD)).body.user.emailVerified).toBe(true);
  expect((await mailsTo(gatehouse, user.email)).map(({ subject }) => subject)).toContain(
    'Your password was changed – Gatehouse',
  );
});

test('a password change keeps this session with fresh tokens and ends the others', async () => {
  const { user, accessToken, refreshToken, session } = await signUp(gatehouse);
  const other = await signIn(gatehouse, user.email);
  await post('/v1/auth/password/forgot', { email: user.email });
  const resetToken = await tokenFor(gatehouse, user.email);
  const change = (body: unknown) => post<Tokens & Problem>('/v1/users/me/password', body, accessToken);

  const wrong = await change({ currentPassword: 'not this one', newPassword: NEW_PASSWORD });
  expect([wrong.status, wrong.body.code]).toEqual([403, 'wrong_password']);
  const weak = await change({ currentPassword: PASSWORD, newPassword: 'password1' });
  expect([weak.status, weak.body.code, weak.body.errors?.[0]?.pointer]).toEqual([
    400,
    'password_too_common',
    '/newPassword',
  ]);
  expect((await me(other.accessToken)).status).toBe(200);

  const done = await change({ currentPassword: PASSWORD, newPassword: NEW_PASSWORD });
  expect([done.status, done.body.session.id]).toEqual([200, session.id]);
  expect((await me(done.body.accessToken)).status).toBe(200);
  expect((await me(other.accessToken)).body.code).toBe('session_revoked');
  for (const dead of [refreshToken, other.refreshToken]) {
    expect((await post('/v1/auth/refresh', { refreshToken: dead })).body.code).toBe('session_revoked');
  }
  expect((await post('/v1/auth/refresh', { refreshToken: done.body.refreshToken })).status).toBe(200);
  expect((await login(user.email, PASSWORD)).status).toBe(401);
  expect((await login(user.email, NEW_PASSWORD)).status).toBe(200);
  expect((await post('/v1/auth/password/reset', { token: resetToken, password: PASSWORD })).status).toBe(400);
});

test('password changes and logins at once leave no session of the old password', async () => {
  const { user, accessToken } = await signUp(gatehouse);
  const logins = Array.from({ length: 10 }, () => login(user.email, PASSWORD));
  const change = await post<Tokens>(
    '/v1/users/me/password',
    { currentPassword: PASSWORD, newPassword: NEW_PASSWORD },
    accessToken,
  );
  const opened = (await Promise.all(logins)).filter(({ status }) => status === 200);
  for (const { body } of opened) {
    expect((await post('/v1/auth/refresh', { refreshToken: body.refreshToken })).body.code).toBe('session_revoked');
  }
  const sessions = await gatehouse.call<{ items: unknown[] }>('GET', '/v1/sessions', {
    token: change.body.accessToken,
  });
  expect(sessions.body.items).toHaveLength(1);
});

test('an email change counts once the new address confirms, and the old one can take it back', async () => {
  const { user, accessToken } = await signUp(gatehouse);
  const old = user.email;
  await post('/v1/auth/email/verify', { token: await tokenFor(gatehouse, old) });
  const fresh = freshEmail();
  const change = (body: unknown) => post('/v1/users/me/email', body, accessToken);

  expect((await change({ email: fresh, password: 'not this one' })).body.code).toBe('wrong_password');
  expect((await change({ email: fresh, password: PASSWORD })).status).toBe(202);
  expect((await me(accessToken)).body.email).toBe(old);
  const confirmed = await post('/v1/auth/email/verify', { token: await tokenFor(gatehouse, fresh) });
  expect(confirmed.status).toBe(200);
  expect((await me(accessToken)).body).toMatchObject({ email: fresh, emailVerified: true });

  // Nobody else gets the old address while it can be taken back.
  const squat = await post('/v1/auth/register', { email: old, password: PASSWORD });
  expect([squat.status, squat.body.code]).toEqual([409, 'email_taken']);
  // A second change does not take the first undo link away.
  const third = freshEmail();
  const undo = await tokenFor(gatehouse, old);
  await change({ email: third, password: PASSWORD });
  await post('/v1/auth/email/verify', { token: await tokenFor(gatehouse, third) });

  expect((await post('/v1/auth/email/undo', { token: undo })).status).toBe(200);
  expect((await me(accessToken)).body.code).toBe('session_revoked');
  expect((await login(old, PASSWORD)).body.code).toBe('invalid_credentials');
  const laterUndo = await tokenFor(gatehouse, fresh);
  expect((await post('/v1/auth/email/undo', { token: laterUndo })).body.code).toBe('invalid_token_link');
  await post('/v1/auth/password/reset', { token: await tokenFor(gatehouse, old), password: NEW_PASSWORD });
  expect((await login(old, NEW_PASSWORD)).body.user.email).toBe(old);
});

test.each([
  ['chosen a new password', `password_hash = 'another'`],
  ['been disabled', `status = 'disabled'`],
])('a change of address in flight comes to nothing once the account has %s', async (_, change) => {
  const { user, accessToken } = await signUp(gatehouse);
  await database.query('BEGIN');
  await database.query(`UPDATE users SET ${change} WHERE id = $1`, [user.id]);
  const asked = post('/v1/users/me/email', { email: freshEmail(), password: PASSWORD }, accessToken);
  const waiting = 'SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))';
  await waitFor(async () => (await database.query(waiting)).length > 0).finally(() => database.query('COMMIT'));
  expect((await asked).body.code).toBe('wrong_password');
  const links = `SELECT FROM one_time_tokens WHERE user_id = $1 AND purpose = 'change_email'`;
  expect(await database.query(links, [user.id])).toEqual([]);
});

test('a change to an address that somebody has tells only its owner', async () => {
  const owner = await signUp(gatehouse);
  const other = await signUp(gatehouse);
  const answer = await post('/v1/users/me/email', { email: owner.user.email, password: PASSWORD }, other.accessToken);
  expect(answer.status).toBe(202);
  const [mail] = await mailsTo(gatehouse, owner.user.email);
  expect([mail!.subject, mail!.token]).toEqual(['You have an account already – Gatehouse', undefined]);
});

test('the address before is told of a change, but has no undo link if it was never confirmed', async () => {
  const { user, accessToken } = await signUp(gatehouse);
  const fresh = freshEmail();
  await post('/v1/users/me/email', { email: fresh, password: PASSWORD }, accessToken);
  await post('/v1/auth/email/verify', { token: await tokenFor(gatehouse, fresh) });
  const [notice] = await mailsTo(gatehouse, user.email);
  expect([notice!.subject, notice!.token]).toEqual(['Your email address was changed – Gatehouse', undefined]);
});

test('the export holds everything stored about the person and no secret', async () => {
  const { user, accessToken, session } = await signUp(gatehouse, { name: 'Ada' });
  await login(user.email, 'not this one');
  const { status, headers, body, text } = await gatehouse.call<Record<string, unknown[]>>(
    'GET',
    '/v1/users/me/export',
    { token: accessToken },
  );
  expect([status, headers.get('content-disposition')]).toEqual([200, expect.stringContaining('attachment')]);
  expect(body.user).toMatchObject({ id: user.id, email: user.email, name: 'Ada' });
  expect(body.sessions).toMatchObject([{ id: session.id, ip: '127.0.0.1', userAgent: 'node' }]);
  expect(body.mailedLinks).toMatchObject([{ purpose: 'verify_email', email: user.email }]);
  expect(body.mails).toEqual([{ subject: 'Confirm your email address – Gatehouse', createdAt: expect.any(String) }]);
  expect(text).not.toContain(await tokenFor(gatehouse, user.email));
  expect(body.activity!.map((entry) => (entry as { type: string }).type)).toEqual([
    'user.exported',
    'auth.login_failed',
    'auth.registered',
  ]);
  expect(text).not.toMatch(/\$2b\$|secretHash|passwordHash/);
});

test('every table that belongs to a user is part of the export', async () => {
  const owned = await database.query<{ table: string }>(
    `SELECT conrelid::regclass::text AS table FROM pg_constraint WHERE contype = 'f' AND confrelid = 'users'::regclass
     UNION SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
       WHERE table_schema = 'gatehouse' AND column_name = 'user_id' AND table_type = 'BASE TABLE'`,
  );
  // The hash of a password would help to let somebody in, and activity says when it was chosen. Sweeps say of which sessions
  // the rows are to follow. An export under way has a row while it is sent.
  const placeInExport = {
    account_exports: null,
    audit_events: 'activity',
    session_sweeps: null,
    known_addresses: 'knownAddresses',
    one_time_tokens: 'mailedLinks',
    passwords: null,
    sessions: 'sessions',
    user_roles: 'user.roles',
  };
  const missing = owned.map(({ table }) => table).filter((table) => !(table in placeInExport));
  expect({ 'need a place in AccountExport': missing }).toEqual({ 'need a place in AccountExport': [] });
  expect(owned.length).toBe(Object.keys(placeInExport).length);
});

test('every column of a user is part of the export, or is left out for a reason', async () => {
  const EXPORTED = [
    'id',
    'email',
    'email_verified_at',
    'username',
    'name',
    'status',
    'created_at',
    'updated_at',
    'last_login_at',
  ];
  const LEFT_OUT = [
    // Would help to let somebody in.
    'password_hash',
    // The same once more, as it is compared and searched.
    ...['email_key', 'username_key', 'search_text'],
    // Which tokens are stale by a change of roles, and by what the search pages.
    ...['ver', 'ver_changed_at', 'number'],
    // Below what sessions have ended, which each of the sessions says.
    ...['sessions_floor', 'sessions_kept'],
    // A user who can ask for an export is no mere registration.
    'pending',
    // Would tell a user who registered the address of somebody else that its owner has come.
    'contested',
  ];
  expect(await columnsOf('users')).toEqual([...EXPORTED, ...LEFT_OUT].sort());

  const { accessToken: token } = await signUp(gatehouse);
  const { body } = await gatehouse.call<{ user: object }>('GET', '/v1/users/me/export', { token });
  expect(Object.keys(body.user).sort()).toEqual([...EXPORTED.map(inCamelCase), 'emailVerified', 'roles'].sort());
});

test('every column of a session is part of the export, or is left out for a reason', async () => {
  const EXPORTED = [
    'id',
    'created_at',
    'last_used_at',
    'expires_at',
    'revoked_at',
    'end_reason',
    'ip',
    'user_agent',
    'auth_methods',
  ];
  const LEFT_OUT = [
    // Would help to let somebody in.
    ...['secret_hash', 'refresh_key_hash'],
    // Whose it is: the person's whose export it is.
    'user_id',
    // Made of the user agent, which is there, and gone with it: it tells nothing of its own about the person.
    'device_key',
    // The day of expires_at once more, as the dashboard counts it.
    'expires_on',
    // How often and when the token was exchanged, the last time of which is last_used_at.
    ...['counter', 'rotated_at'],
    // When the password was given, which activity says.
    'auth_time',
  ];
  expect(await columnsOf('sessions')).toEqual([...EXPORTED, ...LEFT_OUT].sort());

  const { accessToken: token } = await signUp(gatehouse);
  const { body } = await gatehouse.call<{ sessions: object[] }>('GET', '/v1/users/me/export', { token });
  expect(Object.keys(body.sessions[0] ?? {}).sort()).toEqual(EXPORTED.map(inCamelCase).sort());
});

async function columnsOf(table: string): Promise<string[]> {
  const columns = await database.query<{ name: string }>(
    `SELECT column_name AS name FROM information_schema.columns WHERE table_schema = 'gatehouse' AND table_name = $1`,
    [table],
  );
  return columns.map(({ name }) => name).sort();
}

const inCamelCase = (name: string) => name.replace(/_./g, (end) => end[1]!.toUpperCase());

test('a deleted account is gone with what belongs to it; audit entries keep the id', async () => {
  const { user, accessToken, refreshToken } = await signUp(gatehouse, { name: 'Nobody Else' });
  const other = await signIn(gatehouse, user.email);
  const remove = (password: string) =>
    gatehouse.call<Problem>('DELETE', '/v1/users/me', { body: { password }, token: accessToken });
  expect((await remove('not this one')).body.code).toBe('wrong_password');
  expect((await remove(PASSWORD)).status).toBe(204);

  for (const token of [accessToken, other.accessToken]) expect((await me(token)).body.code).toBe('session_revoked');
  expect((await post('/v1/auth/refresh', { refreshToken })).body.code).toBe('session_revoked');
  expect((await login(user.email, PASSWORD)).body.code).toBe('invalid_credentials');
  for (const table of ['known_addresses', 'passwords', 'sessions', 'user_roles', 'one_time_tokens']) {
    expect(await database.query(`SELECT FROM ${table} WHERE user_id = $1`, [user.id])).toEqual([]);
  }
  const entries = await database.query<{ entry: string }>(
    'SELECT to_jsonb(a)::text AS entry FROM audit_events a WHERE user_id = $1',
    [user.id],
  );
  expect(entries.some(({ entry }) => entry.includes('user.deleted'))).toBe(true);
  expect(entries.some(({ entry }) => entry.includes(user.email) || entry.includes('Nobody Else'))).toBe(false);
  expect((await signUp(gatehouse, { email: user.email })).user.id).not.toBe(user.id);
});

test('the last admin stays', async () => {
  const { user } = await signUp(gatehouse);
  const second = await signUp(gatehouse);
  const makeAdmin = (id: string) => database.query(`INSERT INTO user_roles VALUES ($1, 'admin')`, [id]);
  const remove = (token: string) =>
    gatehouse.call<Problem>('DELETE', '/v1/users/me', { body: { password: PASSWORD }, token });
  await makeAdmin(user.id);
  const [first] = [(await signIn(gatehouse, user.email)).accessToken];
  const kept = await remove(first);
  expect([kept.status, kept.body.code]).toEqual([409, 'last_admin']);
  expect((await me(first)).status).toBe(200);
  // Two admins who leave at once: one of them stays.
  await makeAdmin(second.user.id);
  const tokens = [first, (await signIn(gatehouse, second.user.email)).accessToken];
  const statuses = (await Promise.all(tokens.map(remove))).map(({ status }) => status);
  expect(statuses.sort()).toEqual([204, 409]);
});

const firefox = (version: number, ip = '127.0.0.1') => ({
  'user-agent': `Mozilla/5.0 (X11; Linux x86_64; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`,
  'x-forwarded-for': ip,
});
/** How many new devices somebody was told of. */
const notices = async (email: string) =>
  (await mailsTo(gatehouse, email)).filter(({ subject }) => subject.startsWith('A sign-in')).length;

test('a sign-in from a device not seen before is told to the owner, others are not', async () => {
  const { email } = (await signUp(gatehouse)).user;
  await login(email, PASSWORD);
  expect(await notices(email)).toBe(0);
  await login(email, 'not this one', firefox(140));
  expect(await notices(email)).toBe(0);
  await Promise.all([login(email, PASSWORD, firefox(140)), login(email, PASSWORD, firefox(140))]);
  expect(await notices(email)).toBe(1);
  await login(email, PASSWORD, firefox(141));
  expect(await notices(email)).toBe(1);
});

test('the same kind of device far away is another one, and in the same network it is not', async () => {
  const { email } = (await signUp(gatehouse)).user;
  const told = [];
  for (const ip of ['203.0.113.7', '203.0.44.9', '198.51.100.1', '203.0.113.8', '2001:db8:1::1', '2001:db8:ffff::2']) {
    await login(email, PASSWORD, firefox(140, ip));
    told.push(await notices(email));
  }
  expect(told).toEqual([1, 1, 2, 2, 3, 3]);
});

test('a new device is told of too once the sessions before are removed, but not at the first sign-in of all', async () => {
  const { id, email } = (await signUp(gatehouse)).user;
  const forget = () => database.query('DELETE FROM sessions WHERE user_id = $1', [id]);
  await forget();
  await login(email, PASSWORD);
  expect(await notices(email)).toBe(0);
  await forget();
  await login(email, PASSWORD, firefox(140));
  expect(await notices(email)).toBe(1);
});

test.each(['verify-email', 'reset-password', 'accept-invitation', 'undo-email-change'])(
  'opening /%s shows a page and uses nothing up',
  async (page) => {
    const { user } = await signUp(gatehouse);
    const token = await tokenFor(gatehouse, user.email);
    const { status, headers, text } = await gatehouse.call('GET', `/${page}`, { headers: { accept: 'text/html' } });
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none';script-src 'self';/);
    expect(text).toContain('<div id="root">');
    expect((await gatehouse.call('GET', '/v1/auth/email/verify')).status).toBe(405);
    expect((await post('/v1/auth/email/verify', { token })).status).toBe(200);
  },
);

test('a browser sees the development outbox as a page with working links', async () => {
  const { user } = await signUp(gatehouse);
  const { headers, text } = await gatehouse.call('GET', '/dev/outbox', { headers: { accept: 'text/html,*/*' } });
  expect(headers.get('content-type')).toContain('text/html');
  expect(text).toContain(user.email);
  expect(text).toContain(
    `<a href="http://gatehouse.test/verify-email#token=${await tokenFor(gatehouse, user.email)}">`,
  );
});

test('links are built from PUBLIC_URL, whatever the request says of its host', async () => {
  const email = freshEmail();
  const body = JSON.stringify({ email, password: PASSWORD });
  const answer = await sendRaw(
    gatehouse.url,
    [
      'POST /v1/auth/register HTTP/1.1',
      'Host: evil.example',
      'X-Forwarded-Host: evil.example',
      'X-Forwarded-Proto: https',
      'Forwarded: host=evil.example',
      'Origin: https://evil.example',
      'Referer: https://evil.example/',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
    5_000,
  );
  expect(answer.statuses).toEqual([201]);
  const [mail] = await mailsTo(gatehouse, email);
  expect(JSON.stringify(mail)).not.toContain('evil');
});

test('the database holds no token that could be used', async () => {
  const { user } = await signUp(gatehouse);
  const token = await tokenFor(gatehouse, user.email);
  const dump = await database.query<{ row: string }>(
    `SELECT to_jsonb(t)::text AS row FROM one_time_tokens t
     UNION ALL SELECT to_jsonb(m)::text || encode(m.sealed, 'escape') FROM mail_outbox m
     UNION ALL SELECT to_jsonb(a)::text FROM audit_events a`,
  );
  expect(dump.some(({ row }) => row.includes(token))).toBe(false);
  expect(gatehouse.output).not.toContain(token);
});

test('asking for another address voids the link before, whether the address is taken or free', async () => {
  const taken = await signUp(gatehouse);
  for (const next of [freshEmail(), taken.user.email]) {
    const { accessToken } = await signUp(gatehouse);
    const first = freshEmail();
    for (const email of [first, next]) {
      const body = { email, password: PASSWORD };
      const { status } = await gatehouse.call('POST', '/v1/users/me/email', { token: accessToken, body });
      expect(status).toBe(202);
    }
    const { body } = await post('/v1/auth/email/verify', { token: await tokenFor(gatehouse, first) });
    expect(body.code).toBe('invalid_token_link');
  }
});
