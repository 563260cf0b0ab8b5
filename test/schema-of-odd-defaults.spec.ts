import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../src/platform/database/data-source.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { describeSchema } from './support/schema.js';
import { updateSchema } from './support/schema-update.js';

/**
 * What the migrations make does not depend on what the operator has set for the database, nor do its limits end them: with
 * standard_conforming_strings off a `\.` in a condition would become a dot that stands for any letter.
 */
const DEFAULTS = {
  standard_conforming_strings: 'off',
  quote_all_identifiers: 'on',
  array_nulls: 'off',
  DateStyle: 'German',
  default_transaction_isolation: 'serializable',
  lock_timeout: '1ms',
  transaction_timeout: '1s',
};

const made: TestDatabase[] = [];

afterAll(() => Promise.all(made.map((database) => database.drop())));

/** The schema of a new database with these defaults, as a start makes it. */
async function schemaUnder(defaults: Record<string, string>): Promise<string[]> {
  const database = await createDatabase({ empty: true });
  made.push(database);
  const name = new URL(database.url).pathname.slice(1);
  const known = await database.query<{ name: string }>('SELECT name FROM pg_settings');
  for (const [setting, value] of Object.entries(defaults)) {
    if (known.some((row) => row.name === setting))
      await database.query(`ALTER DATABASE ${name} SET ${setting} = '${value}'`);
  }
  await updateSchema(database.url);
  const pooling = { pooled: false, namedStatements: true };
  const options = dataSourceOptions(database.url, { pool: 1, timeout: 0 }, pooling, 'gatehouse');
  const source = await new DataSource({ ...options, migrations: [] }).initialize();
  const schema = await describeSchema(source);
  await source.destroy();
  return schema;
}

test('the schema is the same whatever the database has for defaults', async () => {
  const plain = await schemaUnder({});
  expect(plain.length).toBeGreaterThan(100);
  expect(await schemaUnder(DEFAULTS)).toEqual(plain);
}, 120_000);
