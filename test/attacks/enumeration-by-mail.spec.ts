import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { freshEmail, PASSWORD } from '../support/people.js';

/** Who has an account here? Neither the answer nor its time may tell. */
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

test.each([
  ['/v1/auth/password/forgot', {}, 'active', 100],
  ['/v1/auth/email/resend', {}, 'unverified', 20],
  ['/v1/auth/register', { password: PASSWORD }, 'active', 20],
])('%s takes the same time for known and unknown addresses', async (path, body, state, tries) => {
  const known = freshEmail();
  await gatehouse.call('POST', '/v1/auth/register', { body: { email: known, password: PASSWORD } });
  if (state === 'active') await database.query('UPDATE users SET email_verified_at = now() WHERE email = $1', [known]);

  const times: { known: number[]; unknown: number[] } = { known: [], unknown: [] };
  const answers = new Set<string>();
  const ask = async (kind: 'known' | 'unknown') => {
    const email = kind === 'known' ? known : freshEmail();
    const start = performance.now();
    const { status, text } = await gatehouse.call('POST', path, { body: { ...body, email } });
    times[kind].push(performance.now() - start);
    answers.add(`${status} ${text}`);
  };
  await ask('known');
  await ask('unknown');
  times.known = [];
  times.unknown = [];
  // Side by side, and each as often first as second, so that neither meets another load than the other.
  for (let round = 0; round < tries; round++) {
    const order = round % 2 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const);
    await Promise.all(order.map(ask));
  }
  expect([...answers]).toHaveLength(1);
  const [a, b] = [median(times.known), median(times.unknown)];
  expect(Math.abs(a - b) / Math.min(a, b)).toBeLessThan(0.1);
});

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
