import { jest } from '@jest/globals';
import { RateLimiterRes } from 'rate-limiter-flexible';
import { DataSource } from 'typeorm';
import { createDatabase, type TestDatabase } from '../../../test/support/database.js';
import { Clock } from '../common/clock.js';
import { dataSourceOptions } from '../database/data-source.js';
import { PostgresQuota } from './postgres-quota.js';
import { SharedStore } from './shared-store.js';

const HOUR = 3_600_000;
const HUNDRED_DAYS = 8_640_000_000;

let database: TestDatabase;
let source: DataSource;

beforeAll(async () => {
  database = await createDatabase();
  const options = { ...dataSourceOptions(database.url, { pool: 4, timeout: 5_000 }), migrations: [] };
  source = await new DataSource(options).initialize();
});

afterEach(async () => {
  jest.restoreAllMocks();
  await database.query('DELETE FROM quotas');
});

afterAll(async () => {
  await source?.destroy();
  await database?.drop();
});

/** What one instance counts by; each remembers refused keys for itself. */
const quota = () =>
  new PostgresQuota(
    {
      keyPrefix: 'things',
      points: 3,
      duration: HOUR / 1_000,
      inMemoryBlockOnConsumed: 4,
      storeClient: source,
      storeType: 'typeorm',
      tableName: 'quotas',
      tableCreated: true,
      clearExpiredByTimeout: false,
    },
    new SharedStore(new Clock()),
  );

/** How long a refusal lasts, or null where there is room. */
const consume = (limiter: PostgresQuota) =>
  limiter.consume('one').then(
    () => null,
    (refusal) => (refusal instanceof RateLimiterRes ? refusal.msBeforeNext : Promise.reject(refusal)),
  );

function shiftClock(ms: number): void {
  const real = Date.now;
  jest.spyOn(Date, 'now').mockImplementation(() => real() + ms);
}

const windowLeft = async () => {
  const [row] = await database.query<{ left: number }>(
    'SELECT (expire - 1000 * extract(epoch FROM clock_timestamp()))::float8 AS left FROM quotas',
  );
  return row?.left ?? 0;
};

it('lets three through in an hour, of fifty at once, over all instances', async () => {
  const instances = [quota(), quota()];
  const refusals = await Promise.all(Array.from({ length: 50 }, (_, n) => consume(instances[n % 2]!)));
  expect(refusals.filter((left) => left === null)).toHaveLength(3);
  for (const left of refusals.filter((ms) => ms !== null)) {
    expect(left).toBeGreaterThan(HOUR - 60_000);
    expect(left).toBeLessThanOrEqual(HOUR);
  }
});

it('begins anew when the window of the database has ended', async () => {
  for (let n = 0; n < 4; n++) await consume(quota());
  await database.query('UPDATE quotas SET expire = 1000 * extract(epoch FROM clock_timestamp()) - 1');
  expect(await consume(quota())).toBeNull();
  expect(await windowLeft()).toBeGreaterThan(HOUR - 60_000);
});

describe.each([HUNDRED_DAYS, -HUNDRED_DAYS])('an instance whose clock is wrong by %d ms', (shift) => {
  it('ends no window of others', async () => {
    for (let n = 0; n < 3; n++) expect(await consume(quota())).toBeNull();
    shiftClock(shift);
    const left = await consume(quota());
    expect(left).toBeGreaterThan(HOUR - 60_000);
    expect(left).toBeLessThanOrEqual(HOUR);
  });

  it('begins none that lasts longer or shorter for others', async () => {
    shiftClock(shift);
    for (let n = 0; n < 3; n++) expect(await consume(quota())).toBeNull();
    jest.restoreAllMocks();
    expect(await windowLeft()).toBeGreaterThan(HOUR - 60_000);
    expect(await windowLeft()).toBeLessThanOrEqual(HOUR);
    expect(await consume(quota())).toBeGreaterThan(HOUR - 60_000);
  });
});
