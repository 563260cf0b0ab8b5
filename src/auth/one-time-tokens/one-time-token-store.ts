/** The statements of the one-time tokens. */

/** Writes a token; the newest of a purpose replaces the one before. $1 hash, $2 purpose, $3 user, $4 email, $5 email key, $6 life in ms */
export const ISSUE = `
  INSERT INTO one_time_tokens (hash, purpose, user_id, email, email_key, expires_at)
  VALUES ($1, $2, $3, $4, $5, now() + $6 * interval '1 ms')
  ON CONFLICT (user_id, purpose) WHERE purpose <> 'undo_email_change' DO UPDATE SET
    hash = excluded.hash, email = excluded.email, email_key = excluded.email_key,
    created_at = excluded.created_at, expires_at = excluded.expires_at`;

/**
 * A token is good for its purpose and its life, while the account is active, and while the address that it proves is still
 * the account's. $1 hash, $2 purposes
 */
const GOOD = `
  t.hash = $1 AND t.purpose = ANY ($2::text[]) AND t.expires_at > now() AND u.id = t.user_id AND u.status = 'active'
  AND (t.email_key = u.email_key OR t.purpose IN ('change_email', 'undo_email_change'))`;

/** Whose token it is. */
export const FIND = `
  SELECT u.id, u.email, u.username FROM one_time_tokens t, users u WHERE ${GOOD}`;

/** As FIND, and locks the account before the token: in the order in which everything locks them. */
export const FIND_AND_LOCK = `${FIND} FOR NO KEY UPDATE OF u`;

/** One statement decides who of many uses it. */
export const CONSUME = `
  DELETE FROM one_time_tokens t USING users u WHERE ${GOOD}
  RETURNING t.purpose, t.user_id AS "userId", t.email, t.email_key AS "emailKey", t.created_at AS "createdAt"`;

/** $1 user, $2 purposes */
export const VOID = 'DELETE FROM one_time_tokens WHERE user_id = $1 AND purpose = ANY ($2::text[])';

/** Ways back from changes at or after a moment. $1 user, $2 moment */
export const VOID_UNDO_LINKS = `
  DELETE FROM one_time_tokens WHERE user_id = $1 AND purpose = 'undo_email_change' AND created_at >= $2`;

/** The earliest way back to an address. $1 user, $2 email key */
export const UNDO_LINK = `
  SELECT created_at AS "createdAt" FROM one_time_tokens
  WHERE user_id = $1 AND email_key = $2 AND purpose = 'undo_email_change' AND expires_at > now() ORDER BY created_at LIMIT 1`;

/** What is stored about a user's tokens. $1 user */
export const LIST = `
  SELECT purpose, email, created_at AS "createdAt", expires_at AS "expiresAt" FROM one_time_tokens
  WHERE user_id = $1 ORDER BY created_at`;
