import { ENTRY_COLUMNS, SEAL_COLUMNS } from './audit-entry.js';

/** The statements of the audit log's seals. */

/** Any number: taken by whatever writes to the chain, so that it has no fork. */
export const AUDIT_LOCK = 4_711_004;

export const WAIT_FOR_CHAIN = 'SELECT pg_catalog.pg_advisory_xact_lock($1::bigint)';
export const TRY_CHAIN = 'SELECT pg_catalog.pg_try_advisory_xact_lock($1::bigint) AS held';

/** Locks that this transaction waits for at most. $1 milliseconds as text */
export const SET_LOCK_TIMEOUT = `SELECT pg_catalog.set_config('lock_timeout', $1::text, true)`;

/** Whether any entry waits for its seal. */
export const ANY_UNSEALED = { name: 'audit-any-unsealed', text: 'SELECT EXISTS (SELECT FROM audit_unsealed) AS any' };

/** The oldest that wait. One whose transaction is still open is not seen, and waits for the next seal. $1 limit */
export const UNSEALED = 'SELECT id FROM audit_unsealed ORDER BY id LIMIT $1';

/** Whether the head is there, and whether it says what the next seal has to show; and whether anybody is a user. */
export const BEGINNING = `
  SELECT EXISTS (SELECT FROM audit_chain WHERE place = 'head') AS begun,
    EXISTS (SELECT FROM audit_chain WHERE place = 'head' AND release IS NOT NULL) AS committed,
    EXISTS (SELECT FROM users) AS used`;

/** Begins a chain where there is none, or tells one that was begun before what the next seal has to show. $1 number, $2 seal, $3 mac, $4 release */
export const BEGIN_CHAIN = 'SELECT audit_begin($1::bigint, $2::bytea, $3::bytea, $4::bytea)';

/** $1 ids */
export const ENTRIES = `SELECT ${ENTRY_COLUMNS} FROM audit_events WHERE id = ANY ($1::uuid[]) ORDER BY id`;

/** $1 place */
export const POSITION = 'SELECT number::text, seal, mac FROM audit_chain WHERE place = $1';

/** Any place but the head, which moves with a seal. $1 place, $2 number, $3 seal, $4 mac, $5 what the head asks for */
export const SET_POSITION = 'SELECT audit_place($1::text, $2::bigint, $3::bytea, $4::bytea, $5::bytea)';

/**
 * When the Postgres that answers was started, and what time it has. No failover and no restore leaves the former as it was,
 * and every role may read it wherever Postgres is hosted, unlike the identifier of the cluster and the timeline.
 */
export const SERVER = `
  SELECT extract(epoch FROM pg_catalog.pg_postmaster_start_time())::text AS "startedAt",
    (1000 * extract(epoch FROM pg_catalog.clock_timestamp()))::float8 AS now`;

/** $1 id, $2 type, $3 data */
export const MARK = 'INSERT INTO audit_events (id, type, data) VALUES ($1, $2, $3)';

/**
 * Takes entries out of the queue and into a seal, the new head.
 * $1 number, $2 moment as text in UTC, $3 ids, $4 macs, $5 mac, $6 release, $7 mac of the head, $8 what the former head asks for
 */
export const SEAL = `
  SELECT audit_append($1::bigint, $2::timestamp AT TIME ZONE 'UTC', $3::uuid[], $4::bytea, $5::bytea, $6::bytea, $7::bytea, $8::bytea)`;

/** $1 number */
export const SEAL_AT = 'SELECT mac FROM audit_seals WHERE number = $1';

export const COUNT_SEALS = 'SELECT count(*)::integer AS count FROM audit_seals';

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

/**
 * Those that wait, what they wait for (an entry, unless somebody has removed it), and how many are not of these minutes.
 * $1 milliseconds
 */
export const WAITING = `
  SELECT count(*)::integer AS count,
    coalesce(array_agg(u.id) FILTER (WHERE e.id IS NULL), '{}') AS missing,
    (count(*) FILTER (WHERE abs(extract(epoch FROM e.at - now())) * 1000 > $1))::integer AS stuck
  FROM audit_unsealed u LEFT JOIN audit_events e ON e.id = u.id`;

/** Removes a seal and its entries, where what is shown releases it. $1 number, $2 shown */
export const CUT = 'SELECT audit_cut($1::bigint, $2::bytea)';

/** By the column too. */
export const LAST_SEAL = 'SELECT s.number::text, s.mac FROM audit_seals s ORDER BY s.number DESC LIMIT 1';
