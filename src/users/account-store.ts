/**
 * The statements that change who an account belongs to: its address, its password, its life. A row is locked by a statement
 * of its own: one that waited for the lock would show the user as it is now with the password of before.
 */

const FIND = `
  SELECT id AS "userId", email, email_key AS "emailKey", status, email_verified_at IS NOT NULL AS verified,
    EXISTS (SELECT FROM passwords p WHERE p.user_id = users.id) AS "hasPassword", pending AS "unverifiedRegistration", contested AS "duplicateRegistration"
  FROM users`;

/** $1 email key */
export const FIND_BY_EMAIL = `${FIND} WHERE email_key = $1`;

/** $1 id */
export const FIND_BY_ID = `${FIND} WHERE id = $1`;

/**
 * The user's row is locked before its password, its tokens and its sessions: the order in which everything locks them.
 * $1 email key
 */
export const LOCK_BY_EMAIL = 'SELECT id FROM users WHERE email_key = $1 FOR NO KEY UPDATE';

/** As LOCK_BY_EMAIL. $1 id */
export const LOCK_BY_ID = 'SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE';

/**
 * Locks an active account whose password is about to change. The version makes the access tokens of before stale: one session
 * goes on, and a copy of its token must not. $1 id
 */
export const TOUCH_ACTIVE = `
  UPDATE users SET updated_at = now(), ver = ver + 1 WHERE id = $1 AND status = 'active'
  RETURNING email, email_verified_at IS NOT NULL AS verified`;

/**
 * For the person who proved by mail to own the address. The names of a registration that was never confirmed may be those of
 * a stranger. $1 id
 */
export const TAKE_OVER = `
  UPDATE users SET email_verified_at = coalesce(email_verified_at, now()), updated_at = now(),
    username = CASE WHEN NOT pending THEN username END, name = CASE WHEN NOT pending THEN name END
  WHERE id = $1`;

/** $1 id */
export const VERIFY_EMAIL = `
  UPDATE users SET email_verified_at = coalesce(email_verified_at, now()), updated_at = now() WHERE id = $1`;

/** $1 id */
export const MARK_DUPLICATE_REGISTRATION = `
  UPDATE users SET contested = true WHERE id = $1 AND email_verified_at IS NULL
    AND EXISTS (SELECT FROM passwords p WHERE p.user_id = users.id)`;

/** $1 id, $2 email, $3 email key */
export const CHANGE_EMAIL = `
  UPDATE users SET email = $2, email_key = $3, email_verified_at = now(), updated_at = now() WHERE id = $1`;

/** A new address has to prove itself anew; one that is only spelled otherwise has not. $1 id, $2 email, $3 email key */
export const SET_EMAIL = `
  UPDATE users u SET email = $2, email_key = $3, updated_at = now(),
    email_verified_at = CASE WHEN u.email_key = $3 THEN u.email_verified_at END
  WHERE u.id = $1 AND u.email <> $2 RETURNING u.id`;

/** Makes an address free that only an unconfirmed registration holds. $1 email key, $2 whose it becomes, or null */
export const DELETE_UNVERIFIED_REGISTRATION = `
  DELETE FROM users WHERE email_key = $1 AND id IS DISTINCT FROM $2::uuid AND pending RETURNING id`;
