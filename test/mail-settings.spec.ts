import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../src/platform/database/data-source.js';
import { Database } from '../src/platform/database/database.js';
import { HOURLY, RetentionJob } from '../src/platform/jobs/retention-job.js';
import { MailRetention } from '../src/platform/mail/retention.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { GatehouseProcess } from './support/gatehouse.js';
import { freshEmail, PASSWORD, type Problem, signUp, type Tokens } from './support/users.js';

/** What happens where no mail can be sent. */
const PRODUCTION = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://gatehouse.test',
  BCRYPT_COST: '10',
  RATE_LIMITS: 'off',
};

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(() => database?.drop());

test('confirmed emails without a mail server are refused at start in production', async () => {
  const gatehouse = GatehouseProcess.launch({
    DATABASE_URL: database.url,
    ...PRODUCTION,
    EMAIL_VERIFICATION: 'required',
  });
  expect(await gatehouse.exited).toEqual({ code: 78, signal: null });
  expect(gatehouse.output).toContain('SMTP_URL is required in production');
  await gatehouse.kill();
});

test('production without a mail server warns, answers 503 where a mail is the point, and works otherwise', async () => {
  const gatehouse = await GatehouseProcess.start({ DATABASE_URL: database.url, ...PRODUCTION });
  try {
    expect(gatehouse.output).toContain('SMTP_URL is not set');
    expect((await gatehouse.call('GET', '/dev/outbox')).status).toBe(404);
    const { accessToken } = await signUp(gatehouse);
    const asked = [
      await gatehouse.call<Problem>('POST', '/v1/auth/password/forgot', { body: { email: freshEmail() } }),
      await gatehouse.call<Problem>('POST', '/v1/auth/email/resend', { body: { email: freshEmail() } }),
      await gatehouse.call<Problem>('POST', '/v1/users/me/email', {
        body: { email: freshEmail(), password: PASSWORD },
        token: accessToken,
      }),
    ];
    for (const { status, body, headers } of asked) {
      expect([status, body.code]).toEqual([503, 'mail_unavailable']);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    const changed = await gatehouse.call<Tokens>('POST', '/v1/users/me/password', {
      body: { currentPassword: PASSWORD, newPassword: 'quiet lantern over moss' },
      token: accessToken,
    });
    expect(changed.status).toBe(200);
    expect(await database.query('SELECT FROM mail_outbox')).toEqual([]);
  } finally {
    await gatehouse.stop();
  }
});

test('the development outbox forgets what is older than a week, and nothing that waits to be sent', async () => {
  const add = (due: string, age: string) =>
    database.query(
      `INSERT INTO mail_outbox (id, kind, sealed, due_at, created_at)
       VALUES (gen_random_uuid(), $1 || ' ' || $2, '', $1::timestamptz, now() - $2::interval)`,
      [due, age],
    );
  await add('infinity', '8 days');
  await add('infinity', '6 days');
  await add('2000-01-01', '8 days');
  const options = { ...dataSourceOptions(database.url, { pool: 1, timeout: 5_000 }), migrations: [] };
  const source = await new DataSource(options).initialize();
  try {
    const job = new RetentionJob(new Database(source), HOURLY);
    new MailRetention(job);
    await job.run();
  } finally {
    await source.destroy();
  }
  const left = await database.query<{ kind: string }>('SELECT kind FROM mail_outbox ORDER BY kind');
  expect(left.map(({ kind }) => kind)).toEqual(['2000-01-01 8 days', 'infinity 6 days']);
});
