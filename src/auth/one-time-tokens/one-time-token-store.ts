/**
 * The statements of the one-time tokens. `user_id` is written where the newest of a purpose replaces the one before, and read
 * by the version before alone; everything here asks for `owner_id`.
 */

/** Writes a token; the newest of a purpose replaces the one before. $1 hash, $2 purpose, $3 owner, $4 email, $5 email key, $6 life in ms */
export const ISSUE = `
  INSERT INTO one_time_tokens (hash, purpose, owner_id, user_id, email, email_key, expires_at)
  VALUES ($1, $2, $3, $3, $4, $5, now() + $6 * interval '1 ms')
  ON CONFLICT (user_id, purpose) WHERE purpose <> 'undo_email_change' DO UPDATE SET
    hash = excluded.hash, email = excluded.email, email_key = excluded.email_key,
    created_at = excluded.created_at, expires_at = excluded.expires_at`;

/** A token of its purpose, within its life, that bears another attempt. $1 hash, $2 purposes */
const LIVE = `
  t.hash = $1 AND t.purpose = ANY ($2::text[]) AND t.expires_at > now() AND t.attempts_left IS DISTINCT FROM 0`;

/**
 * One that has an owner is good while the account is active, and while the address that it proves is still the account's;
 * one that has none is bound by its purpose and its proof alone.
 */
const OWNER_AGREES = `
  (t.owner_id IS NULL OR EXISTS (
    SELECT FROM users u WHERE u.id = t.owner_id AND u.status = 'active'
      AND (t.email_key IS NULL OR t.email_key = u.email_key OR t.purpose IN ('change_email', 'undo_email_change'))))`;

/** Whose token it is. */
export const FIND = `
  SELECT u.id, u.email, u.username FROM one_time_tokens t JOIN users u ON u.id = t.owner_id
  WHERE ${LIVE} AND ${OWNER_AGREES}`;

/** Whether a mailed link of a purpose still works. $1 owner, $2 purpose */
export const HAS_LIVE = `
  SELECT EXISTS (SELECT FROM one_time_tokens WHERE owner_id = $1 AND purpose = $2 AND expires_at > now()) AS live`;

/** Locks the account before the token: in the order in which everything locks them. $1 hash */
export const LOCK_OWNER = `
  SELECT FROM users WHERE id = (SELECT owner_id FROM one_time_tokens WHERE hash = $1) FOR NO KEY UPDATE`;

/** One statement decides which of many requests uses it. $3 the proof, or null; one that was issued with a proof needs it */
export const SPEND = `
  DELETE FROM one_time_tokens t WHERE ${LIVE} AND t.proof IS NOT DISTINCT FROM $3::bytea AND ${OWNER_AGREES}
  RETURNING t.purpose, t.owner_id AS "userId", t.email, t.email_key AS "emailKey", t.created_at AS "createdAt", t.data`;

/** One statement decides here too: of many at once no more are counted than it bears, and after the last it is dead. */
export const COUNT_WRONG_ATTEMPT = `
  UPDATE one_time_tokens t SET attempts_left = t.attempts_left - 1 WHERE ${LIVE} AND t.attempts_left > 0
  RETURNING t.attempts_left AS "attemptsLeft"`;

/** $1 owner, $2 purposes */
export const VOID = 'DELETE FROM one_time_tokens WHERE owner_id = $1 AND purpose = ANY ($2::text[])';

/** Undo links of changes at or after a moment. $1 owner, $2 moment */
export const VOID_UNDO_LINKS = `
  DELETE FROM one_time_tokens WHERE owner_id = $1 AND purpose = 'undo_email_change' AND created_at >= $2`;

/** The earliest undo link to an address. $1 owner, $2 email key */
export const UNDO_LINK = `
  SELECT created_at AS "createdAt" FROM one_time_tokens
  WHERE owner_id = $1 AND email_key = $2 AND purpose = 'undo_email_change' AND expires_at > now() ORDER BY created_at LIMIT 1`;

/** What is stored about a user's tokens, newest first. $1 owner, $2 before this moment in UTC or null, $3 and hash, in hex, $4 limit */
export const STORED_OF = `
  SELECT t.purpose, t.email, t.created_at AS "createdAt", t.expires_at AS "expiresAt",
    to_char(t.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS moment, encode(t.hash, 'hex') AS hash
  FROM one_time_tokens t
  WHERE t.owner_id = $1
    AND ($2::text IS NULL OR (t.created_at, t.hash) < ($2::timestamp AT TIME ZONE 'UTC', decode($3::text, 'hex')))
  ORDER BY t.created_at DESC, t.hash DESC LIMIT $4`;
