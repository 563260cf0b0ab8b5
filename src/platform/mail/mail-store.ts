/** The statements of the outbox. Times are the database's: one clock for every instance. */

/** $1 id, $2 kind, $3 sealed, $4 recipient, $5 whether it stays for the development outbox */
export const ADD = `
  INSERT INTO mail_outbox (id, kind, sealed, recipient, due_at)
  VALUES ($1, $2, $3, $4, CASE WHEN $5 THEN 'infinity'::timestamptz ELSE now() END)`;

/** $1 recipient */
export const WITHDRAW = `DELETE FROM mail_outbox WHERE recipient = $1 AND due_at < 'infinity'`;

/** Newest first. $1 recipient */
export const STORED_FOR = 'SELECT id, sealed, created_at FROM mail_outbox WHERE recipient = $1 ORDER BY id DESC';

/**
 * Takes the mails that have waited longest, each for one instance only, until its lease ends.
 * Materialised, because a plan may run a plain subquery again and lock more than the limit. $1 how many, $2 lease in ms, $3 who claims them
 */
export const CLAIM = {
  name: 'mail-claim',
  text: `
  WITH due AS MATERIALIZED (
    SELECT id FROM mail_outbox WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
  UPDATE mail_outbox m SET due_at = now() + $2 * interval '1 ms', claimed_by = $3
  FROM due WHERE m.id = due.id
  RETURNING m.id, m.kind, m.sealed, m.attempts`,
};

/** Of mails that are still one's own. $1 ids, $2 lease in ms, $3 who claimed them */
export const RENEW = `
  UPDATE mail_outbox SET due_at = now() + $2 * interval '1 ms' WHERE id = ANY ($1::uuid[]) AND claimed_by = $3`;

/** Gives a mail back. $1 id, $2 ms to wait, $3 why, $4 who claimed it, $5 whether this counts as an attempt */
export const POSTPONE = `
  UPDATE mail_outbox SET due_at = now() + $2 * interval '1 ms', last_error = $3, claimed_by = NULL,
    attempts = attempts + $5::boolean::integer
  WHERE id = $1 AND claimed_by = $4`;

/** $1 id, $2 who claimed it */
export const REMOVE = 'DELETE FROM mail_outbox WHERE id = $1 AND claimed_by = $2';

/** The development outbox, newest first. $1 how many */
export const KEPT = `SELECT id, sealed, created_at FROM mail_outbox WHERE due_at = 'infinity' ORDER BY id DESC LIMIT $1`;

/** $1 how many */
export const FORGET_KEPT = `
  DELETE FROM mail_outbox WHERE id = ANY (ARRAY(
    SELECT id FROM mail_outbox WHERE due_at = 'infinity' AND created_at < now() - interval '7 days'
    ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED))`;
