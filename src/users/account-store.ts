/** The statements that change who an account belongs to: its address, its password, its life. */

/** Somebody registered the address, never proved it, never signed in and holds no role but the common one. */
const UNCLAIMED = `
  (u.email_verified_at IS NULL AND u.last_login_at IS NULL AND u.password_hash IS NOT NULL
    AND NOT EXISTS (SELECT FROM sessions s WHERE s.user_id = u.id)
    AND NOT EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role <> 'user'))`;

/** $1 email key */
export const FIND_BY_EMAIL = `
  SELECT u.id AS "userId", u.email, u.email_key AS "emailKey", u.status, u.email_verified_at IS NOT NULL AS verified,
    u.password_hash IS NOT NULL AS "hasPassword", ${UNCLAIMED} AS unclaimed
  FROM users u WHERE u.email_key = $1`;

/** $1 id */
export const FIND_BY_ID = FIND_BY_EMAIL.replace('u.email_key = $1', 'u.id = $1');

/** $1 id */
export const PASSWORD_HASH = {
  name: 'account-password-hash',
  text: `SELECT password_hash AS "passwordHash" FROM users WHERE id = $1`,
};

/** Unless the password that was checked is no longer the one. $1 id, $2 checked hash, $3 new hash */
export const CHANGE_PASSWORD = `
  UPDATE users SET password_hash = $3, updated_at = now()
  WHERE id = $1 AND status = 'active' AND password_hash = $2 RETURNING id, email, email_verified_at IS NOT NULL AS verified`;

/** For somebody who proved by mail to own the address. $1 id, $2 hash or null */
export const SET_PROVEN_PASSWORD = `
  UPDATE users SET password_hash = $2, email_verified_at = coalesce(email_verified_at, now()), updated_at = now()
  WHERE id = $1`;

/** $1 id */
export const VERIFY_EMAIL = `
  UPDATE users SET email_verified_at = coalesce(email_verified_at, now()), updated_at = now() WHERE id = $1`;

/**
 * The account becomes what the confirmed registration chose; nothing of whoever registered before remains. A username that
 * somebody else took meanwhile is left out. $1 id, $2 hash or null, $3 username or null, $4 name or null
 */
export const INSTALL_REGISTRATION = `
  UPDATE users u SET email_verified_at = coalesce(u.email_verified_at, now()), updated_at = now(), last_login_at = NULL,
    password_hash = $2, name = $4,
    username = CASE WHEN NOT EXISTS (
      SELECT FROM users other WHERE other.username_key = lower($3::text COLLATE "C") AND other.id <> u.id) THEN $3::text END
  WHERE u.id = $1`;

/** $1 id, $2 email, $3 email key */
export const CHANGE_EMAIL = `
  UPDATE users SET email = $2, email_key = $3, email_verified_at = now(), updated_at = now() WHERE id = $1`;

/** Makes an address free that is only squatted. $1 email key, $2 who has proved to own it */
export const DELETE_UNCLAIMED = `DELETE FROM users u WHERE u.email_key = $1 AND u.id <> $2 AND ${UNCLAIMED} RETURNING id`;

/** $1 id; whose roles are read before they go */
export const ROLES_OF = 'SELECT role FROM user_roles WHERE user_id = $1';

/** Unless the password that was checked is no longer the one. $1 id, $2 checked hash */
export const DELETE_WITH_PASSWORD = 'DELETE FROM users WHERE id = $1 AND password_hash = $2 RETURNING email';
