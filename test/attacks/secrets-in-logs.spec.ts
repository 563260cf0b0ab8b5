import { randomBytes } from 'node:crypto';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { GatehouseProcess } from '../support/gatehouse.js';
import { type Problem, type SignedUp, type Tokens } from '../support/users.js';

/**
 * Nothing secret in the log, at any level, also when a statement fails: ASVS 5.0 V16.2.5, V14.2.1. What is looked for
 * could not come by chance, and stands in no test but this.
 */

/** What is taken away while statements run that need it. */
const HIDDEN = ['user_roles', 'held_roles', 'sessions'];

let database: TestDatabase;
let gatehouse: GatehouseProcess;
beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await GatehouseProcess.start({ DATABASE_URL: database.url, LOG_LEVEL: 'trace' });
});
afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

const canary = (name: string) => `canary-${name}-${randomBytes(9).toString('hex')}`;

test('a whole life of an account at LOG_LEVEL=trace, with failures of every kind', async () => {
  const password = canary('password');
  const wrong = canary('wrong');
  const email = `${canary('mail')}@example.com`;
  const name = canary('name');
  const secrets = [password, wrong, email, name];
  const call = async <T = Problem>(method: string, path: string, options = {}) =>
    gatehouse.call<T>(method, path, options);

  const signedUp = await call<SignedUp>('POST', '/v1/auth/register', { body: { email, password, name } });
  expect(signedUp.status).toBe(201);
  const { body: signedIn } = await call<SignedUp>('POST', '/v1/auth/login', { body: { email, password } });
  const { body: refreshed } = await call<Tokens>('POST', '/v1/auth/refresh', {
    body: { refreshToken: signedIn.refreshToken },
  });
  for (const { accessToken, refreshToken } of [signedUp.body, signedIn, refreshed])
    secrets.push(accessToken, refreshToken);
  const { accessToken: token } = refreshed;

  await call('POST', '/v1/auth/login', { body: { email, password: wrong } });
  await call('POST', '/v1/auth/login', { body: `{"email":"${email}","password":"${wrong}",}` });
  await call('POST', '/v1/auth/register', { body: { email, password, extra: wrong } });
  await call('POST', '/v1/auth/register', { body: { email, password } });
  await call('POST', `/v1/auth/refresh?refreshToken=${signedIn.refreshToken}`, { body: {} });
  await call('GET', `/v1/auth/session?access_token=${token}`, { token });
  await call('GET', `/v1/users/me/${token}`, { token });
  await call('GET', '/v1/users/me', { token: `${token}x`, headers: { cookie: `session=${token}` } });

  // Statements that fail halfway, with all their values in hand.
  for (const table of HIDDEN) await database.query(`ALTER TABLE ${table} RENAME TO ${table}_away`);
  const failed = await Promise.all([
    call('POST', '/v1/auth/register', { body: { email: `${canary('other')}@example.com`, password, name } }),
    call('POST', '/v1/auth/login', { body: { email, password } }),
    call('PATCH', '/v1/users/me', { body: { name }, token }),
    call('GET', '/v1/dashboard', { token }),
    call('POST', '/v1/auth/logout', { token }),
  ]);
  for (const table of HIDDEN) await database.query(`ALTER TABLE ${table}_away RENAME TO ${table}`);
  await database.query(`ALTER TABLE users ADD CONSTRAINT no_such_name CHECK (name NOT LIKE 'canary%') NOT VALID`);
  failed.push(await call('PATCH', '/v1/users/me', { body: { name: canary('name') }, token }));
  for (const { status, text, body } of failed) {
    expect([status, body.code]).toEqual([500, 'internal_error']);
    expect(text).not.toMatch(/user_roles|sessions_|relation|no_such_name|constraint|\.js:\d|SELECT|INSERT/i);
    // The id leads from the client's answer to the cause in the log.
    expect(gatehouse.output).toContain(`"requestId":"${body.requestId}"`);
  }
  await call('POST', '/v1/auth/logout', { body: { refreshToken: refreshed.refreshToken } });

  const [row] = await database.query<{ password_hash: string }>('SELECT password_hash FROM users LIMIT 1');
  secrets.push(
    row?.password_hash ?? '',
    Buffer.from(signedIn.refreshToken.slice(4), 'base64url').subarray(20, 52).toString('hex'),
  );
  for (const jwt of [signedIn.accessToken, refreshed.accessToken]) secrets.push(...jwt.split('.').slice(1));

  expect(gatehouse.output).toContain('"msg":"internal_error"');
  expect(gatehouse.output).toContain('"status":401');
  expect(secrets.filter((secret) => gatehouse.output.includes(secret))).toEqual([]);
  expect(gatehouse.output).not.toContain('canary');
});
