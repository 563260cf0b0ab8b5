import { CliHost } from './support/cli.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { GatehouseProcess } from './support/gatehouse.js';

/** DATABASE_DIRECT_URL that names another database than DATABASE_URL: a slip that must not leave a schema there. */

let database: TestDatabase;
let other: TestDatabase;
let shell: CliHost;

beforeAll(async () => {
  [database, other] = await Promise.all([createDatabase(), createDatabase({ empty: true })]);
  shell = new CliHost(database.url);
});

afterAll(async () => {
  await shell?.stop();
  await Promise.all([database?.drop(), other?.drop()]);
});

const SENTENCE = 'DATABASE_DIRECT_URL leads to another database than DATABASE_URL. Let both lead to the same one.';

const tablesOfOther = () =>
  other.query(`SELECT tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`);

test.each(['notify', 'poll'])(
  'with %s a start says so in one sentence, exits 78 and migrates nothing',
  async (feed) => {
    const env = { DATABASE_URL: database.url, DATABASE_DIRECT_URL: other.url, REVOCATION_FEED: feed };
    const gatehouse = GatehouseProcess.launch(env);
    expect((await gatehouse.exited).code).toBe(78);
    expect(gatehouse.output.trim().split('\n')).toEqual([SENTENCE]);
    expect(await tablesOfOther()).toEqual([]);
  },
);

test('a command says the same, and the doctor finds it, instead of notifications that do not arrive', async () => {
  const env = { DATABASE_DIRECT_URL: other.url };
  const listed = await shell.run(['users:list'], { env });
  expect([listed.code, listed.stderr.trim(), listed.stdout]).toEqual([78, SENTENCE, '']);
  const examined = await shell.run(['doctor'], { env });
  expect(examined.code).toBe(1);
  const faults = examined.stdout.split('\n').filter((line) => line.startsWith('FAULT'));
  expect(faults).toEqual([`FAULT    ${SENTENCE}`]);
  expect(await tablesOfOther()).toEqual([]);
});

test('one that names the same database otherwise is let be', async () => {
  const same = new URL(database.url);
  same.searchParams.set('application_name', 'direct');
  expect((await shell.run(['users:list'], { env: { DATABASE_DIRECT_URL: same.href } })).code).toBe(0);
});

test('the doctor finds a database that takes no writes', async () => {
  const readOnly = new URL(database.url);
  readOnly.searchParams.set('options', '-c default_transaction_read_only=on');
  const examined = await shell.run(['doctor'], { env: { DATABASE_URL: readOnly.href } });
  expect(examined.code).toBe(1);
  const faults = examined.stdout.split('\n').filter((line) => line.startsWith('FAULT'));
  expect(faults).toEqual([expect.stringMatching(/^FAULT +The database takes no writes.*DATABASE_URL to the primary/)]);
});
