/** The statements by which the outbox is delivered. Times are the database's: one clock for every instance. */

/**
 * Takes the rows of a topic that have waited longest, each for one instance only, until its lease ends.
 * Materialised, because a plan may run a plain subquery again and lock more than the limit.
 * $1 how many, $2 lease in ms, $3 who claims them, $4 topic
 */
export const CLAIM = {
  name: 'outbox-claim',
  text: `
  WITH due AS MATERIALIZED (
    SELECT id FROM mail_outbox WHERE topic = $4 AND due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
  UPDATE mail_outbox o SET due_at = now() + $2 * interval '1 ms', claimed_by = $3
  FROM due WHERE o.id = due.id
  RETURNING o.id, o.kind, o.sealed, o.attempts`,
};

/** Of rows that are still one's own. $1 ids, $2 lease in ms, $3 who claimed them */
export const RENEW = `
  UPDATE mail_outbox SET due_at = now() + $2 * interval '1 ms' WHERE id = ANY ($1::uuid[]) AND claimed_by = $3`;

/** Gives a row back. $1 id, $2 ms to wait, $3 why, $4 who claimed it, $5 whether this counts as an attempt */
export const POSTPONE = `
  UPDATE mail_outbox SET due_at = now() + $2 * interval '1 ms', last_error = $3, claimed_by = NULL,
    attempts = attempts + $5::boolean::integer
  WHERE id = $1 AND claimed_by = $4`;

/** $1 id, $2 who claimed it */
export const REMOVE = 'DELETE FROM mail_outbox WHERE id = $1 AND claimed_by = $2';

/** Within the transaction that does what the row asks for, so that it is done once. $1 id, $2 who claimed it */
export const TAKE = `${REMOVE} RETURNING id`;

/** Adds a row unless too many of its topic wait. $1 id, $2 kind, $3 sealed, $4 topic, $5 how many may wait */
export const ADD = `
  INSERT INTO mail_outbox (id, kind, sealed, topic)
  SELECT $1::uuid, $2::text, $3::bytea, $4::text
  WHERE (SELECT count(*) FROM (SELECT FROM mail_outbox WHERE topic = $4::text LIMIT $5::integer) AS waiting) < $5::integer
  RETURNING id`;

/** $1 topic */
export const IS_EMPTY = 'SELECT NOT EXISTS (SELECT FROM mail_outbox WHERE topic = $1) AS "isEmpty"';
