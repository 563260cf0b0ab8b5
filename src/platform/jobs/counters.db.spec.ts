import { DataSource } from 'typeorm';
import { createDatabase, type TestDatabase } from '../../../test/support/database.js';
import { dataSourceOptions } from '../database/data-source.js';
import { Database } from '../database/database.js';
import { Counters } from './counters.js';

let postgres: TestDatabase;
let source: DataSource;

beforeAll(async () => {
  postgres = await createDatabase();
  const pooling = { pooled: false, namedStatements: true };
  const options = dataSourceOptions(postgres.url, { pool: 2, timeout: 500 }, pooling, 'gatehouse');
  source = await new DataSource({ ...options, migrations: [] }).initialize();
});
afterAll(async () => {
  await source?.destroy();
  await postgres?.drop();
});

test('what has piled up is aggregated, though all of it at once takes longer than a statement may', async () => {
  await postgres.query(`
    INSERT INTO tally_changes SELECT 'auth.login', '2026-01-01', 1 FROM generate_series(1, 800000)`);
  await new Counters(new Database(source)).aggregate();
  expect(await postgres.query('SELECT FROM tally_changes LIMIT 1')).toEqual([]);
  expect(await postgres.query(`SELECT count FROM tallies WHERE name = 'auth.login' AND day = '2026-01-01'`)).toEqual([
    { count: '800000' },
  ]);
});
