import { Logger } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { DataSource } from 'typeorm';
import { createDatabase, type TestDatabase } from '../../../test/support/database.js';
import { dataSourceOptions } from './data-source.js';
import { Database } from './database.js';
import type { Pooling } from './pooler.js';

const READ_ONLY = 'SET default_transaction_read_only = on';
const WRITE = 'CREATE TABLE never (id integer)';
const BACKEND = 'SELECT pg_backend_pid() AS pid';
const DOUBLE = { name: 'double', text: 'SELECT $1::integer * 2 AS double' };
const PREPARED = `SELECT FROM pg_prepared_statements WHERE name = 'double'`;

let postgres: TestDatabase;
let source: DataSource;
let database: Database;

beforeAll(async () => {
  Logger.overrideLogger(false);
  postgres = await createDatabase({ empty: true });
});

/** One connection, so that the next statement has the same unless that was closed. */
const open = (pooling?: Pooling) =>
  new DataSource({
    ...dataSourceOptions(postgres.url, { pool: 1, timeout: 5_000 }, pooling),
    migrations: [],
  }).initialize();

beforeEach(async () => {
  source = await open({ pooled: false, namedStatements: true });
  database = new Database(source);
});

afterEach(() => source?.destroy());
afterAll(() => postgres?.drop());

async function backend(): Promise<number | undefined> {
  const [row] = await source.query<{ pid: number }[]>(BACKEND);
  return row?.pid;
}

const double = async (value: number) => (await database.run<{ double: number }>(DOUBLE, [value]))[0]?.double;

test.each<[string, (statement: string) => Promise<unknown>]>([
  ['by the manager', (statement) => database.manager.query(statement)],
  ['by name', (statement) => database.run({ name: 'write', text: statement }, [])],
  ['in a transaction', (statement) => database.transaction((manager) => manager.query(statement))],
  [
    'in a savepoint',
    (statement) =>
      database.transaction((manager) => database.savepoint(manager, (savepoint) => savepoint.query(statement))),
  ],
])('a write %s to a primary that was demoted closes the connection', async (_, write) => {
  const before = await backend();
  await source.query(READ_ONLY);
  await expect(write(WRITE)).rejects.toMatchObject({ code: '25006' });
  expect(await backend()).not.toBe(before);
  await write(WRITE);
  await source.query('DROP TABLE never');
});

test('a connection that the server ends is not given to the next', async () => {
  const before = await backend();
  const ending = database.transaction((manager) => manager.query('SELECT pg_terminate_backend(pg_backend_pid())'));
  await expect(ending).rejects.toMatchObject({ code: '57P01' });
  expect(await backend()).not.toBe(before);
});

test.each(['SELECT 1 / 0', `SELECT 'x'::integer`, 'SELECT * FROM nowhere'])(
  'a connection on which "%s" was refused goes on',
  async (statement) => {
    const before = await backend();
    await expect(database.transaction((manager) => manager.query(statement))).rejects.toThrow();
    expect(await backend()).toBe(before);
  },
);

test.each(['SELECT 1 / 0', 'SELECT * FROM nowhere'])('nor does "%s" by name cost its connection', async (text) => {
  const before = await backend();
  await expect(database.run({ name: 'refused', text }, [])).rejects.toThrow();
  expect(await backend()).toBe(before);
});

test('a statement by name whose table was altered fails once: the next connection plans it anew', async () => {
  await source.query('CREATE TABLE altered AS SELECT 1 AS one');
  const all = { name: 'all', text: 'SELECT * FROM altered' };
  await database.run(all, []);
  await source.query('ALTER TABLE altered ADD COLUMN two integer');
  await expect(database.run(all, [])).rejects.toMatchObject({ code: '0A000' });
  expect(await database.run(all, [])).toEqual([{ one: 1, two: null }]);
  await source.query('DROP TABLE altered');
});

test('the server knows the limit of a statement where no pooler stands before it', async () => {
  expect(await source.query('SHOW statement_timeout')).toEqual([{ statement_timeout: '5s' }]);
});

test('where it is not known whether a pooler is there, no limit is sent and no name', async () => {
  const plain = await open();
  expect(await plain.query('SHOW statement_timeout')).toEqual([{ statement_timeout: '0' }]);
  expect(await new Database(plain).run(DOUBLE, [21])).toEqual([{ double: 42 }]);
  expect(await plain.query(PREPARED)).toEqual([]);
  await plain.destroy();
});

test('a statement is prepared once under its name', async () => {
  expect([await double(1), await double(2)]).toEqual([2, 4]);
  expect(await source.query(PREPARED)).toHaveLength(1);
});

/** What happens to a name behind a pooler that has given the connection away. */
test.each([
  ['is lost', 'DEALLOCATE ALL', true],
  ['is there already', 'PREPARE double AS SELECT 0 AS double', false],
])('a name that %s breaks no statement, and none is used from then on', async (_, meanwhile, runBefore) => {
  if (runBefore) await double(1);
  await source.query(meanwhile);
  expect(await double(2)).toBe(4);
  await source.query('DEALLOCATE ALL');
  expect(await Promise.all([double(3), double(4)])).toEqual([6, 8]);
  expect(await source.query(PREPARED)).toEqual([]);
});

test('nor one of a library that takes a connection for itself', async () => {
  const pool = (source.driver as unknown as { master: { connect(): Promise<PoolClient> } }).master;
  const client = await pool.connect();
  await client.query({ ...DOUBLE, values: [1] });
  await client.query('DEALLOCATE ALL');
  expect((await client.query({ ...DOUBLE, values: [2] })).rows).toEqual([{ double: 4 }]);
  client.release();
});
