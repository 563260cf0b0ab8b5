import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { createRole, runAs, superuserUrl, type TestRole } from '../support/roles.js';
import { freshEmail, PASSWORD, signIn, signUp } from '../support/users.js';

/**
 * Another role plants functions in `public`, where everybody may create in a database that was raised from Postgres 14, that
 * fit what a server calls with parameters of no type better than what is meant. None may ever run.
 */
let database: TestDatabase;
let mallory: TestRole;
let gatehouse: Gatehouse;

const PLANTED = [
  ['new_session_id(text)', 'uuid'],
  ['guesses_reserve(text)', 'text'],
  ['guesses_settle(text, text, text)', 'text'],
  ['user_role_names(text)', 'text[]'],
  ['end_sessions(text, text)', 'uuid'],
  ['audit_append(text, timestamptz, text, text, text, text, text, text)', 'void'],
  ['pg_advisory_xact_lock(text)', 'void'],
  ['pg_advisory_xact_lock(integer)', 'void'],
  ['pg_try_advisory_xact_lock(integer)', 'boolean'],
  ['pg_notify(text, character varying)', 'void'],
  ['cardinality(text[])', 'integer'],
  ['cardinality(uuid[])', 'integer'],
  ['cardinality(float8[])', 'integer'],
  ['array_position(float8[], float8)', 'integer'],
  ['array_remove(text[], text)', 'text[]'],
  ['unnest(text[])', 'text'],
  ['unnest(uuid[])', 'uuid'],
] as const;

beforeAll(async () => {
  database = await createDatabase({ empty: true });
  mallory = await createRole(database);
  await runAs(superuserUrl(database.url), 'GRANT CREATE ON SCHEMA public TO PUBLIC');
  await runAs(mallory.url, 'CREATE TABLE public.heard (who name); GRANT ALL ON public.heard TO PUBLIC');
  for (const [signature, result] of PLANTED) {
    const end = result === 'void' ? 'RETURN' : 'RETURN NULL';
    await runAs(
      mallory.url,
      `CREATE FUNCTION public.${signature} RETURNS ${result} LANGUAGE plpgsql AS $$
       BEGIN INSERT INTO public.heard VALUES (current_user); ${end}; END $$`,
    );
  }
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url, RATE_LIMITS: 'on' });
});

afterAll(async () => {
  await gatehouse?.stop();
  await mallory?.drop();
  await database?.drop();
});

test('none runs while somebody signs up, signs in, is searched for and signs out everywhere', async () => {
  const email = freshEmail();
  await signUp(gatehouse, { email, password: PASSWORD });
  const { accessToken: token } = await signIn(gatehouse, email);
  await gatehouse.call('POST', '/v1/auth/login', { body: { email, password: 'wrong' } });
  await gatehouse.call('GET', '/v1/users/me', { token });
  expect((await gatehouse.call('POST', '/v1/auth/logout-all', { token })).status).toBeLessThan(300);
  expect(await runAs(mallory.url, 'SELECT * FROM public.heard')).toEqual([]);
});

test('a person at psql, with the role of the server, finds the tables without their schema', async () => {
  const [row] = await database.query<{ schema: string }>(
    `SELECT relnamespace::regnamespace::text AS schema FROM pg_class WHERE oid = 'sessions'::regclass`,
  );
  expect(row).toEqual({ schema: 'gatehouse' });
  await database.query('UPDATE sessions SET revoked_at = now() WHERE revoked_at IS NULL');
});

describe('statements', () => {
  const FOLDER = fileURLToPath(new URL('../../src/', import.meta.url));
  const texts = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
    .map((name) => ({ name, text: readFileSync(join(FOLDER, name), 'utf8') }));

  /** A function call with a parameter of no type among its arguments. */
  const UNTYPED =
    /(?<![\w.])(?!(?:any|all|values|in|exists|greatest|least|coalesce|nullif)\s*\()[a-z_][a-z_0-9.]*\([^()`;]*\$\d+(?!\d|::)\s*[,)]/g;

  test('give every parameter that goes straight into a function its type', () => {
    const found = texts.flatMap(({ name, text }) =>
      (text.match(UNTYPED) ?? []).map((call) => `${name}: ${call.replace(/\s+/g, ' ')}`),
    );
    expect(found).toEqual([]);
  });

  test('name the schema of what takes a lock, whose argument may be of two types', () => {
    const bare = texts.flatMap(({ name, text }) => (/(?<!\.)pg_(?:try_)?advisory\w*\(/.test(text) ? [name] : []));
    expect(bare).toEqual([]);
  });
});
