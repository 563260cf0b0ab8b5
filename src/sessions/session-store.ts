/** The statements of the sessions table. Times are the database's: one clock for every instance. */

/** $1 id, $2 user, $3 secret hash, $4 idle limit, $5 greatest age (both ms), $6 methods, $7 ip, $8 user agent */
export const OPEN = `
  INSERT INTO sessions (id, user_id, secret_hash, expires_at, auth_methods, ip, user_agent)
  VALUES ($1, $2, $3, now() + least($4::float8, $5::float8) * interval '1 ms', $6, $7, $8)
  RETURNING expires_at AS "sessionExpiresAt", created_at AS "authTime"`;

/** What a token says of a session and of the user whom it belongs to: the columns of a TokenSubject. */
const SUBJECT = `
  s.id AS "sessionId", s.expires_at AS "sessionExpiresAt", coalesce(s.auth_time, s.created_at) AS "authTime", s.auth_methods AS "authMethods",
  u.id AS "userId", u.username, u.ver AS "tokenVersion",
  ARRAY(SELECT role FROM user_roles r WHERE r.user_id = u.id ORDER BY role) AS roles`;

/**
 * One conditional UPDATE rotates; its row lock orders it against every other rotation, logout and disabling. A token ahead
 * of its row is the newest, since nobody else can make one: the database has lost its last commits, or is a backup.
 * $1 id, $2 counter, $3 secret hash, $4 idle limit, $5 greatest age (both ms), $6 ip, $7 user agent,
 * $8 whether the user's email must be confirmed, $9 hash of the Idempotency-Key or null
 */
export const ROTATE = {
  name: 'session-rotate',
  text: `
  UPDATE sessions s SET
    counter = $2::integer + 1, rotated_at = now(), last_used_at = now(), ip = $6, user_agent = $7, refresh_key_hash = $9,
    expires_at = least(now() + $4::float8 * interval '1 ms', s.created_at + $5::float8 * interval '1 ms')
  FROM users u
  WHERE s.id = $1 AND s.counter <= $2 AND s.secret_hash = $3 AND s.revoked_at IS NULL
    AND least(s.expires_at, s.created_at + $5::float8 * interval '1 ms') > now()
    AND u.id = s.user_id AND u.status = 'active' AND (NOT $8 OR u.email_verified_at IS NOT NULL)
  RETURNING ${SUBJECT}`,
};

/**
 * Gives a live session a new secret, so that every refresh token of it so far is dead.
 * $1 id, $2 user, $3 secret hash, $4 idle limit, $5 greatest age (both ms), $6 ip, $7 user agent
 */
export const RENEW = `
  UPDATE sessions s SET
    secret_hash = $3, counter = s.counter + 1, refresh_key_hash = NULL,
    rotated_at = now(), last_used_at = now(), ip = $6, user_agent = $7,
    expires_at = least(now() + $4::float8 * interval '1 ms', s.created_at + $5::float8 * interval '1 ms')
  FROM users u
  WHERE s.id = $1 AND s.user_id = $2 AND s.revoked_at IS NULL
    AND least(s.expires_at, s.created_at + $5::float8 * interval '1 ms') > now() AND u.id = s.user_id
  RETURNING s.counter, ${SUBJECT}`;

/** A user agent without its versions: an update of the browser makes no new device. */
const withoutVersions = (column: string) =>
  `regexp_replace(coalesce(${column}, ''), '/[0-9.]+|[0-9]+([._][0-9]+)+', '', 'g')`;

/** Of how many of the latest sessions the device is remembered: a bound on what one sign-in reads. */
const REMEMBERED = 1_000;

/** Whether an address is in the broad network of another: an IPv4 /16 or an IPv6 /32, about what one provider has in one place. */
const NEAR = `network(set_masklen(ip, CASE family(ip) WHEN 6 THEN 32 ELSE 16 END)) >>= $2::inet`;

/**
 * Whether none of the user's latest sessions was on such a device and near there; false for a user who has never signed
 * in. Sessions are removed in time, and that somebody signed in before is kept with the user. $1 user, $2 ip, $3 user agent
 */
export const IS_NEW_DEVICE = `
  SELECT (count(*) > 0 OR EXISTS (SELECT FROM users WHERE id = $1 AND last_login_at IS NOT NULL))
    AND NOT coalesce(bool_or(${withoutVersions('user_agent')} = ${withoutVersions('$3::text')} AND ${NEAR}), false) AS "isNew"
  FROM (SELECT user_agent, ip FROM sessions WHERE user_id = $1 ORDER BY id DESC LIMIT ${REMEMBERED}) AS latest`;

/** All that is stored about a user's sessions, but the secret's hash. $1 user */
export const ALL_OF = `
  SELECT id, created_at AS "createdAt", last_used_at AS "lastUsedAt", expires_at AS "expiresAt",
    revoked_at AS "revokedAt", host(ip) AS ip, user_agent AS "userAgent", auth_methods AS "authMethods"
  FROM sessions WHERE user_id = $1 ORDER BY id DESC`;

/** Why a rotation found nothing to rotate. $1 id, $2 secret hash, $3 grace, $4 greatest age (both ms), $5 hash of the Idempotency-Key or null */
export const EXAMINE = {
  name: 'session-examine',
  text: `
  SELECT s.counter, ${SUBJECT},
    s.revoked_at IS NOT NULL OR u.status <> 'active' AS revoked, u.email_verified_at IS NULL AS unverified,
    least(s.expires_at, s.created_at + $4::float8 * interval '1 ms') <= now() AS expired,
    coalesce(s.rotated_at >= now() - $3::float8 * interval '1 ms', false) AS fresh, s.secret_hash <> $2 AS renewed,
    coalesce(s.refresh_key_hash = $5::bytea, false) AS repeated
  FROM sessions s JOIN users u ON u.id = s.user_id
  WHERE s.id = $1`,
};

/** Keeps the first Idempotency-Key that came for a rotation which was asked for without one. $1 id, $2 counter, $3 its hash */
export const KEEP_KEY = {
  name: 'session-keep-key',
  text: 'UPDATE sessions SET refresh_key_hash = $3 WHERE id = $1 AND counter = $2 AND refresh_key_hash IS NULL',
};

/** The live sessions of a user, newest first. $1 user, $2 before this id or null, $3 limit */
export const LIST = `
  SELECT id, created_at, last_used_at, expires_at, host(ip) AS ip, user_agent, auth_methods
  FROM sessions
  WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now() AND ($2::uuid IS NULL OR id < $2)
  ORDER BY id DESC LIMIT $3`;

/** How many live sessions a user has. $1 user */
export const COUNT_LIVE = {
  name: 'session-count-live',
  text: 'SELECT count(*)::integer AS count FROM sessions WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now()',
};

/** Ends one session. $1 id, $2 its owner, or null for any owner */
export const REVOKE = `
  UPDATE sessions SET revoked_at = now()
  WHERE id = $1 AND ($2::uuid IS NULL OR user_id = $2) AND revoked_at IS NULL AND expires_at > now()
  RETURNING user_id AS id`;

/** $1 user */
export const REMOVE_ALL = 'DELETE FROM sessions WHERE user_id = $1';

/** Ends all live sessions of a user but one. $1 user, $2 the one to keep or null */
export const REVOKE_ALL = `
  UPDATE sessions SET revoked_at = now()
  WHERE user_id = $1 AND id IS DISTINCT FROM $2 AND revoked_at IS NULL AND expires_at > now() RETURNING id`;
