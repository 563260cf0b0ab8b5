import { Client, type QueryResultRow } from 'pg';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/platform/database/embedded/embedded-postgres.js';
import { findSchema } from '../../src/platform/database/schema.js';
import { withClient } from '../../src/platform/database/short-client.js';
import { PostgresSandbox } from '../support/postgres-sandbox.js';
import { updateSchema } from '../support/schema-update.js';

/**
 * SQL of the role of the server, which may set its own search_path: a copy of all tables in a schema of its own must neither
 * take the place of the audit log at the next start nor be given to the owner of the log, with what is hidden in it.
 */

const sandbox = new PostgresSandbox();
let postgres: EmbeddedPostgres;
let app: Client;

beforeAll(async () => {
  postgres = await startEmbeddedPostgres({ dataDir: sandbox.dataDir(), log: () => undefined });
  await start();
  app = new Client({ connectionString: postgres.url });
  app.on('error', () => undefined);
  await app.connect();
});
afterAll(async () => {
  await app?.end();
  await postgres?.stop();
  sandbox.clear();
});

/** As a server does it. Returns what it warns of. */
function start(database = 'gatehouse', isEmbedded = true): Promise<string[]> {
  return updateSchema(urlOf(postgres.url, database), isEmbedded ? urlOf(postgres.superuserUrl, database) : undefined);
}

function urlOf(url: string, database: string): string {
  const own = new URL(url);
  own.pathname = `/${database}`;
  return own.href;
}

const rows = async <Row extends QueryResultRow>(sql: string) => (await app.query<Row>(sql)).rows;

const COPY = `
  CREATE SCHEMA evil;
  DO $$
  DECLARE
    name text;
  BEGIN
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'gatehouse'::regnamespace AND relkind = 'r' LOOP
      EXECUTE format('CREATE TABLE evil.%I (LIKE gatehouse.%I INCLUDING ALL)', name, name);
    END LOOP;
  END $$;
  INSERT INTO evil.migrations SELECT * FROM gatehouse.migrations;
  CREATE VIEW evil.held_roles AS SELECT user_id, role FROM evil.user_roles;
  CREATE FUNCTION evil.actor_kind(evil.audit_events) RETURNS text LANGUAGE sql AS $$ SELECT ''::text $$;
  CREATE TABLE evil.heard (who name);
  GRANT ALL ON evil.heard TO PUBLIC;
  GRANT USAGE ON SCHEMA evil TO PUBLIC;
  CREATE FUNCTION evil.listen_in() RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO evil.heard VALUES (current_user); RETURN true; END $$;
  ALTER TABLE evil.audit_seals ADD CHECK (evil.listen_in());
  ALTER ROLE gatehouse IN DATABASE gatehouse SET search_path = evil`;

const SEAL = `
  INSERT INTO evil.audit_events (id, type) VALUES (gen_random_uuid(), 'auth.login');
  INSERT INTO evil.audit_chain (place, number, seal, mac, release)
    VALUES ('head', 0, sha256('seal'), sha256('mac'), sha256('shown'));
  SELECT evil.audit_append(1, now(), ARRAY(SELECT id FROM evil.audit_unsealed), '', sha256('a'), sha256('next'), sha256('c'), 'shown')`;

test('a copy of the tables that the path of the role leads to is not taken for ours', async () => {
  await app.query(COPY);
  await start();
  expect(await withClient(postgres.url, findSchema)).toEqual({ found: 'gatehouse', chosen: 'evil' });
  const given = await rows(`
    SELECT relnamespace::regnamespace::text || '.' || relname AS name FROM pg_class
    WHERE relkind = 'r' AND relowner = 'gatehouse_audit'::regrole ORDER BY 1`);
  expect(given.map(({ name }) => name)).toEqual(
    ['audit_chain', 'audit_events', 'audit_seals', 'audit_unsealed'].map((table) => `gatehouse.${table}`),
  );
  await app.query(SEAL).catch(() => undefined);
  expect(await rows(`SELECT DISTINCT who FROM evil.heard WHERE who <> 'gatehouse'`)).toEqual([]);
});

test('a log that was brought along with its entries is left alone, and the start says so', async () => {
  expect(await start()).toEqual([]);
  await app.query('CREATE DATABASE brought');
  await start('brought', false);
  const add = `INSERT INTO gatehouse.audit_events (id, type) VALUES (gen_random_uuid(), 'auth.login')`;
  await withClient(urlOf(postgres.url, 'brought'), (client) => client.query(add));
  const warnings = await start('brought');
  expect(warnings).toEqual([
    expect.stringMatching(/schema gatehouse belongs to the role of the server.*gatehouse_audit/),
  ]);
  expect(await start('brought')).toEqual(warnings);
});
