import { Client, type QueryResultRow } from 'pg';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/platform/database/data-source.js';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/platform/database/embedded/embedded-postgres.js';
import { runMigrations } from '../../src/platform/database/run-migrations.js';
import { FORMER_OWNER } from '../support/former-owner.js';
import { loadMigrations } from '../support/migrations.js';
import { PostgresSandbox } from '../support/postgres-sandbox.js';
import { updateSchema } from '../support/schema-update.js';

/**
 * SQL of the role of the server against the embedded Postgres: what it plants must not run with the rights of another role
 * when the server starts again, nor when the functions of the audit log do their work.
 */

/** The last migration of the version whose migrations a superuser ran. */
const LAST_OF_FORMER = 'StampVersionsAlone1764200200000';

const sandbox = new PostgresSandbox();
let postgres: EmbeddedPostgres;
let clients: Client[] = [];

beforeAll(async () => {
  postgres = await startEmbeddedPostgres({ dataDir: sandbox.dataDir(), log: () => undefined });
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.end()));
  clients = [];
});
afterAll(async () => {
  await postgres?.stop();
  sandbox.clear();
});

interface Place {
  databaseUrl: string;
  superuserUrl: string;
  /** Runs SQL as the role of the server, with the search_path that an attacker likes. */
  app: (sql: string) => Promise<QueryResultRow[]>;
  superuser: (sql: string) => Promise<QueryResultRow[]>;
}

async function place(name: string): Promise<Place> {
  const server = await connect(postgres.url);
  await server(`CREATE DATABASE ${name}`);
  const [databaseUrl, superuserUrl] = [postgres.url, postgres.superuserUrl].map((url) => {
    const own = new URL(url);
    own.pathname = `/${name}`;
    return own.href;
  }) as [string, string];
  return { databaseUrl, superuserUrl, app: await connect(databaseUrl), superuser: await connect(superuserUrl) };
}

async function connect(url: string): Promise<Place['app']> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  clients.push(client);
  return async (sql) => {
    const results = await client.query(sql);
    return [results].flat().at(-1)?.rows ?? [];
  };
}

/** As a server does it. */
async function start({ databaseUrl, superuserUrl }: Place): Promise<void> {
  await updateSchema(databaseUrl, superuserUrl);
}

/** A database as the version before has left it: the tables in `public`, whose owner is the audit log's. */
async function formerPlace(name: string): Promise<Place> {
  const former = await place(name);
  const migrations = (await loadMigrations()).map((migration) => new migration());
  const last = migrations.findIndex((migration) => migration.constructor.name === LAST_OF_FORMER);
  const options = { ...dataSourceOptions(former.databaseUrl, { pool: 1, timeout: 0 }), migrations: [] };
  const source = await new DataSource(options).initialize();
  Object.assign(source, { migrations: migrations.slice(0, last + 1) });
  await runMigrations(source);
  await source.destroy();
  await former.superuser(FORMER_OWNER);
  return former;
}

/** Functions that fit what a start or the log calls, better than what is meant where their schema is looked through. */
const PLANTED = [
  'pg_advisory_lock(text)',
  'pg_advisory_xact_lock(text)',
  'pg_advisory_xact_lock(integer)',
  'pg_try_advisory_lock_shared(text)',
  'set_config(text, text, text)',
  'cardinality(uuid[])',
  'sha256(text)',
  'obj_description(oid, text)',
  'quote_ident(name)',
  'array_position(name[], name)',
];

const ESCALATE = `
  INSERT INTO public.heard VALUES (current_user, session_user);
  BEGIN
    EXECUTE 'ALTER ROLE gatehouse SUPERUSER';
  EXCEPTION WHEN OTHERS THEN NULL;
  END;
  BEGIN
    EXECUTE 'GRANT gatehouse_audit TO gatehouse';
  EXCEPTION WHEN OTHERS THEN NULL;
  END;`;

/** Everything of the kind that the role may do, in each schema in which it may create. */
async function plant({ app }: Place, schemas: string[], database: string): Promise<void> {
  await app(`
    CREATE TABLE public.heard (who name, really name);
    GRANT ALL ON public.heard TO PUBLIC;
    CREATE FUNCTION public.listen_in() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ${ESCALATE} END $$;
    CREATE FUNCTION public.on_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM public.listen_in(); RETURN NEW; END $$;
    CREATE FUNCTION public.same(uuid, uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM public.listen_in(); RETURN $1::text = $2::text; END $$;
    CREATE FUNCTION public.same(name, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM public.listen_in(); RETURN $1::text = $2; END $$;
    CREATE FUNCTION public.same(integer, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM public.listen_in(); RETURN $1::text = $2::text; END $$`);
  for (const schema of schemas) {
    for (const signature of PLANTED) {
      const result = signature.startsWith('cardinality') ? 'integer' : 'text';
      const body = `BEGIN PERFORM public.listen_in(); RETURN 1; END`;
      await app(`CREATE FUNCTION ${schema}.${signature} RETURNS ${result} LANGUAGE plpgsql AS $$ ${body} $$`);
    }
    for (const [left, right] of [
      ['uuid', 'uuid'],
      ['name', 'text'],
      ['integer', 'bigint'],
    ])
      await app(`CREATE OPERATOR ${schema}.= (LEFTARG = ${left}, RIGHTARG = ${right}, FUNCTION = public.same)`);
  }
  const path = [...schemas, 'pg_catalog'].join(', ');
  await app(`ALTER ROLE gatehouse IN DATABASE ${database} SET search_path = ${path}`);
  await app(`ALTER DATABASE ${database} SET search_path = ${path}`);
  await app(`ALTER DATABASE ${database} SET role = 'gatehouse'`);
  await app(`ALTER DATABASE ${database} SET default_transaction_read_only = on`);
  await app(`ALTER ROLE gatehouse IN DATABASE ${database} SET default_transaction_read_only = off`);
}

/** What the role has come to, by the catalog alone. */
async function gained({ superuser }: Place, schema: string): Promise<unknown> {
  await superuser('SET search_path = pg_catalog');
  await superuser('SET role = none');
  const [role] = await superuser(
    `SELECT rolsuper OR rolcreaterole OR rolbypassrls AS more FROM pg_roles WHERE rolname = 'gatehouse'`,
  );
  const members = await superuser(`SELECT 1 FROM pg_auth_members WHERE member = 'gatehouse'::regrole`);
  const owned = await superuser(`
    SELECT relname FROM pg_class WHERE relowner = 'gatehouse'::regrole AND relnamespace = '${schema}'::regnamespace AND relname LIKE 'audit%'
    UNION ALL SELECT proname FROM pg_proc WHERE proowner = 'gatehouse'::regrole AND pronamespace = '${schema}'::regnamespace AND proname LIKE 'audit%'`);
  const heard = await superuser(
    `SELECT DISTINCT who, really FROM public.heard WHERE who <> 'gatehouse' OR really <> 'gatehouse'`,
  );
  return { more: role?.more, members, owned, heard };
}

const NOTHING = { more: false, members: [], owned: [], heard: [] };

const SEAL = (schema: string) => `
  SET search_path = pg_catalog;
  INSERT INTO ${schema}.audit_events (id, type) VALUES (gen_random_uuid(), 'auth.login');
  SELECT ${schema}.audit_begin(0, sha256('seal'), sha256('mac'), sha256('shown'));
  SELECT ${schema}.audit_append(1, now(), ARRAY(SELECT id FROM ${schema}.audit_unsealed), repeat('a', 16)::bytea, sha256('a'), sha256('next'), sha256('c'), 'shown');
  SELECT ${schema}.audit_place('anchor', 1, sha256('a'), sha256('mac'), 'next');
  SELECT ${schema}.audit_cut(1, 'next')`;

test('on a database of this version', async () => {
  const own = await place('own');
  await start(own);
  await plant(own, ['gatehouse', 'public'], 'own');
  // As if the next version brought another form of the log: the superuser has to act again.
  await own.superuser(`SET search_path = pg_catalog; COMMENT ON TABLE gatehouse.audit_chain IS 'older'`);
  await start(own);
  await own.app(SEAL('gatehouse'));
  expect(await gained(own, 'gatehouse')).toEqual(NOTHING);
});

test('on a database of the version before, which is mended', async () => {
  const former = await formerPlace('former');
  await former.app(`INSERT INTO audit_chain VALUES ('head', 0, sha256('seal'), sha256('mac'))`);
  await plant(former, ['public'], 'former');
  await former.app(`
    CREATE TRIGGER mine BEFORE INSERT OR UPDATE ON public.audit_chain FOR EACH ROW EXECUTE FUNCTION public.on_row();
    CREATE VIEW public.mine AS SELECT * FROM public.audit_chain;
    ALTER TABLE public.audit_chain ALTER COLUMN number SET DEFAULT public.cardinality(NULL::uuid[]);
    CREATE FUNCTION public.audit_begin(number bigint, seal bytea, mac bytea, release bytea DEFAULT public.sha256('x'::text)::bytea)
      RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM public.listen_in(); END $$`);
  await start(former);
  await former.app(SEAL('public'));
  expect(await gained(former, 'public')).toEqual(NOTHING);
  const [head] = await former.superuser(`SELECT number::text FROM public.audit_chain WHERE place = 'head'`);
  expect(head).toEqual({ number: '1' });
});

test('the log of both is the same, but for its schema', async () => {
  const [own, former] = [await place('own_form'), await formerPlace('former_form')];
  await Promise.all([start(own), start(former)]);
  expect(await formOf(own, 'gatehouse')).toEqual(await formOf(former, 'public'));
});

/** The tables, functions and grants of the log. */
async function formOf({ superuser }: Place, schema: string): Promise<string[]> {
  await superuser('SET search_path = pg_catalog');
  const rows = await superuser(`
    WITH logs AS (SELECT * FROM pg_class WHERE relnamespace = '${schema}'::regnamespace AND relname LIKE 'audit%')
    SELECT concat_ws(' ', relname, relkind, relowner::regrole, relacl) AS line FROM logs
    UNION ALL SELECT concat_ws(' ', relname, attname, format_type(atttypid, atttypmod), attnotnull) FROM logs JOIN pg_attribute ON attrelid = logs.oid AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT concat_ws(' ', relname, conname, pg_get_constraintdef(c.oid)) FROM logs JOIN pg_constraint c ON conrelid = logs.oid
    UNION ALL SELECT concat_ws(' ', relname, pg_get_triggerdef(t.oid)) FROM logs JOIN pg_trigger t ON tgrelid = logs.oid
    UNION ALL SELECT concat_ws(' ', proowner::regrole, proacl, pg_get_functiondef(oid)) FROM pg_proc WHERE pronamespace = '${schema}'::regnamespace AND proname LIKE 'audit%'
    ORDER BY 1`);
  // gatehouse.audit_retention is a setting.
  const named = new RegExp(`"${schema}"|'${schema}'|\\b${schema}(?=\\.(?!audit_retention))`, 'g');
  return rows.map(({ line }) => String(line).replace(named, 'S')).sort();
}
