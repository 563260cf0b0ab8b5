import { createDatabase, type TestDatabase } from '../support/database.js';
import { GatehouseProcess } from '../support/gatehouse.js';
import { freshEmail, PASSWORD } from '../support/people.js';

/** Who has an account here? Neither the answer nor its time may tell. */
let database: TestDatabase;
let gatehouse: GatehouseProcess;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await GatehouseProcess.start({
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

  const answers = new Set<string>();
  const ask = async (kind: 'known' | 'unknown') => {
    const email = kind === 'known' ? known : freshEmail();
    const start = performance.now();
    const { status, text } = await gatehouse.call('POST', path, { body: { ...body, email } });
    answers.add(`${status} ${text}`);
    return performance.now() - start;
  };
  /** How far the medians are apart. Side by side, and each as often first as second, so that both meet the same load. */
  const difference = async () => {
    const times: { known: number[]; unknown: number[] } = { known: [], unknown: [] };
    for (let round = 0; round < tries; round++) {
      const order = round % 2 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const);
      await Promise.all(order.map(async (kind) => times[kind].push(await ask(kind))));
    }
    const [a, b] = [median(times.known), median(times.unknown)];
    return Math.abs(a - b) / Math.min(a, b);
  };
  await ask('known');
  await ask('unknown');
  // A busy machine may spoil a measurement, or two; what really differs differs every time.
  const measured: number[] = [];
  while (measured.length < 3 && !measured.some((value) => value < 0.1)) measured.push(await difference());
  expect([...answers]).toHaveLength(1);
  expect(Math.min(...measured)).toBeLessThan(0.1);
});

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
