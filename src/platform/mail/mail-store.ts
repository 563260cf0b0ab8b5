/** The statements about the mails of the outbox; those that deliver them are the outbox's own. */

/** $1 id, $2 kind, $3 sealed, $4 recipient, $5 whether it stays for the development outbox */
export const ADD = `
  INSERT INTO mail_outbox (id, kind, sealed, recipient, due_at)
  VALUES ($1, $2, $3, $4, CASE WHEN $5 THEN 'infinity'::timestamptz ELSE now() END)`;

/** $1 recipient */
export const WITHDRAW = `DELETE FROM mail_outbox WHERE recipient = $1 AND due_at < 'infinity'`;

/** Newest first. $1 recipient, $2 before this id or null, $3 limit */
export const STORED_FOR = `
  SELECT id, sealed, created_at FROM mail_outbox
  WHERE recipient = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`;

/** The development outbox, newest first. $1 how many */
export const KEPT = `SELECT id, sealed, created_at FROM mail_outbox WHERE due_at = 'infinity' ORDER BY id DESC LIMIT $1`;

/** $1 how many */
export const FORGET_KEPT = `
  DELETE FROM mail_outbox WHERE id = ANY (ARRAY(
    SELECT id FROM mail_outbox WHERE due_at = 'infinity' AND created_at < now() - interval '7 days'
    ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED))`;
