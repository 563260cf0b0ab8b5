import { ADMIN, MOST_ROLES } from '../access/permissions.js';

/** The statements of the users table. */

export const COLUMNS = `
  u.id, u.username, u.email, u.email_verified_at, u.name, u.ver AS "tokenVersion", u.status, u.created_at, u.updated_at, u.last_login_at,
  ARRAY(SELECT role FROM held_roles r WHERE r.user_id = u.id ORDER BY role) AS roles`;

/** $1 id */
export const PROFILE = { name: 'user-profile', text: `SELECT ${COLUMNS} FROM users u WHERE u.id = $1` };

/** The password comes along, though its table is another module's: a sign-in asks once. */
const CREDENTIALS = `
  SELECT u.id, p.hash AS "passwordHash", u.status FROM users u LEFT JOIN passwords p ON p.user_id = u.id`;

/** $1 email key or null, $2 username key or null */
export const FIND_CREDENTIALS = {
  name: 'sign-in-credentials',
  text: `${CREDENTIALS} WHERE u.email_key = $1 OR u.username_key = $2`,
};

/** $1 id */
export const CREDENTIALS_OF = { name: 'own-credentials', text: `${CREDENTIALS} WHERE u.id = $1` };

/**
 * $1 id, $2 email, $3 email key, $4 username, $5 name, $6 whether the email is known to be theirs,
 * $7 whether it is a registration that has to be confirmed
 */
export const INSERT = `
  INSERT INTO users (id, email, email_key, username, name, email_verified_at, pending)
  VALUES ($1, $2, $3, $4, $5, CASE WHEN $6 THEN now() END, $7)`;

/** $1 user, $2 roles */
export const GIVE_ROLES = 'INSERT INTO user_roles (user_id, role) SELECT $1, unnest($2::text[])';

/** $1 id */
export const LOCK_AGAINST_CHANGES = 'SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE';

/** $1 id */
export const MARK_SIGN_IN = `
  UPDATE users SET last_login_at = greatest(last_login_at, now()), pending = false WHERE id = $1 RETURNING last_login_at`;

/** $1 id, $2 whether name is given, $3 name, $4 whether username is given, $5 username */
export const UPDATE_PROFILE = `
  UPDATE users u SET updated_at = now(),
    name = CASE WHEN $2 THEN $3 ELSE u.name END, username = CASE WHEN $4 THEN $5 ELSE u.username END
  WHERE u.id = $1 RETURNING ${COLUMNS}`;

/** An account that an admin has changed is no mere registration any more; whose password it has is as unknown as before. $1 id */
export const CLEAR_UNVERIFIED_REGISTRATION = 'UPDATE users SET pending = false WHERE id = $1 AND pending';

/** $1 id, $2 status */
export const SET_STATUS = `
  UPDATE users SET status = $2, updated_at = now() WHERE id = $1 AND status <> $2`;

/** $1 id */
export const DELETE = 'DELETE FROM users WHERE id = $1';

/** $1 id */
export const LOCK = 'SELECT id FROM users WHERE id = $1 FOR UPDATE';

/** $1 user */
export const IS_ADMIN = `SELECT EXISTS (SELECT FROM user_roles WHERE user_id = $1 AND role = '${ADMIN}') AS any`;

/** $1 user */
export const LOCK_ACTOR = 'SELECT FROM users WHERE id = $1 FOR SHARE';

/** $1 user */
export const LOCK_ROLES_OF = `
  SELECT FROM roles WHERE name IN (SELECT role FROM held_roles WHERE user_id = $1) ORDER BY name FOR SHARE`;

/** $1 user, $2 roles to keep */
export const TAKE_OTHER_ROLES = 'DELETE FROM user_roles WHERE user_id = $1 AND role <> ALL ($2::text[])';

/** $1 user, $2 roles */
export const ADD_ROLES = `${GIVE_ROLES} ON CONFLICT DO NOTHING`;

/** Those of the roles that exist; none of them can be removed before they are given. $1 roles */
export const LOCK_ROLES = 'SELECT name FROM roles WHERE name = ANY ($1) ORDER BY name FOR KEY SHARE';

/** Whether an admin remains who can sign in. $1 whether the email must be confirmed */
export const HAS_ADMIN = `
  SELECT EXISTS (
    SELECT FROM user_roles r JOIN users u ON u.id = r.user_id
    WHERE r.role = 'admin' AND u.status = 'active' AND EXISTS (SELECT FROM credentials c WHERE c.user_id = u.id)
      AND (NOT $1 OR u.email_verified_at IS NOT NULL)) AS any`;

/** Whether anybody is an admin, disabled ones too. */
export const KNOWS_ADMIN = `SELECT EXISTS (SELECT FROM user_roles WHERE role = 'admin') AS any`;

/**
 * Of which users the database has lost the version that is known, and whether their roles were changed since. It may have come to
 * the same version by another way: by other roles, or by a new password. $1 users, $2 versions, $3 their roles in one text, or null, $4 a moment
 */
export const FORGOTTEN_RIGHTS = `
  SELECT u.id, s."changedSince", user_role_names(u.id) AS before
  FROM unnest($1::uuid[], $2::integer[], $3::text[]) AS known(id, ver, roles) JOIN users u ON u.id = known.id,
    LATERAL (SELECT coalesce(u.ver_changed_at >= $4::timestamptz, false) AS "changedSince") AS s
  WHERE u.ver < known.ver
    OR (u.ver = known.ver AND known.roles <> array_to_string(user_role_names(u.id), ' '))`;

/** Says that nobody has changed the roles since, but an instance that knew what they had been. $1 user, $2 a moment */
export const MARK_RESTORED = `
  UPDATE users SET ver_changed_at = $2::timestamptz - interval '1 ms' WHERE id = $1 AND ver_changed_at >= $2::timestamptz`;

/** Gives what a user does not have yet, of the roles that there are; of more than may be held, the first. $1 user, $2 roles */
export const GIVE_MISSING_ROLES = `
  INSERT INTO user_roles (user_id, role)
  SELECT $1, name FROM roles WHERE name = ANY ($2::text[]) AND NOT EXISTS (SELECT FROM held_roles WHERE user_id = $1 AND role = name)
  ORDER BY name <> '${ADMIN}', name
  LIMIT greatest(0, ${MOST_ROLES} - (SELECT count(*) FROM held_roles WHERE user_id = $1)) ON CONFLICT DO NOTHING`;

/** In one order, so that two who change the same users do not wait for each other. $1 users */
export const LOCK_ALL = 'SELECT FROM users WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE';

/** $1 user */
export const ROLES_OF = 'SELECT user_role_names($1::uuid) AS roles';

/** For a decision about the roles, even where it leaves them as they are. $1 user, $2 version */
export const RAISE_VERSION = `
  UPDATE users SET ver = $2, ver_changed_at = clock_timestamp() WHERE id = $1 AND ver < $2`;

/** Disables users again. $1 users */
export const DISABLE_AGAIN = `
  UPDATE users SET status = 'disabled', updated_at = now()
  WHERE id = ANY ($1::uuid[]) AND status <> 'disabled' RETURNING id`;

/**
 * Raises floors below which sessions are dead, each with the session that was kept under that very floor.
 * $1 users, $2 floors (milliseconds since the epoch), $3 sessions that were kept, $4 under which floors
 */
export const RAISE_FLOORS = `
  UPDATE users u SET sessions_floor = known.floor,
    sessions_kept = (
      SELECT s.id FROM unnest($3::uuid[], $4::float8[]) AS kept(id, moment) JOIN sessions s ON s.id = kept.id
      WHERE s.user_id = u.id AND kept.moment = known.moment ORDER BY s.id DESC LIMIT 1)
  FROM (
    SELECT id, moment, first_id_at(to_timestamp(moment / 1000)) AS floor FROM unnest($1::uuid[], $2::float8[]) AS k(id, moment)
  ) AS known
  WHERE u.id = known.id AND u.sessions_floor < known.floor
  RETURNING u.id`;
