import { IS_NEW_DEVICE } from '../../src/sessions/session-store.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { mailsTo } from '../support/mail.js';
import { PASSWORD, signUp } from '../support/users.js';
import { waitFor } from '../support/wait-for.js';

/** Whether a sign-in is on a new device: what that costs does not grow with what the sessions before called themselves. */
const SESSIONS = 1_000;
/** Nothing but versions, each of which an expression takes out by itself. */
const HOSTILE = '/1'.repeat(256);
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

let database: TestDatabase;
let gatehouse: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url, RATE_LIMITS: 'off' });
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

async function withSessions(userAgent: string): Promise<string> {
  const { user } = await signUp(gatehouse);
  await database.query(
    `INSERT INTO sessions (id, user_id, secret_hash, expires_at, auth_methods, ip, user_agent)
     SELECT new_id_at(now() - interval '1 day' + n * interval '1 ms'), $1, sha256('x'), now(), '{}', '127.0.0.1', $3
     FROM generate_series(1, $2::integer) AS n`,
    [user.id, SESSIONS, userAgent],
  );
  return user.id;
}

/** The best of some runs, in ms: the others had to wait for something else. */
async function timeOf(userId: string, userAgent: string): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < 7; n++) {
    const began = performance.now();
    await database.query(IS_NEW_DEVICE, [userId, '127.0.0.1', userAgent]);
    times.push(performance.now() - began);
  }
  return Math.min(...times);
}

test('a thousand sessions with a hostile user agent cost about what a thousand others do', async () => {
  const [ordinary, hostile] = [await withSessions(FIREFOX), await withSessions(HOSTILE)];
  await database.query('ANALYZE sessions');
  const usual = await timeOf(ordinary, FIREFOX);
  expect(await timeOf(hostile, HOSTILE)).toBeLessThan(usual * 5 + 5);
});

test.each([
  ['the same', FIREFOX, false],
  ['another version', FIREFOX.replaceAll('140.0', '141.2'), false],
  ['another browser', FIREFOX.replace('Firefox', 'Seamonkey'), true],
  ['none', undefined, true],
])('a device is known again by its user agent without versions: %s', async (_, userAgent, isNew) => {
  const { user } = await signUp(gatehouse);
  await database.query('UPDATE users SET email_verified_at = now() WHERE id = $1', [user.id]);
  await database.query('UPDATE sessions SET user_agent = $2 WHERE user_id = $1', [user.id, FIREFOX]);
  await gatehouse.call('POST', '/v1/auth/login', {
    body: { email: user.email, password: PASSWORD },
    headers: { 'user-agent': userAgent ?? '' },
  });
  const told = async () =>
    (await mailsTo(gatehouse, user.email)).filter(({ subject }) => /sign-in|device/i.test(subject));
  if (isNew) await waitFor(async () => (await told()).length === 1);
  expect(await told()).toHaveLength(isNew ? 1 : 0);
});

test('a session from before devices were remembered is known by the same user agent, and by any version once refreshed', async () => {
  const { user } = await signUp(gatehouse);
  await database.query('UPDATE sessions SET user_agent = $2 WHERE user_id = $1', [user.id, FIREFOX]);
  await database.query('UPDATE sessions SET device_key = NULL WHERE user_id = $1', [user.id]);
  const isNew = async (userAgent: string) =>
    (await database.query<{ isNew: boolean }>(IS_NEW_DEVICE, [user.id, '127.0.0.1', userAgent]))[0]?.isNew;
  const updated = FIREFOX.replaceAll('140.0', '141.2');
  expect([await isNew(FIREFOX), await isNew(updated)]).toEqual([false, true]);
  await database.query('UPDATE sessions SET user_agent = user_agent WHERE user_id = $1', [user.id]);
  expect(await isNew(updated)).toBe(false);
});
