import { Logger } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { createDatabase, type TestDatabase } from '../../../test/support/database.js';
import { TcpProxy } from '../../../test/support/tcp-proxy.js';
import { isDatabaseUnavailable } from '../common/database-errors.js';
import { dataSourceOptions } from './data-source.js';
import { Database } from './database.js';

/** What becomes of a transaction that the database undoes, or whose connection is cut, at every step of it. */
let postgres: TestDatabase;
let proxy: TcpProxy;
let source: DataSource;
let database: Database;

beforeAll(async () => {
  Logger.overrideLogger(false);
  postgres = await createDatabase({ empty: true });
  await postgres.query('CREATE TABLE drawers (id integer PRIMARY KEY, content integer NOT NULL)');
  await postgres.query(`
    CREATE FUNCTION fail(code text) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'as asked' USING ERRCODE = code; END $$`);
  proxy = await TcpProxy.before(postgres.url);
  source = await new DataSource({
    ...dataSourceOptions(proxy.url, { pool: 2, timeout: 10_000 }, { pooled: false, namedStatements: true }),
    migrations: [],
  }).initialize();
  database = new Database(source);
});

beforeEach(async () => {
  await postgres.query('DELETE FROM drawers');
  await postgres.query('INSERT INTO drawers VALUES (1, 0), (2, 0)');
});

afterEach(() => proxy.heal());

afterAll(async () => {
  await source?.destroy();
  await proxy?.close();
  await postgres?.drop();
});

const add = (id: number, manager: EntityManager) =>
  manager.query('UPDATE drawers SET content = content + 1 WHERE id = $1', [id]);
const contents = async () => {
  const rows = await postgres.query<{ content: number }>('SELECT content FROM drawers ORDER BY id');
  return rows.map(({ content }) => content);
};
const fail = (code: string, manager: EntityManager) => manager.query('SELECT fail($1)', [code]);

/** A number that grows with each try, so that the first `times` fail. */
function failing(times: number, code: string) {
  let tried = 0;
  return {
    get tried() {
      return tried;
    },
    step: async (manager: EntityManager) => {
      tried++;
      if (tried <= times) await fail(code, manager);
    },
  };
}

test('two transactions that wait for each other are both made', async () => {
  let meet = () => {};
  const both = new Promise<void>((resolve) => {
    meet = resolve;
  });
  let here = 0;
  const move = (first: number, second: number) =>
    database.transaction(async (manager) => {
      await add(first, manager);
      here++;
      if (here === 2) meet();
      await both;
      await add(second, manager);
    });
  await Promise.all([move(1, 2), move(2, 1)]);
  expect(await contents()).toEqual([2, 2]);
});

describe.each(['40001', '40P01'])('%s', (code) => {
  test('a transaction is run again from its beginning, and what follows it follows once', async () => {
    const trouble = failing(2, code);
    let followed = 0;
    const result = await database.transaction(async (manager) => {
      await add(1, manager);
      database.afterCommit(manager, () => {
        followed++;
      });
      await database.savepoint(manager, (inner) => trouble.step(inner));
      return 'done';
    });
    expect([result, trouble.tried, followed, await contents()]).toEqual(['done', 3, 1, [1, 0]]);
  });

  test('after four tries it is given up, as a database that has no answer', async () => {
    const trouble = failing(Number.POSITIVE_INFINITY, code);
    const error = await database.transaction((manager) => trouble.step(manager)).catch((thrown: unknown) => thrown);
    expect([trouble.tried, isDatabaseUnavailable(error)]).toEqual([4, true]);
  });

  test('what cannot be run again is not', async () => {
    const trouble = failing(1, code);
    await expect(database.transactionOnce((manager) => trouble.step(manager))).rejects.toMatchObject({ code });
    expect(trouble.tried).toBe(1);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['by the manager', () => database.manager.query('SELECT step()')],
    ['by name', () => database.run({ name: `step-${code}`, text: 'SELECT step()' }, [])],
  ])('a statement %s is run again', async (_, run) => {
    // A sequence is the one thing that a rollback leaves.
    await postgres.query('CREATE SEQUENCE IF NOT EXISTS steps');
    await postgres.query(`
      CREATE OR REPLACE FUNCTION step() RETURNS void LANGUAGE plpgsql AS $$
      BEGIN IF nextval('steps') % 3 <> 0 THEN PERFORM fail('${code}'); END IF; END $$`);
    await postgres.query(`SELECT setval('steps', 3)`);
    await run();
    const [row] = await postgres.query<{ last: string }>('SELECT last_value AS last FROM steps');
    expect(row?.last).toBe('6');
  });
});

test.each(['53100', '53200', '53300', '58030', '55P03', '57014', '23505', 'P0001'])(
  '%s is not run again',
  async (code) => {
    const trouble = failing(1, code);
    await expect(database.transaction((manager) => trouble.step(manager))).rejects.toMatchObject({ code });
    expect(trouble.tried).toBe(1);
  },
);

/** Runs everything that a transaction can say, and ends it by an error where `last` is ROLLBACK. */
async function everyStep(last: 'COMMIT' | 'ROLLBACK', tried: () => void): Promise<unknown> {
  return database
    .transaction(async (manager) => {
      tried();
      await add(1, manager);
      await database.savepoint(manager, (inner) => inner.query('SELECT 11'));
      await database
        .savepoint(manager, (inner) => inner.query('SELECT 1 / 0'))
        .catch((error: Error) => {
          if (isDatabaseUnavailable(error)) throw error;
        });
      await add(2, manager);
      if (last === 'ROLLBACK') await manager.query('SELECT no_such_column');
    })
    .catch((error: unknown) => error);
}

test.each<[string, 'COMMIT' | 'ROLLBACK']>([
  ['START TRANSACTION', 'COMMIT'],
  ['UPDATE drawers', 'COMMIT'],
  ['SAVEPOINT typeorm_1', 'COMMIT'],
  ['SELECT 11', 'COMMIT'],
  ['RELEASE SAVEPOINT', 'COMMIT'],
  ['SELECT 1 / 0', 'COMMIT'],
  ['ROLLBACK TO SAVEPOINT', 'COMMIT'],
  ['COMMIT', 'COMMIT'],
])('cut at %s: the database is away, and nothing is run a second time', async (text, last) => {
  let tries = 0;
  proxy.cutAfter(text);
  const error = await everyStep(last, () => {
    tries++;
  });
  expect([text, isDatabaseUnavailable(error)]).toEqual([text, true]);
  expect(tries).toBeLessThanOrEqual(1);
  await proxy.heal();
  // In doubt at the commit alone, which is made here.
  expect(await contents()).toEqual(text === 'COMMIT' ? [1, 1] : [0, 0]);
});

test('cut at ROLLBACK: what made it roll back is told, and the connection is not used again', async () => {
  proxy.cutAfter('ROLLBACK');
  await everyStep('ROLLBACK', () => {});
  await proxy.heal();
  expect(await contents()).toEqual([0, 0]);
  await database.transaction((manager) => add(1, manager));
  expect(await contents()).toEqual([1, 0]);
});
