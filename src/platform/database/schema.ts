import type { Client } from 'pg';

/** The schema that Gatehouse makes for itself, in a database that has none of its tables yet. */
export const OWN_SCHEMA = 'gatehouse';

/** The role that the audit log belongs to in the embedded Postgres, as the data folder was made with it. Nobody signs in as it. */
export const AUDIT_ROLE = 'gatehouse_audit';

/** The schema cannot be used as it is, which only a person can mend. Says so in one sentence. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
}

/** What a connection sees of the schemas that may be ours. */
export interface SchemaView {
  /** Where our tables are; null where there are none, or none that a role of ours has made. */
  found: string | null;
  /** The first schema on the search_path of this connection. */
  chosen: string | null;
}

/** Whether the role o may be trusted with what ours runs. Everybody is "a role of a superuser", so that proves nothing. */
export const TRUSTED = `
  (o.rolname = CURRENT_USER OR o.rolsuper
    OR o.oid = (SELECT d.datdba FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
    OR o.rolname = 'pg_database_owner'
    OR (NOT (SELECT m.rolsuper FROM pg_catalog.pg_roles m WHERE m.rolname = CURRENT_USER)
      AND pg_catalog.pg_has_role(o.oid, 'USAGE')))`;

const OUR_TABLE = `
  EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_roles o ON o.oid = c.relowner
    WHERE c.relnamespace = n.oid AND c.relkind = 'r' AND ${TRUSTED} AND c.relname =`;

/** Whether the audit log of a schema was given out of the hands of the role that connects: no role of ours could have made that. */
const HAS_GIVEN_LOG = `
  EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_roles o ON o.oid = c.relowner
    WHERE c.relnamespace = n.oid AND c.relkind = 'r' AND c.relname = 'audit_events' AND o.rolname = '${AUDIT_ROLE}')`;

/**
 * The path of a role is the role's to set: where the audit log was given away, the schema of that log is ours whatever the path
 * says, or its SQL could have the next start take another log for it. Every name is qualified and every comparison is of two
 * values of one type, for it decides where names are looked up.
 */
const FIND = `
  SELECT (
    SELECT n.nspname::pg_catalog.text FROM pg_catalog.pg_namespace n
    WHERE (n.nspname = ANY (pg_catalog.current_schemas(false)) OR n.nspname = '${OWN_SCHEMA}' OR ${HAS_GIVEN_LOG})
      AND ${OUR_TABLE} 'session_tombstones') AND ${OUR_TABLE} 'migrations')
    ORDER BY ${HAS_GIVEN_LOG} DESC,
      pg_catalog.array_position(pg_catalog.current_schemas(false), n.nspname) NULLS LAST LIMIT 1
  ) AS found, pg_catalog.current_schema()::pg_catalog.text AS chosen`;

/**
 * Looks where our tables are: beside an audit log that was given away, then on the search_path of the connection, then in the
 * schema of our own.
 */
export async function findSchema(client: Client): Promise<SchemaView> {
  const { rows } = await client.query<SchemaView>(FIND);
  return rows[0] ?? { found: null, chosen: null };
}

/**
 * What a connection of ours looks names up in. Postgres looks into pg_catalog before; what may be planted by others, in `public`
 * or in a temporary schema, comes after everything of ours or not at all.
 */
export const searchPath = (schema: string): string => `${quoteName(schema)}, pg_temp`;

/** A name as SQL reads it, whatever is in it. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Puts names into a statement, which takes none as parameters: `{schema}` becomes the quoted value of `schema`. */
export function withNames(sql: string, names: Record<string, string>): string {
  return sql.replace(/\{(\w+)\}/g, (place, key: string) => {
    const name = names[key];
    return name === undefined ? place : quoteName(name);
  });
}

/** The search_path as a start-up option of a connection, which takes no round trip. */
export const searchPathOption = (schema: string): string =>
  `-c search_path=${searchPath(schema).replace(/[\\\s]/g, '\\$&')}`;

/** $1 search_path */
const ENTER = `SELECT pg_catalog.set_config('search_path', $1::text, false)`;

/**
 * Lets a connection that is ours alone look names up in our schema. Behind a transaction pooler it would stay on a connection
 * of somebody else: there the role has to have it.
 */
export async function enterSchema(client: Client): Promise<void> {
  const { found } = await findSchema(client);
  if (found !== null) await client.query(ENTER, [searchPath(found)]);
}

/** Throws SchemaError where names do not reach our schema first on a connection that a pooler has made. */
export async function checkPathBehindPooler(client: Client, schema: string): Promise<void> {
  const { chosen } = await findSchema(client);
  if (chosen === schema) return;
  throw new SchemaError(
    `Behind the pooler at DATABASE_URL names are not looked up in the schema ${schema} first. ${REMEDY}`,
  );
}

const REMEDY =
  'Set the search_path of its user to that schema, then public, by ALTER ROLE … IN DATABASE … SET search_path, let the pooler make its connections anew (RECONNECT), and start again.';
