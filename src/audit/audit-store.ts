import { ENTRY_COLUMNS, SEAL_COLUMNS } from './audit-entry.js';

/** The statements of the audit log's seals. */

/** Any number: taken by whatever writes to the chain, so that it has no fork. */
export const AUDIT_LOCK = 4_711_004;

export const WAIT_FOR_CHAIN = 'SELECT pg_advisory_xact_lock($1)';
export const TRY_CHAIN = 'SELECT pg_try_advisory_xact_lock($1) AS held';

/** Whether any entry waits for its seal. */
export const ANY_UNSEALED = { name: 'audit-any-unsealed', text: 'SELECT EXISTS (SELECT FROM audit_unsealed) AS any' };

/** Takes the oldest that wait. One whose transaction is still open is not seen, and waits for the next seal. $1 limit */
export const TAKE_UNSEALED = `
  DELETE FROM audit_unsealed WHERE id IN (SELECT id FROM audit_unsealed ORDER BY id LIMIT $1) RETURNING id`;

/** $1 ids */
export const ENTRIES = `SELECT ${ENTRY_COLUMNS} FROM audit_events WHERE id = ANY ($1::uuid[]) ORDER BY id`;

/** $1 place */
export const PLACE = 'SELECT number::text, seal, mac FROM audit_chain WHERE place = $1';

/** $1 place, $2 number, $3 seal, $4 mac */
export const SET_PLACE = `
  INSERT INTO audit_chain (place, number, seal, mac) VALUES ($1, $2, $3, $4)
  ON CONFLICT (place) DO UPDATE SET number = excluded.number, seal = excluded.seal, mac = excluded.mac`;

/** $1 number, $2 moment as text in UTC, $3 ids, $4 macs, $5 mac */
export const INSERT_SEAL = `
  INSERT INTO audit_seals (number, sealed_at, ids, macs, mac)
  VALUES ($1, $2::timestamp AT TIME ZONE 'UTC', $3, $4, $5)`;

/** The database's clock, as a seal writes it. */
export const NOW = `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') AS now`;

/** By the column, not by its text, in which 10 comes before 9. $1 after this number, $2 limit */
export const SEALS = `SELECT ${SEAL_COLUMNS} FROM audit_seals s WHERE s.number > $1 ORDER BY s.number LIMIT $2`;

/** $1 after this number, $2 age in milliseconds, $3 limit */
export const OLD_SEALS = `
  SELECT ${SEAL_COLUMNS} FROM audit_seals s
  WHERE s.number > $1 AND s.sealed_at < now() - $2::float8 * interval '1 ms' ORDER BY s.number LIMIT $3`;

/** Entries that no seal knows and that do not wait for one. $1 limit */
export const UNKNOWN_ENTRIES = `
  SELECT e.id FROM audit_events e
  LEFT JOIN (SELECT unnest(ids) AS id FROM audit_seals) AS sealed ON sealed.id = e.id
  WHERE sealed.id IS NULL AND NOT EXISTS (SELECT FROM audit_unsealed u WHERE u.id = e.id)
  ORDER BY e.id LIMIT $1`;

/** Those that wait, and what they wait for: an entry, unless somebody has removed it. */
export const WAITING = `
  SELECT count(*)::integer AS count,
    coalesce(array_agg(u.id) FILTER (WHERE e.id IS NULL), '{}') AS missing
  FROM audit_unsealed u LEFT JOIN audit_events e ON e.id = u.id`;

/** Lets this transaction cut the log, where a role of its own owns it too. */
export const BEGIN_RETENTION = `
  SELECT set_config('gatehouse.audit_retention', 'on', true),
    CASE WHEN pg_get_userbyid(relowner) = 'gatehouse_audit' THEN set_config('role', 'gatehouse_audit', true) END
  FROM pg_class WHERE oid = 'audit_events'::regclass`;

/** Gives the rights of BEGIN_RETENTION back before the transaction goes on. */
export const END_RETENTION = `SELECT set_config('role', 'none', true)`;

/** $1 ids */
export const CUT_ENTRIES = 'DELETE FROM audit_events WHERE id = ANY ($1::uuid[])';

/** $1 after this number, $2 up to this number */
export const CUT_SEALS = 'DELETE FROM audit_seals WHERE number > $1 AND number <= $2';

/** By the column too. */
export const LAST_SEAL = 'SELECT s.number::text, s.mac FROM audit_seals s ORDER BY s.number DESC LIMIT 1';
