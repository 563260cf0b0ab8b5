import { createDatabase, type TestDatabase } from './support/database.js';
import { GatehouseProcess } from './support/gatehouse.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(() => database.drop());

test.each(['1', '2'])('a server goes on when nobody reads its log any more, WORKERS=%s', async (WORKERS) => {
  const gatehouse = await GatehouseProcess.start({ DATABASE_URL: database.url, LOG_LEVEL: 'info', WORKERS });
  gatehouse.process.stdout?.destroy();
  gatehouse.process.stderr?.destroy();
  // Each is logged, and every worker gets some of them.
  for (let n = 0; n < 20; n++) expect((await gatehouse.call('GET', '/.well-known/jwks.json')).status).toBe(200);
  expect(await gatehouse.stop()).toEqual({ code: 0, signal: null });
});
