import { DataSource } from 'typeorm';
import { isDatabaseUnavailable } from '../../src/platform/common/database-errors.js';
import { dataSourceOptions } from '../../src/platform/database/data-source.js';
import { Database } from '../../src/platform/database/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { ReplicatedPostgres } from '../support/replicated-postgres.js';
import { freshEmail, PASSWORD, type Problem } from '../support/users.js';
import { waitFor } from '../support/wait-for.js';

/**
 * A commit waits for a synchronous standby that is away, and an administrator cancels the wait. Postgres then answers that it
 * has committed, with a warning: the change stands on the primary alone, and the next failover loses it.
 */
const WAITING = `FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'gatehouse' AND query ~ $1`;

let pair: ReplicatedPostgres;
let source: DataSource;
let database: Database;
let gatehouse: Gatehouse;

beforeAll(async () => {
  pair = await ReplicatedPostgres.start({ synchronous: true });
  gatehouse = await Gatehouse.start({ DATABASE_URL: pair.url });
  const options = dataSourceOptions(pair.url, { pool: 1, timeout: 0 }, { pooled: false, namedStatements: true });
  source = await new DataSource({ ...options, migrations: [] }).initialize();
  database = new Database(source);
  await source.query('CREATE TABLE numbers (n integer)');
  await pair.cut();
});

afterAll(async () => {
  await source?.destroy();
  // Nothing that it still commits waits any more.
  await pair?.query(`ALTER SYSTEM SET synchronous_standby_names = ''`);
  await pair?.query('SELECT pg_reload_conf()');
  await gatehouse?.stop();
  await pair?.stop();
});

/** Cancels the wait of a commit that `query`, a regular expression, began. */
async function cancelWait(query: string): Promise<void> {
  await waitFor(async () => (await pair.query(`SELECT pg_cancel_backend(pid) ${WAITING}`, [query])).length > 0);
}

const backend = async () => (await source.query<{ pid: number }[]>('SELECT pg_backend_pid() AS pid'))[0]?.pid;
const isThere = async (n: number) => (await pair.query('SELECT FROM numbers WHERE n = $1', [n])).length === 1;

test.each<[string, number, string, (insert: string) => Promise<unknown>]>([
  ['a transaction', 1, '^COMMIT', (insert) => database.transaction((manager) => manager.query(insert))],
  ['a statement by name', 2, 'INSERT', (insert) => database.run({ name: 'insert', text: insert }, [])],
  ['a statement by the manager', 3, 'INSERT', (insert) => database.manager.query(insert)],
])('%s is in doubt, and its connection is not used again', async (_, n, query, write) => {
  const before = await backend();
  const written = write(`INSERT INTO numbers VALUES (${n})`).then(
    () => 'told as done',
    (error: unknown) => error,
  );
  await cancelWait(query);
  const error = await written;
  expect(error).toMatchObject({ code: '08007' });
  expect(isDatabaseUnavailable(error)).toBe(true);
  expect(await isThere(n)).toBe(true);
  expect(await backend()).not.toBe(before);
});

test('another warning is none of it', async () => {
  const warning = `DO $$ BEGIN RAISE WARNING 'canceling wait for synchronous replication due to user request'; END $$`;
  await database.manager.query(warning);
  await expect(database.run({ name: 'warn', text: warning }, [])).resolves.toEqual([]);
});

test('a sign-up is answered 503, and is there', async () => {
  const email = freshEmail();
  const signUp = gatehouse.call<Problem>('POST', '/v1/auth/register', { body: { email, password: PASSWORD } });
  await cancelWait('^COMMIT');
  const { status, body, headers } = await signUp;
  expect([status, body.code]).toEqual([503, 'database_unavailable']);
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await pair.query('SELECT FROM users WHERE email = $1', [email])).toHaveLength(1);
});
