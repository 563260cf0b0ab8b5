import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { tokenFor } from '../support/mail.js';
import { freshEmail, PASSWORD, type Problem } from '../support/users.js';

/** The answer does not tell who has an account. What its time tells is measured by bench/account-timing.js. */
const IMPORTED = '$2a$04$3bwiVO4jXsaAJQXrsyStK.HIh8KpgAIsKP1ZH2aTRAfEIlsRTSlny';

let database: TestDatabase;
let gatehouse: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({
    DATABASE_URL: database.url,
    EMAIL_VERIFICATION: 'required',
    RATE_LIMITS: 'off',
  });
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

/** Registers an account, and confirms its address if `state` says so. */
async function register(state: string): Promise<string> {
  const email = freshEmail();
  await gatehouse.call('POST', '/v1/auth/register', { body: { email, password: PASSWORD } });
  // The account is made after the answer, before its mail.
  await tokenFor(gatehouse, email);
  if (state === 'active') await database.query('UPDATE users SET email_verified_at = now() WHERE email = $1', [email]);
  return email;
}

test.each([
  ['/v1/auth/password/forgot', {}, 'active'],
  ['/v1/auth/email/resend', {}, 'unverified'],
  ['/v1/auth/register', { password: PASSWORD }, 'active'],
])('%s gives the same answer for known and unknown addresses', async (path, body, state) => {
  const known = await register(state);
  const answers = new Set<string>();
  for (const email of [known, freshEmail(), known, freshEmail()]) {
    const { status, text } = await gatehouse.call('POST', path, { body: { ...body, email } });
    answers.add(`${status} ${text}`);
  }
  expect([...answers]).toHaveLength(1);
});

test('a wrong password gets the same answer whatever the account is', async () => {
  const [active, disabled, imported] = [await register('active'), await register('active'), await register('active')];
  await database.query(`UPDATE users SET status = 'disabled' WHERE email = $1`, [disabled]);
  await database.query('UPDATE users SET password_hash = $2 WHERE email = $1', [imported, IMPORTED]);
  for (const email of [active, disabled, imported, freshEmail()]) {
    const request = { body: { email, password: 'a wrong password' } };
    const { status, body } = await gatehouse.call<Problem>('POST', '/v1/auth/login', request);
    expect([status, body.code]).toEqual([401, 'invalid_credentials']);
  }
});
