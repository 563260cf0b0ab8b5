import { readFileSync } from 'node:fs';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../src/platform/database/data-source.js';
import { applyFunctions, readFunctions } from '../src/platform/database/sql-functions.js';
import { CliHost } from './support/cli.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse, GatehouseProcess } from './support/gatehouse.js';
import { loadMigrations } from './support/migrations.js';
import { runAs, superuserUrl } from './support/roles.js';
import { freshEmail, PASSWORD, signIn, signUp } from './support/users.js';

/** An installation of the version before, with its tables in `public`: it goes on there, and can be moved. */
let database: TestDatabase;
let shell: CliHost;

beforeAll(async () => {
  database = await createDatabase({ empty: true });
  shell = new CliHost(database.url);
  const options = { ...dataSourceOptions(database.url, { pool: 2, timeout: 60_000 }), migrations: [] };
  const source = await new DataSource(options).initialize();
  Object.assign(source, { migrations: (await loadMigrations()).map((migration) => new migration()) });
  await source.runMigrations({ transaction: 'each' });
  await applyFunctions(source, await readFunctions('public'));
  await source.destroy();
});

afterAll(async () => {
  await shell?.stop();
  await database?.drop();
});

const schemas = () =>
  database.query<{ name: string }>(
    `SELECT DISTINCT relnamespace::regnamespace::text AS name FROM pg_class WHERE relname IN ('users', 'migrations') AND relkind = 'r'`,
  );
const faults = async () => {
  const { stdout } = await shell.run(['doctor']);
  return stdout.split('\n').filter((line) => line.startsWith('FAULT') && line.includes('create in the schema'));
};

test('stays where it is, warns where others may create there, and says what ends it', async () => {
  await runAs(superuserUrl(database.url), 'GRANT CREATE ON SCHEMA public TO PUBLIC');
  const gatehouse = await GatehouseProcess.start({ DATABASE_URL: database.url });
  expect(await schemas()).toEqual([{ name: 'public' }]);
  expect(gatehouse.output).toContain('Other roles may create in the schema public');
  await gatehouse.stop();
  const [fault] = await faults();
  const revoke = /Run (REVOKE .*)$/.exec(fault ?? '')?.[1];
  expect(revoke).toBe('REVOKE CREATE ON SCHEMA "public" FROM PUBLIC');
  await runAs(superuserUrl(database.url), revoke ?? '');
  expect(await faults()).toEqual([]);
});

test('is moved by the statements of docs/database.md, and every function comes along', async () => {
  const docs = readFileSync(new URL('../docs/database.md', import.meta.url), 'utf8');
  const statements = /```sql\n(BEGIN;\nALTER SCHEMA public RENAME[^`]+)```/.exec(docs)?.[1];
  const email = freshEmail();
  const before = await Gatehouse.start({ DATABASE_URL: database.url });
  await signUp(before, { email, password: PASSWORD });
  await before.stop();
  await database.query(statements ?? '');

  const gatehouse = await Gatehouse.start({ DATABASE_URL: database.url });
  expect(await schemas()).toEqual([{ name: 'gatehouse' }]);
  const { accessToken: token } = await signIn(gatehouse, email);
  const change = { body: { currentPassword: PASSWORD, newPassword: `${PASSWORD} anew` }, token };
  expect((await gatehouse.call('POST', '/v1/users/me/password', change)).status).toBeLessThan(300);
  await signIn(gatehouse, email, `${PASSWORD} anew`);
  await gatehouse.stop();
  const stale = await database.query(`
    SELECT proname FROM pg_proc WHERE pronamespace = 'gatehouse'::regnamespace
      AND (prosrc ~ '\\mpublic\\M' OR array_to_string(proconfig, ' ') ~ '\\mpublic\\M')`);
  expect(stale).toEqual([]);
});
