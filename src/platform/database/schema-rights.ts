import type { Client } from 'pg';
import { TRUSTED, withNames } from './schema.js';

/** Who else may create in a schema, $1: each as GRANT and REVOKE name it. Its owner cannot be kept out by either. */
const OTHERS = `
  SELECT DISTINCT CASE WHEN a.grantee = 0::pg_catalog.oid THEN 'PUBLIC' ELSE pg_catalog.quote_ident(o.rolname::pg_catalog.text) END AS name
  FROM pg_catalog.pg_namespace n
  CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
  LEFT JOIN pg_catalog.pg_roles o ON o.oid = a.grantee
  WHERE n.nspname = $1::pg_catalog.name AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner
    AND (a.grantee = 0::pg_catalog.oid OR NOT ${TRUSTED})
  ORDER BY 1`;

/** What ends it, but for the roles. */
const REVOKE = 'REVOKE CREATE ON SCHEMA {name} FROM ';

/** The schemas in which a connection looks names up, without pg_catalog. */
const ON_PATH = 'SELECT pg_catalog.current_schemas(false)::pg_catalog.text[] AS schemas';

/** The roles beside ours that may create in a schema, quoted. */
export async function othersWhoCreate(client: Client, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(OTHERS, [schema]);
  return rows.map(({ name }) => name);
}

/**
 * What is wrong with the schemas in which our statements look names up, a sentence for each: a function that another role
 * plants there may be called in the place of one that we mean, with our rights.
 */
export async function weakSchemas(
  client: Client,
  { schema, pooled }: { schema: string; pooled: boolean },
): Promise<string[]> {
  // Only behind a pooler is the path the role's; every other connection of ours has this one schema on it.
  const { rows } = pooled ? await client.query<{ schemas: string[] }>(ON_PATH) : { rows: [{ schemas: [schema] }] };
  const findings: string[] = [];
  for (const name of rows[0]?.schemas ?? []) {
    const others = await othersWhoCreate(client, name);
    if (others.length === 0) continue;
    const revoke = withNames(REVOKE, { name }) + others.join(', ');
    findings.push(
      `Other roles may create in the schema ${name}, where our statements look names up: what they plant there can run with our rights. Run ${revoke}`,
    );
  }
  return findings;
}
