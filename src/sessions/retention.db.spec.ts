import { jest } from '@jest/globals';
import { DataSource } from 'typeorm';
import { createDatabase, type TestDatabase } from '../../test/support/database.js';
import { firstIdAt, newId } from '../platform/common/id.js';
import type { Config } from '../platform/config/config.js';
import { dataSourceOptions } from '../platform/database/data-source.js';
import { Database } from '../platform/database/database.js';
import { RetentionJob } from '../platform/jobs/retention-job.js';
import { SessionRetention } from './retention.js';

const DAY = 86_400_000;
const MAX_AGE = 90 * DAY;

let database: TestDatabase;
let source: DataSource;
let userId: string;

beforeAll(async () => {
  database = await createDatabase();
  const options = { ...dataSourceOptions(database.url, { pool: 2, timeout: 5_000 }), migrations: [] };
  source = await new DataSource(options).initialize();
  userId = newId();
  await database.query(`INSERT INTO users (id, email, email_key) VALUES ($1, 'a@x.test', 'a@x.test')`, [userId]);
});

afterEach(async () => {
  jest.restoreAllMocks();
  await database.query('DELETE FROM sessions');
});

afterAll(async () => {
  await source?.destroy();
  await database?.drop();
});

/** A session whose id says it is so many days old, and whose row says it is as old or another age. */
async function add(age: number, rowAge = age): Promise<string> {
  const id = firstIdAt(Date.now() - age * DAY);
  await database.query(
    `INSERT INTO sessions (id, user_id, secret_hash, created_at, expires_at, auth_methods)
      VALUES ($1, $2, sha256('x'), now() - $3 * interval '1 day', now() + interval '1 day', '{password}')`,
    [id, userId, rowAge],
  );
  return id;
}

async function kept(): Promise<string[]> {
  const job = new RetentionJob(new Database(source), { interval: DAY, batch: 2 });
  new SessionRetention(job, { sessionMaxAge: MAX_AGE } as Config);
  await job.run();
  return (await database.query<{ id: string }>('SELECT id FROM sessions ORDER BY id')).map(({ id }) => id);
}

function shiftClock(ms: number): void {
  const real = Date.now;
  jest.spyOn(Date, 'now').mockImplementation(() => real() + ms);
}

it('removes what is past its greatest age by a day, batch by batch, and nothing younger', async () => {
  for (const age of [92, 93, 100, 400, 91.1]) await add(age);
  const young = [await add(90.9), await add(89), await add(1), await add(0)];
  expect(await kept()).toEqual(young.sort());
});

it.each([-100, -1, -1 / 24, -1 / 1_440, 1 / 1_440, 1 / 24, 1, 100, 10_000])(
  'removes the same where the clock of the process is %d days ahead',
  async (days) => {
    await add(92);
    const young = [await add(90.9), await add(0)];
    shiftClock(days * DAY);
    expect(await kept()).toEqual(young.sort());
  },
);

it('keeps a session of today whose id an instance made that was behind by a hundred days', async () => {
  const behind = await add(100, 0);
  expect(await kept()).toEqual([behind]);
});

it('finds them by the primary key, so that it reads no more than it removes', async () => {
  await database.query(
    `INSERT INTO sessions (id, user_id, secret_hash, expires_at, auth_methods)
      SELECT (lpad(to_hex(2000000000000 + n), 12, '0') || '70008000000000000000')::uuid, $1, sha256(n::text::bytea), now(), '{}'
      FROM generate_series(1, 3000) AS n`,
    [userId],
  );
  await database.query('ANALYZE sessions');
  const plans: string[] = [];
  const query = async (sql: string, values: unknown[]) => {
    plans.push(JSON.stringify(await database.query(`EXPLAIN ${sql}`, values)));
    return [[], 0];
  };
  const job = new RetentionJob({ manager: { query } } as unknown as Database, { interval: DAY, batch: 2 });
  new SessionRetention(job, { sessionMaxAge: MAX_AGE } as Config);
  await job.run();
  expect(plans[0]).toContain('Index Scan using sessions_pk on sessions sessions_1');
  expect(plans[0]).not.toContain('Seq Scan on sessions');
});
