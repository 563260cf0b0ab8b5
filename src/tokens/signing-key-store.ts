import type { SigningAlgorithm } from '../platform/config/signing-key.js';
import { LISTENER, POLLER } from '../platform/database/feed/pulse.js';

/** The statements of the signing_keys table. Times are the database's: one clock for every instance. */

/** A row of the table as it is read. */
export interface KeyRow {
  kid: string;
  alg: SigningAlgorithm;
  sealed: Buffer;
  signs_from: Date;
}

/** All of them, oldest first. */
export const READ = 'SELECT kid, alg, sealed, signs_from FROM signing_keys ORDER BY signs_from, kid';

/**
 * $1 id, $2 algorithm, $3 sealed, $4 milliseconds until it signs; but it follows every key there is, or one that is published
 * already would take over from it.
 */
export const INSERT = `
  INSERT INTO signing_keys (kid, alg, sealed, signs_from)
  SELECT $1, $2, $3, greatest(now() + $4 * interval '1 ms', max(signs_from) + interval '1 ms') FROM signing_keys
  RETURNING signs_from AS "signsFrom"`;

/** Whether a key has served its time. $1 since when it signs, $2 milliseconds */
export const IS_SERVED = `SELECT $1::timestamptz + $2::float8 * interval '1 ms' < now() AS served`;

/**
 * Whether another instance serves on this database: it has a link for as long as it lives. Where none listens a pooler may hide
 * the links, and a pulse shows that one has served a moment ago. $1 the name of our own link
 */
export const OTHERS = `
  SELECT FROM pg_stat_activity
  WHERE datname = current_database() AND (application_name LIKE '${LISTENER}%' OR application_name LIKE '${POLLER}%')
    AND application_name <> $1
  UNION ALL SELECT FROM pulse WHERE NOT rings AND at > now() - interval '3 s' LIMIT 1`;

/**
 * Removes keys whose last token has expired: those that were followed by another one a token's life ago.
 * $1 the ids to look at: an instance that cannot open a key may not remove it either; $2 milliseconds
 */
export const FORGET = `
  DELETE FROM signing_keys WHERE kid IN (
    SELECT kid FROM (
      SELECT kid, lead(signs_from) OVER (ORDER BY signs_from, kid) AS followed FROM signing_keys WHERE kid = ANY ($1)
    ) AS keys
    WHERE followed < now() - $2 * interval '1 ms')`;
