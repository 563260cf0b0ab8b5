import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { createDatabase, type TestDatabase } from '../../../test/support/database.js';
import { isDatabaseUnavailable } from '../common/database-errors.js';
import { dataSourceOptions } from './data-source.js';
import { Database } from './database.js';
import { currentDeadline, Deadline, underDeadline } from './deadline.js';

/** Milliseconds for all of a request, and for one statement or one wait in the line of the pool. */
const LIMIT = 500;
const EACH = 5_000;

let postgres: TestDatabase;
let source: DataSource;
let database: Database;

beforeAll(async () => {
  Logger.overrideLogger(false);
  postgres = await createDatabase({ empty: true });
  await postgres.query('CREATE TABLE drawers (id integer PRIMARY KEY)');
  await postgres.query('INSERT INTO drawers VALUES (1)');
});

beforeEach(async () => {
  source = await new DataSource({
    ...dataSourceOptions(postgres.url, { pool: 1, timeout: EACH }, { pooled: false, namedStatements: true }),
    migrations: [],
  }).initialize();
  database = new Database(source);
});

afterEach(async () => {
  await postgres.query('ROLLBACK');
  await source?.destroy();
});
afterAll(() => postgres?.drop());

const SLEEP = { name: 'sleep', text: 'SELECT pg_sleep(30)' };

/** Runs work under a deadline. Returns what it threw and how long it took. */
async function within(limit: number, work: () => Promise<unknown>) {
  const began = performance.now();
  const error = await underDeadline(new Deadline(limit), work).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return { error, took: performance.now() - began };
}

async function expectGivenUp(work: () => Promise<unknown>): Promise<void> {
  const { error, took } = await within(LIMIT, work);
  expect(isDatabaseUnavailable(error)).toBe(true);
  expect(took).toBeGreaterThanOrEqual(LIMIT * 0.9);
  // Far from what a single one of its waits may take by itself.
  expect(took).toBeLessThan(EACH / 2);
}

test.each<[string, () => Promise<unknown>]>([
  ['a statement by name', () => database.run(SLEEP, [])],
  ['a statement by the manager', () => database.manager.query(SLEEP.text)],
  ['a statement of a transaction', () => database.transaction((manager) => manager.query(SLEEP.text))],
  [
    'one after the other',
    async () => {
      for (let n = 0; n < 100; n++) await database.manager.query('SELECT pg_sleep(0.1)');
    },
  ],
  ['one beside the other', () => Promise.all([database.run(SLEEP, []), database.manager.query(SLEEP.text)])],
])('%s is given up when the request has no time left', async (_, work) => {
  await expectGivenUp(work);
});

test('a lock that others hold, after a wait in the line of the pool', async () => {
  await postgres.query('BEGIN');
  await postgres.query('SELECT FROM drawers FOR UPDATE');
  const ahead = database.run({ name: 'sleep-a-little', text: 'SELECT pg_sleep(0.3)' }, []);
  await expectGivenUp(() => database.transaction((manager) => manager.query('SELECT FROM drawers FOR UPDATE')));
  await ahead;
});

test('a connection that comes too late goes to the next in line', async () => {
  const ahead = database.run({ name: 'sleep-longer', text: 'SELECT pg_sleep(1)' }, []);
  await expectGivenUp(() => database.run(SLEEP, []));
  await ahead;
  expect(await database.manager.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a transaction that is run again has no more time than the first time', async () => {
  await expectGivenUp(() =>
    database.transaction(async (manager) => {
      await manager.query('SELECT pg_sleep(0.2)');
      await manager.query(`DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$`);
    }),
  );
});

test('a connection that was given up in a transaction is not used again', async () => {
  await within(LIMIT, () => database.transaction((manager) => manager.query(SLEEP.text)));
  await database.transaction((manager) => manager.query('DELETE FROM drawers WHERE id = 2'));
});

test('with no deadline, or one whose request is answered, a statement has its own limit alone', async () => {
  const over = new Deadline(1);
  over.finish();
  expect(currentDeadline()).toBeUndefined();
  await database.manager.query('SELECT pg_sleep(0.05)');
  await underDeadline(over, () => database.manager.query('SELECT pg_sleep(0.05)'));
  await underDeadline(over, () => database.run({ name: 'short', text: 'SELECT pg_sleep(0.05)' }, []));
});
