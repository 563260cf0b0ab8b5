import { DataSource } from 'typeorm';
import { createDatabase, type TestDatabase } from '../../../test/support/database.js';
import { newId } from '../common/id.js';
import { dataSourceOptions } from '../database/data-source.js';
import { Database } from '../database/database.js';
import { HOURLY, RetentionJob } from '../jobs/retention-job.js';
import { RateLimitRetention } from './retention.js';

let database: TestDatabase;
let source: DataSource;

beforeAll(async () => {
  database = await createDatabase();
  const options = { ...dataSourceOptions(database.url, { pool: 2, timeout: 5_000 }), migrations: [] };
  source = await new DataSource(options).initialize();
});

afterAll(async () => {
  await source?.destroy();
  await database?.drop();
});

it('removes what is out of date, however much, and nothing else', async () => {
  const id = newId();
  await database.query(`INSERT INTO users (id, email, email_key) VALUES ($1, 'ada@example.com', 'ada@example.com')`, [
    id,
  ]);
  await database.query(`
    INSERT INTO guesses (key, wrong, expires_at)
      SELECT 'old ' || n, 1, now() - interval '1 second' FROM generate_series(1, 12000) AS n
      UNION ALL SELECT 'new', 1, now() + interval '1 minute'`);
  await database.query(`
    INSERT INTO quotas (key, points, expire)
      SELECT 'old ' || n, 1, 1000 * extract(epoch FROM now()) - 1 FROM generate_series(1, 12000) AS n
      UNION ALL SELECT 'new', 1, 1000 * extract(epoch FROM now()) + 60000`);
  await database.query(
    `INSERT INTO known_addresses (user_id, network, seen_at)
      SELECT $1::uuid, ('10.0.0.0'::inet + n)::cidr, now() - interval '401 days' FROM generate_series(1, 6000) AS n
      UNION ALL SELECT $1::uuid, '192.0.2.1'::cidr, now() - interval '399 days'`,
    [id],
  );
  const job = new RetentionJob(new Database(source), HOURLY);
  new RateLimitRetention(job);
  await job.run();
  expect(await database.query('SELECT key FROM guesses UNION ALL SELECT key FROM quotas')).toEqual([
    { key: 'new' },
    { key: 'new' },
  ]);
  expect(await database.query('SELECT network::text FROM known_addresses')).toEqual([{ network: '192.0.2.1/32' }]);
});
