import { randomInt } from 'node:crypto';
import type { Client } from 'pg';
import { withClient } from '../platform/database/short-client.js';

/** DATABASE_DIRECT_URL and DATABASE_URL name two databases. */
export class TwoDatabasesError extends Error {
  override readonly name = 'TwoDatabasesError';
  constructor() {
    super('DATABASE_DIRECT_URL leads to another database than DATABASE_URL. Let both lead to the same one.');
  }
}

/**
 * Whether two URLs lead to different databases: what is locked over one is free over the other. Names and addresses do not
 * tell, for a pooler has its own. False where one of them cannot be asked, for it will say what is wrong when it is used.
 */
export async function areTwoDatabases(url: string, otherUrl: string): Promise<boolean> {
  const compared = withClient(url, (holder) => withClient(otherUrl, (other) => isLockFree(holder, other)));
  return compared.catch(() => false);
}

/** A lock of a transaction, which holds behind a pooler too. A standby shares no locks with its primary, and proves nothing. */
async function isLockFree(holder: Client, other: Client): Promise<boolean> {
  const lock = randomInt(2 ** 47);
  await holder.query('BEGIN');
  await holder.query('SELECT pg_catalog.pg_advisory_xact_lock($1::bigint)', [lock]);
  const { rows } = await other.query<{ free: boolean }>(
    'SELECT pg_catalog.pg_try_advisory_xact_lock($1::bigint) AND NOT pg_catalog.pg_is_in_recovery() AS free',
    [lock],
  );
  await holder.query('ROLLBACK');
  return rows[0]?.free === true;
}
