/** The statements that change who an account belongs to: its address, its password, its life. */

const FIND = `
  SELECT id AS "userId", email, email_key AS "emailKey", status, email_verified_at IS NOT NULL AS verified,
    password_hash IS NOT NULL AS "hasPassword", pending AS "unverifiedRegistration", contested AS "duplicateRegistration"
  FROM users`;

/** $1 email key */
export const FIND_BY_EMAIL = `${FIND} WHERE email_key = $1`;

/** $1 id */
export const FIND_BY_ID = `${FIND} WHERE id = $1`;

/** Unless the password that was checked is no longer the one. $1 id, $2 checked hash */
export const FIND_CHECKED = `${FIND_BY_ID} AND status = 'active' AND password_hash = $2`;

/** For whatever locks an account before its tokens and its sessions: the order in which everything does. */
export const LOCKING = ' FOR NO KEY UPDATE';

/** Of an active account. $1 id */
export const PASSWORD_HASH = {
  name: 'account-password-hash',
  text: `SELECT password_hash AS "passwordHash" FROM users WHERE id = $1 AND status = 'active'`,
};

/** Unless the password that was checked is no longer the one. $1 id, $2 checked hash, $3 new hash */
export const CHANGE_PASSWORD = `
  UPDATE users SET password_hash = $3, updated_at = now()
  WHERE id = $1 AND status = 'active' AND password_hash = $2 RETURNING id, email, email_verified_at IS NOT NULL AS verified`;

/**
 * For somebody who proved by mail to own the address. The names of a registration that was never confirmed may be those of
 * a stranger. $1 id, $2 hash or null
 */
export const SET_PROVEN_PASSWORD = `
  UPDATE users SET password_hash = $2, email_verified_at = coalesce(email_verified_at, now()), updated_at = now(),
    username = CASE WHEN NOT pending THEN username END, name = CASE WHEN NOT pending THEN name END
  WHERE id = $1`;

/** $1 id */
export const VERIFY_EMAIL = `
  UPDATE users SET email_verified_at = coalesce(email_verified_at, now()), updated_at = now() WHERE id = $1`;

/** $1 id */
export const MARK_DUPLICATE_REGISTRATION = `
  UPDATE users SET contested = true WHERE id = $1 AND email_verified_at IS NULL AND password_hash IS NOT NULL`;

/** $1 id, $2 email, $3 email key */
export const CHANGE_EMAIL = `
  UPDATE users SET email = $2, email_key = $3, email_verified_at = now(), updated_at = now() WHERE id = $1`;

/** Makes an address free that only an unconfirmed registration holds. $1 email key, $2 whose it becomes, or null */
export const DELETE_UNVERIFIED_REGISTRATION = `
  DELETE FROM users WHERE email_key = $1 AND id IS DISTINCT FROM $2::uuid AND pending RETURNING id`;

/** $1 id; whose roles are read before they go */
export const ROLES_OF = 'SELECT role FROM user_roles WHERE user_id = $1';

/** Unless the password that was checked is no longer the one. $1 id, $2 checked hash */
export const DELETE_WITH_PASSWORD = 'DELETE FROM users WHERE id = $1 AND password_hash = $2 RETURNING email';
