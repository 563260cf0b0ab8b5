import type { Client } from 'pg';
import { findSchema } from '../platform/database/schema.js';

/** $1 schema */
const IS_OWN = `
  SELECT o.rolname = CURRENT_USER AS own FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_roles o ON o.oid = c.relowner
  WHERE n.nspname = $1::pg_catalog.text::pg_catalog.name AND c.relname = 'audit_events'`;

/**
 * What is to be said of an audit log of the embedded Postgres that belongs to the role of the server, as after a restore with
 * --no-owner; null where it was given away. Throws the driver's error.
 */
export async function keptLog(client: Client): Promise<string | null> {
  const { found: schema } = await findSchema(client);
  if (schema === null) return null;
  const [log] = (await client.query<{ own: boolean }>(IS_OWN, [schema])).rows;
  if (!log?.own) return null;
  return (
    `The audit log in the schema ${schema} belongs to the role of the server, whose SQL can change it: it was brought along with its ` +
    'entries, as by a restore with --no-owner, and what is hidden in it nobody knows. Restore it with its owners; or run npm run ' +
    'cli -- audit:verify, and as the superuser give audit_events, audit_seals and audit_unsealed to gatehouse_audit.'
  );
}
