import { prepareSchema } from '../src/platform/database/make-schema.js';
import { checkPathBehindPooler, enterSchema, findSchema, SchemaError } from '../src/platform/database/schema.js';
import { weakSchemas } from '../src/platform/database/schema-rights.js';
import { withClient } from '../src/platform/database/short-client.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { createRole, runAs, superuserUrl, type TestRole } from './support/roles.js';

/** In which schema the tables are made, and where connections look them up. */
let database: TestDatabase;
let role: TestRole;

beforeEach(async () => {
  database = await createDatabase({ empty: true });
  role = await createRole(database);
});
afterEach(async () => {
  await role?.drop();
  await database?.drop();
});

const prepare = (url = role.url) => withClient(url, prepareSchema);
const asSuperuser = (sql: string) => runAs(superuserUrl(database.url), sql);
const allowSchemas = () => asSuperuser(`GRANT CREATE ON DATABASE ${nameOf()} TO ${role.name}`);
const nameOf = () => new URL(database.url).pathname.slice(1);
const currentSchema = async (url = role.url) => (await runAs(url, 'SELECT current_schema()'))[0]?.current_schema;

/** As the migrations leave them. */
const OUR_TABLES = (schema: string) =>
  `CREATE TABLE ${schema}.session_tombstones (); CREATE TABLE ${schema}.migrations ()`;

test('a new database gets a schema of its own, where a person who types SQL finds the tables too', async () => {
  await allowSchemas();
  expect(await prepare()).toBe('gatehouse');
  expect(await prepare()).toBe('gatehouse');
  expect(await currentSchema()).toBe('gatehouse');
});

test('a role that has other tables in the database goes on finding those first', async () => {
  await allowSchemas();
  await asSuperuser(`CREATE TABLE public.theirs (); ALTER TABLE public.theirs OWNER TO ${role.name}`);
  expect(await prepare()).toBe('gatehouse');
  expect(await currentSchema()).toBe('public');
});

test('a schema that the deployment has chosen is the one', async () => {
  await asSuperuser(`CREATE SCHEMA auth AUTHORIZATION ${role.name}`);
  const url = `${role.url}?options=-c%20search_path%3Dauth`;
  expect(await prepare(url)).toBe('auth');
  await runAs(url, OUR_TABLES('auth'));
  expect(await prepare(url)).toBe('auth');
});

test('tables that are there stay where they are', async () => {
  await allowSchemas();
  await asSuperuser(`GRANT CREATE ON SCHEMA public TO ${role.name}`);
  await runAs(role.url, OUR_TABLES('public'));
  expect(await prepare()).toBe('public');
  expect(await currentSchema()).toBe('public');
});

test('tables of our names that another role has made are not ours', async () => {
  const mallory = await createRole(database);
  await allowSchemas();
  await asSuperuser('GRANT CREATE ON SCHEMA public TO PUBLIC');
  await runAs(mallory.url, OUR_TABLES('public'));
  expect(await withClient(role.url, findSchema)).toMatchObject({ found: null });
  expect(await prepare()).toBe('gatehouse');
  await mallory.drop();
});

test.each(['gatehouse', 'the name of the role'])(
  'a schema that another role has put in the way is refused: %s',
  async (which) => {
    const mallory = await createRole(database);
    const schema = which === 'gatehouse' ? which : role.name;
    await allowSchemas();
    await asSuperuser(`CREATE SCHEMA ${schema} AUTHORIZATION ${mallory.name}; GRANT ALL ON SCHEMA ${schema} TO PUBLIC`);
    await expect(prepare()).rejects.toThrow(
      `The schema ${schema}, in which the tables would be made, belongs to another role, ${mallory.name}`,
    );
    await mallory.drop();
  },
);

describe('where a schema may not be made', () => {
  test('it says which right is needed, or falls back to public where nobody else may create there', async () => {
    await expect(prepare()).rejects.toThrow(SchemaError);
    await expect(prepare()).rejects.toThrow('GRANT CREATE ON DATABASE');
    await asSuperuser(`GRANT CREATE ON SCHEMA public TO ${role.name}`);
    expect(await prepare()).toBe('public');
    await asSuperuser('GRANT CREATE ON SCHEMA public TO PUBLIC');
    await expect(prepare()).rejects.toThrow('GRANT CREATE ON DATABASE');
  });
});

test('others who may create where names are looked up are found, with the REVOKE that ends it', async () => {
  const mallory = await createRole(database);
  const weak = (schema: string, pooled: boolean) =>
    withClient(role.url, (client) => weakSchemas(client, { schema, pooled }));
  await allowSchemas();
  await prepare();
  expect(await weak('gatehouse', false)).toEqual([]);
  await asSuperuser(`GRANT CREATE ON SCHEMA public TO PUBLIC; GRANT CREATE ON SCHEMA gatehouse TO ${mallory.name}`);
  const [found, ...others] = await weak('gatehouse', false);
  expect(found).toMatch(/may create in the schema gatehouse.* Run REVOKE/);
  expect(others).toEqual([]);
  const pooled = await weak('gatehouse', true);
  expect(pooled.map((text) => /Run (REVOKE .*)$/.exec(text)?.[1])).toEqual([
    `REVOKE CREATE ON SCHEMA "gatehouse" FROM ${mallory.name}`,
    'REVOKE CREATE ON SCHEMA "public" FROM PUBLIC',
  ]);
  for (const text of pooled) await asSuperuser(/Run (REVOKE .*)$/.exec(text)?.[1] ?? '');
  expect(await weak('gatehouse', true)).toEqual([]);
  await mallory.drop();
});

test('a connection enters the schema, and one of a pooler that leads elsewhere is refused', async () => {
  await asSuperuser(`CREATE TABLE public.theirs (); ALTER TABLE public.theirs OWNER TO ${role.name}`);
  await allowSchemas();
  await prepare();
  await runAs(role.url, OUR_TABLES('gatehouse'));
  await withClient(role.url, async (client) => {
    await expect(checkPathBehindPooler(client, 'gatehouse')).rejects.toThrow(
      'not looked up in the schema gatehouse first',
    );
    await enterSchema(client);
    const { rows } = await client.query('SHOW search_path');
    expect(rows).toEqual([{ search_path: '"gatehouse", pg_temp' }]);
    await checkPathBehindPooler(client, 'gatehouse');
  });
});
