import type { Client } from 'pg';
import { findSchema, OWN_SCHEMA, SchemaError, TRUSTED, withNames } from './schema.js';
import { othersWhoCreate } from './schema-rights.js';

const INSUFFICIENT_PRIVILEGE = '42501';
/** Another instance that starts was faster. */
const MADE_MEANWHILE = ['42P06', '23505'];

/** $1 schema */
const OWNER = `
  SELECT ${TRUSTED} AS trusted, o.rolname::pg_catalog.text AS owner,
    pg_catalog.has_schema_privilege(n.oid, 'CREATE') AS "mayCreate"
  FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles o ON o.oid = n.nspowner WHERE n.nspname = $1::pg_catalog.name`;

/**
 * Whether the role may be told where to look names up for good: it is the very role of the connection, its path leads
 * elsewhere, and it has nothing but Gatehouse in this database. $1 schema
 */
const IS_OURS_ALONE = `
  SELECT CURRENT_USER = SESSION_USER AND pg_catalog.current_schema() IS DISTINCT FROM $1::pg_catalog.name AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_roles o ON o.oid = c.relowner JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE o.rolname = CURRENT_USER AND n.nspname <> $1::pg_catalog.name AND n.nspname <> 'information_schema'
      AND pg_catalog.left(n.nspname::pg_catalog.text, 3) <> 'pg_'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.objid = c.oid AND e.deptype = 'e')
  ) AS alone, pg_catalog.current_database()::pg_catalog.text AS database`;

interface SchemaOwner {
  trusted: boolean;
  owner: string;
  mayCreate: boolean;
}

/**
 * The schema to migrate in: where our tables are, else the one that the deployment has chosen by its search_path, else one
 * of our own, which is made. Where that may not be made it is `public`, if nobody else may create there. Throws SchemaError.
 */
export async function prepareSchema(client: Client): Promise<string> {
  const schema = await choose(client);
  if (schema === OWN_SCHEMA) await tellRole(client);
  return schema;
}

async function choose(client: Client): Promise<string> {
  const { found, chosen } = await findSchema(client);
  if (found !== null) return found;
  if (chosen !== null && chosen !== 'public') return checked(client, chosen);
  if (await ownerOf(client, OWN_SCHEMA)) return checked(client, OWN_SCHEMA);
  try {
    await client.query(`CREATE SCHEMA ${OWN_SCHEMA}`);
  } catch (error) {
    const { code = '' } = error as { code?: string };
    if (code === INSUFFICIENT_PRIVILEGE) return fallBack(client);
    if (!MADE_MEANWHILE.includes(code)) throw error;
    return checked(client, OWN_SCHEMA);
  }
  return OWN_SCHEMA;
}

async function ownerOf(client: Client, schema: string): Promise<SchemaOwner | undefined> {
  const { rows } = await client.query<SchemaOwner>(OWNER, [schema]);
  return rows[0];
}

/** A role that may create schemas could have put one in our way. */
async function checked(client: Client, schema: string): Promise<string> {
  const found = await ownerOf(client, schema);
  if (found?.trusted) return schema;
  throw new SchemaError(
    `The schema ${schema}, in which the tables would be made, belongs to another role, ${found?.owner}: give it to the user in DATABASE_URL, or remove it.`,
  );
}

async function fallBack(client: Client): Promise<string> {
  const found = await ownerOf(client, 'public');
  if (found?.mayCreate && (await othersWhoCreate(client, 'public')).length === 0) return 'public';
  throw new SchemaError(
    `The user in DATABASE_URL may not make the schema ${OWN_SCHEMA}, and there is no other for its tables alone: run GRANT CREATE ON DATABASE … TO that user, or CREATE SCHEMA ${OWN_SCHEMA} AUTHORIZATION that user.`,
  );
}

/** For statements that a person types as this role, and for connections that a pooler makes. */
async function tellRole(client: Client): Promise<void> {
  const { rows } = await client.query<{ alone: boolean; database: string }>(IS_OURS_ALONE, [OWN_SCHEMA]);
  const [role] = rows;
  if (!role?.alone) return;
  await client.query(withNames(TELL, { database: role.database, schema: OWN_SCHEMA }));
}

const TELL = 'ALTER ROLE CURRENT_USER IN DATABASE {database} SET search_path = {schema}, public';
