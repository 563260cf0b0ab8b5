/** The statements of the outbox. Times are the database's: one clock for every instance. */

/** $1 id, $2 kind, $3 sealed, $4 whether it stays for the development outbox */
export const ADD = `
  INSERT INTO mail_outbox (id, kind, sealed, due_at)
  VALUES ($1, $2, $3, CASE WHEN $4 THEN 'infinity'::timestamptz ELSE now() END)`;

/**
 * Takes the mails that have waited longest, each for one instance only, until its lease ends.
 * Materialised, because a plan may run a plain subquery again and lock more than the limit. $1 how many, $2 lease in ms
 */
export const CLAIM = {
  name: 'mail-claim',
  text: `
  WITH due AS MATERIALIZED (
    SELECT id FROM mail_outbox WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
  UPDATE mail_outbox m SET due_at = now() + $2 * interval '1 ms', attempts = m.attempts + 1
  FROM due WHERE m.id = due.id
  RETURNING m.id, m.kind, m.sealed, m.attempts, m.created_at < now() - interval '7 days' AS "tooOld"`,
};

/** $1 ids, $2 lease in ms */
export const RENEW = `UPDATE mail_outbox SET due_at = now() + $2 * interval '1 ms' WHERE id = ANY ($1::uuid[])`;

/** $1 id, $2 ms to wait, $3 why */
export const POSTPONE = `UPDATE mail_outbox SET due_at = now() + $2 * interval '1 ms', last_error = $3 WHERE id = $1`;

/** $1 id */
export const REMOVE = 'DELETE FROM mail_outbox WHERE id = $1';

/** The development outbox, newest first. $1 how many */
export const KEPT = `SELECT id, sealed, created_at FROM mail_outbox WHERE due_at = 'infinity' ORDER BY id DESC LIMIT $1`;

export const FORGET_KEPT = `DELETE FROM mail_outbox WHERE due_at = 'infinity' AND created_at < now() - interval '7 days'`;
