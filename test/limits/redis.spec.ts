import { createDatabase, type TestDatabase } from '../support/database.js';
import { GatehouseProcess } from '../support/gatehouse.js';
import { createRedis, hasRedis, type TestRedis } from '../support/redis.js';
import { served } from '../support/served.js';
import { freshEmail, PASSWORD } from '../support/users.js';
import { waitFor } from '../support/wait-for.js';

/** With REDIS_URL, instances add up in Redis; while it is down each counts for itself. */
let database: TestDatabase;
let redis: TestRedis;
let one: GatehouseProcess;
let two: GatehouseProcess;

async function statuses(tries: Promise<{ status: number }>[]) {
  const counts: Record<number, number> = {};
  for (const { status } of await Promise.all(tries)) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** 50 wrong passwords at once for somebody, spread over both instances. */
function burst() {
  const body = { email: freshEmail(), password: 'wrong' };
  return statuses(
    Array.from({ length: 50 }, (_, index) => {
      const server = index % 2 ? one : two;
      return served(() => server.call('POST', '/v1/auth/login', { body }));
    }),
  );
}

if (hasRedis || process.env.CI === 'true') {
  beforeAll(async () => {
    [database, redis] = await Promise.all([createDatabase(), createRedis()]);
    const env = { DATABASE_URL: database.url, RATE_LIMITS: 'on', REDIS_URL: redis.url };
    one = await GatehouseProcess.start(env);
    two = await GatehouseProcess.start(env);
  });

  afterAll(async () => {
    await Promise.all([one?.stop(), two?.stop()]);
    await Promise.all([redis?.drop(), database?.drop()]);
  });

  test('Redis, which needs redis-server on the PATH: counted there, without it, and there again', async () => {
    expect(await burst()).toEqual({ 401: 5, 429: 45 });
    expect(await database.query('SELECT FROM guesses')).toHaveLength(0);

    await redis.stop();
    const counts = await burst();
    // Each instance for itself: five each, and neither more nor an error.
    expect(counts).toEqual({ 401: 10, 429: 40 });
    const body = { email: freshEmail(), password: PASSWORD };
    expect((await one.call('POST', '/v1/auth/register', { body })).status).toBe(201);
    expect((await one.call('POST', '/v1/auth/login', { body })).status).toBe(200);

    await redis.start();
    await waitFor(async () => expect(await burst()).toEqual({ 401: 5, 429: 45 }));
  });
  test('a database that Redis does not have is told once, and no other is used in its place', async () => {
    const env = { DATABASE_URL: database.url, RATE_LIMITS: 'on', REDIS_URL: `${redis.url}/99`, LOG_LEVEL: 'info' };
    const gatehouse = await GatehouseProcess.start(env);
    try {
      await waitFor(() => gatehouse.output.includes('no database of the number in REDIS_URL'));
      const body = { email: freshEmail(), password: 'wrong' };
      for (let count = 0; count < 5; count++)
        expect((await gatehouse.call('POST', '/v1/auth/login', { body })).status).toBe(401);
      expect((await gatehouse.call('POST', '/v1/auth/login', { body })).status).toBe(429);
      expect((await one.call('POST', '/v1/auth/login', { body })).status).toBe(401);
      expect(gatehouse.output.split('no database of the number').length).toBe(2);
      expect(gatehouse.output).not.toContain('reached again');
    } finally {
      await gatehouse.stop();
    }
  });
} else {
  test('Redis was not tried: there is no redis-server on the PATH (CI fails without one)', () => {
    expect(process.env.CI).not.toBe('true');
  });
}
