import { createHash } from 'node:crypto';
import { Client } from 'pg';
import { AUDIT_ROLE, findSchema, withNames } from '../platform/database/schema.js';
import { withClient } from '../platform/database/short-client.js';
import { isOfAuditLog, readFunctions, type SqlFunction } from '../platform/database/sql-functions.js';
import { keptLog } from './kept-log.js';
import { AUDIT_TABLES, BOUND, CHAIN, GIVE_SCHEMA, GRANTS, TRIGGERS } from './log-objects.js';

/**
 * The session of the superuser, whatever the role of the server has set for the database: nothing but what Postgres brings is
 * found by a bare name.
 */
const OPTIONS = ['search_path=pg_catalog', 'role=none', 'default_transaction_read_only=off', 'lock_timeout=10s']
  .concat(['statement_timeout=0', 'transaction_timeout=0', 'standard_conforming_strings=on', 'row_security=off'])
  .map((setting) => `-c ${setting}`)
  .join(' ');

/** The lock of whatever writes to the chain. */
const TAKE_CHAIN = 'SELECT pg_catalog.pg_advisory_xact_lock(4711004::pg_catalog.int8)';

/** What the role of the server sees of the log. $1 schema */
const STATE = `
  SELECT c.relname::pg_catalog.text AS name, o.rolname::pg_catalog.text AS owner FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_roles o ON o.oid = c.relowner
  WHERE n.nspname = $1::pg_catalog.text::pg_catalog.name AND c.relkind = 'r'`;

/** What the owner of the log has written down of the functions that it has. $1 schema */
const MARK = `
  SELECT pg_catalog.obj_description(c.oid, 'pg_class'::pg_catalog.name) AS mark FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1::pg_catalog.text::pg_catalog.name AND c.relname = 'audit_chain'`;

/** The triggers of a table, ours or planted. $1 schema, $2 table */
const TRIGGERS_OF = `
  SELECT t.tgname::pg_catalog.text AS name FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1::pg_catalog.text::pg_catalog.name AND c.relname = $2::pg_catalog.text::pg_catalog.name
    AND NOT t.tgisinternal`;

interface Place {
  position: string;
  number: string;
  seal: Buffer;
  mac: Buffer;
  release: Buffer | null;
}

/** Where the server and the superuser reach the database. */
interface Ways {
  url: string;
  superuserUrl: string;
}

/**
 * Gives the audit log, its functions and its schema to a role that nobody signs in as, so that SQL of the server's role can
 * neither change nor stop it. That takes the superuser, whose session does this and nothing else: every name is qualified, and
 * no row, function or expression of the server's role is read or run. Does nothing where it was done, or where a log with
 * entries was brought along that belongs to the server's role: what is hidden in that, nobody knows. Returns what is to be said of
 * such a log, else null. Throws the driver's error.
 */
export async function handOverAuditLog({ url, superuserUrl }: Ways): Promise<string | null> {
  return withClient(url, async (app) => {
    const { found: schema } = await findSchema(app);
    if (schema === null) return null;
    const functions = (await readFunctions(schema)).filter(isOfAuditLog).filter(({ name }) => name !== 'audit_seal');
    const mark = markOf(functions);
    const tables = new Map(
      (await app.query<{ name: string; owner: string }>(STATE, [schema])).rows.map(({ name, owner }) => [name, owner]),
    );
    const isGiven = tables.get('audit_events') === AUDIT_ROLE;
    if (!isGiven && !(await isEmpty(app, schema))) return keptLog(app);
    const [chain] = (await app.query<{ mark: string | null }>(MARK, [schema])).rows;
    if (isGiven && tables.get('audit_chain') === AUDIT_ROLE && chain?.mark === mark) return null;
    await asSuperuser(superuserUrl, async (superuser) => {
      await superuser.query(TAKE_CHAIN);
      const places = tables.get('audit_chain') === AUDIT_ROLE ? null : await placesOf(app, schema);
      await giveSchema(superuser, schema);
      if (!isGiven) await giveTables(superuser, schema);
      await superuser.query(withNames(BOUND, { schema }));
      if (places) await makeChain(superuser, schema, places);
      await makeFunctions(superuser, schema, functions);
      await superuser.query(withNames(GRANTS, { schema }));
      await superuser.query(withNames(WRITE_MARK, { schema }).replace('{mark}', mark));
    });
    return null;
  });
}

const WRITE_MARK = `COMMENT ON TABLE {schema}.audit_chain IS '{mark}'`;

const markOf = (functions: SqlFunction[]): string =>
  `Written by the functions of the log alone (${createHash('sha256')
    .update(functions.map(({ text }) => text).join('\n') + TRIGGERS + CHAIN + BOUND + GRANTS)
    .digest('hex')})`;

async function isEmpty(app: Client, schema: string): Promise<boolean> {
  return (await app.query(withNames('SELECT FROM {schema}.audit_events LIMIT 1', { schema }))).rowCount === 0;
}

async function asSuperuser(connectionString: string, work: (superuser: Client) => Promise<void>): Promise<void> {
  const superuser = new Client({
    connectionString,
    options: OPTIONS,
    application_name: 'gatehouse audit owner',
    connectionTimeoutMillis: 5_000,
  });
  superuser.on('error', () => undefined);
  await superuser.connect();
  try {
    await superuser.query('BEGIN');
    await work(superuser);
    await superuser.query('COMMIT');
  } finally {
    await superuser.end().catch(() => undefined);
  }
}

const PLACES = `
  SELECT place::pg_catalog.text AS position, number::pg_catalog.text AS number, seal, mac, release FROM {schema}.audit_chain`;

/** Read by the role that owns them: to the superuser they are values. */
async function placesOf(app: Client, schema: string): Promise<Place[]> {
  return (await app.query<Place>(withNames(PLACES, { schema }))).rows;
}

/** The owner of a schema may drop what is in it. */
async function giveSchema(superuser: Client, schema: string): Promise<void> {
  const { database } = superuser as unknown as { database: string };
  await superuser.query(withNames(GIVE_SCHEMA, { schema, database }));
}

async function giveTables(superuser: Client, schema: string): Promise<void> {
  const give = `ALTER TABLE {schema}.{table} OWNER TO ${AUDIT_ROLE}`;
  for (const table of AUDIT_TABLES) await superuser.query(withNames(give, { schema, table }));
  const giveKind = `ALTER FUNCTION {schema}.actor_kind({schema}.audit_events) OWNER TO ${AUDIT_ROLE}`;
  await superuser.query(withNames(giveKind, { schema }));
}

const ADD_PLACE = `
  INSERT INTO {schema}.audit_chain (place, number, seal, mac, release)
  VALUES ($1::pg_catalog.text, $2::pg_catalog.int8, $3::pg_catalog.bytea, $4::pg_catalog.bytea, $5::pg_catalog.bytea)`;

/** Made anew: the role of the server could have hidden a trigger or a condition in its own, which the functions would run. */
async function makeChain(superuser: Client, schema: string, places: Place[]): Promise<void> {
  await superuser.query(withNames('DROP TABLE {schema}.audit_chain CASCADE', { schema }));
  await superuser.query(withNames(CHAIN, { schema }));
  for (const { position, number, seal, mac, release } of places) {
    await superuser.query(withNames(ADD_PLACE, { schema }), [position, number, seal, mac, release]);
  }
  await superuser.query(withNames(`ALTER TABLE {schema}.audit_chain OWNER TO ${AUDIT_ROLE}`, { schema }));
}

/** For servers of the version before; it asks for nothing to be shown. */
const DROP_FORMER = `
  DROP FUNCTION IF EXISTS {schema}.audit_seal(pg_catalog.int8, pg_catalog.timestamptz, pg_catalog.uuid[],
    pg_catalog.bytea, pg_catalog.bytea, pg_catalog.bytea) CASCADE`;

/** Whatever hangs on the former ones goes with them; their triggers are made again. */
async function makeFunctions(superuser: Client, schema: string, functions: SqlFunction[]): Promise<void> {
  for (const table of [...AUDIT_TABLES, 'audit_chain']) {
    const { rows } = await superuser.query<{ name: string }>(TRIGGERS_OF, [schema, table]);
    for (const { name } of rows)
      await superuser.query(withNames('DROP TRIGGER {name} ON {schema}.{table}', { name, schema, table }));
  }
  await superuser.query(withNames(DROP_FORMER, { schema }));
  for (const { name, text } of functions) {
    const on = (statement: string) =>
      superuser.query(withNames(statement, { schema, name }).replace('{parameters}', parametersOf(text)));
    await on('DROP FUNCTION IF EXISTS {schema}.{name}({parameters}) CASCADE');
    await superuser.query(text);
    await on(`ALTER FUNCTION {schema}.{name}({parameters}) OWNER TO ${AUDIT_ROLE}`);
    if (/RETURNS trigger/.test(text)) await on('REVOKE ALL ON FUNCTION {schema}.{name}({parameters}) FROM PUBLIC');
    if (!INVOKER.includes(name)) await on('ALTER FUNCTION {schema}.{name}({parameters}) SECURITY DEFINER');
  }
  await superuser.query(withNames(TRIGGERS, { schema }));
}

/** The one refuses, the other counts in a table of the server's role: neither needs more rights than its caller has. */
const INVOKER = ['audit_events_refuse', 'audit_events_tally'];

/** What stands between the brackets after the name of a function in its file. */
function parametersOf(text: string): string {
  return /^CREATE OR REPLACE FUNCTION [^(]+\(([^)]*)\)/m.exec(text)?.[1]?.trim() ?? '';
}
