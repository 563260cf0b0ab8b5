import { BELOW_FLOOR } from '../revocation/below-floor.js';

/** The statements of the sessions table. Times and ids are the database's: one clock for every instance. */

/** $1 user, $2 secret hash, $3 idle limit, $4 greatest age (both ms), $5 methods, $6 ip, $7 user agent */
export const OPEN = `
  INSERT INTO sessions (id, user_id, secret_hash, expires_at, auth_methods, ip, user_agent)
  VALUES (new_session_id($1::uuid), $1, $2, now() + least($3::float8, $4::float8) * interval '1 ms', $5, $6, $7)
  RETURNING id AS "sessionId", expires_at AS "sessionExpiresAt", created_at AS "authTime"`;

/** Sessions that one sign-in ends at most: an account may have very many from before there was a limit. */
const ENDED_AT_ONCE = 100;

/**
 * Ends what is too many for one session more, those first that have expired, then the oldest. Each of the user's rows that
 * is not ended counts, so the index that finds them stays short. It is entered at the floor, below which at most the kept one
 * lives: rows that no sweep has reached yet may be very many. $1 user, $2 how many a user may have
 */
export const MAKE_ROOM = `
  WITH unended AS (
    (SELECT s.id, s.expires_at <= now() AS expired
     FROM users u JOIN sessions s ON s.user_id = u.id AND s.id = u.sessions_kept AND s.id < u.sessions_floor
     WHERE u.id = $1 AND s.revoked_at IS NULL AND NOT ${BELOW_FLOOR})
    UNION ALL
    (SELECT s.id, s.expires_at <= now() AS expired
     FROM users u JOIN sessions s ON s.user_id = u.id AND s.id >= u.sessions_floor
     WHERE u.id = $1 AND s.revoked_at IS NULL AND NOT ${BELOW_FLOOR} ORDER BY s.id)
    ORDER BY id LIMIT $2::integer - 1 + ${ENDED_AT_ONCE}
  ), excess AS (
    SELECT id, expired FROM unended
    ORDER BY expired DESC, id LIMIT greatest(0, (SELECT count(*) FROM unended) - ($2::integer - 1))
  )
  UPDATE sessions SET revoked_at = now(), end_reason = CASE WHEN expired THEN 'expired' ELSE 'sessions_per_user' END
  FROM excess WHERE sessions.id = excess.id AND revoked_at IS NULL
  RETURNING sessions.id, expired`;

/** What a token says of a session and of the user whom it belongs to: the columns of a TokenSubject. */
const SUBJECT = `
  s.id AS "sessionId", s.expires_at AS "sessionExpiresAt", coalesce(s.auth_time, s.created_at) AS "authTime", s.auth_methods AS "authMethods",
  u.id AS "userId", u.username, u.ver AS "tokenVersion",
  ARRAY(SELECT role FROM held_roles r WHERE r.user_id = u.id ORDER BY role) AS roles`;

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
  WHERE s.id = $1 AND s.counter <= $2 AND s.secret_hash = $3 AND s.revoked_at IS NULL AND NOT ${BELOW_FLOOR}
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
  WHERE s.id = $1 AND s.user_id = $2 AND s.revoked_at IS NULL AND NOT ${BELOW_FLOOR}
    AND least(s.expires_at, s.created_at + $5::float8 * interval '1 ms') > now() AND u.id = s.user_id
  RETURNING s.counter, ${SUBJECT}`;

/** Whether a row is not about to be removed: those of a stranger who had the account go in batches. $1 user */
const IS_KEPT = `s.id > coalesce(
  (SELECT removes_to FROM session_sweeps WHERE user_id = $1 AND removes_to IS NOT NULL ORDER BY removes_to DESC LIMIT 1),
  '00000000-0000-0000-0000-000000000000')`;

/** Of how many of the latest sessions the device is remembered: a bound on what one sign-in reads. */
const REMEMBERED = 1_000;

/** Whether an address is in the broad network of another: an IPv4 /16 or an IPv6 /32, about what one provider has in one place. */
const NEAR = `network(set_masklen(ip, CASE family(ip) WHEN 6 THEN 32 ELSE 16 END)) >>= $2::inet`;

/**
 * Whether none of the user's latest sessions was on such a device and near there; false for a user who has never signed
 * in. Sessions are removed in time, and that somebody signed in before is kept with the user. Only the user agent that came
 * is taken apart; a session from before devices were remembered is known by the very same one.
 * $1 user, $2 ip, $3 user agent
 */
export const IS_NEW_DEVICE = `
  WITH latest AS (
    SELECT device_key, user_agent, ip FROM sessions s
    WHERE user_id = $1 AND ${IS_KEPT} ORDER BY id DESC LIMIT ${REMEMBERED})
  SELECT (EXISTS (SELECT FROM latest) OR EXISTS (SELECT FROM users WHERE id = $1 AND last_login_at IS NOT NULL))
    AND NOT EXISTS (
      SELECT FROM latest
      WHERE (device_key = (SELECT device_key($3::text)) OR (device_key IS NULL AND user_agent IS NOT DISTINCT FROM $3))
        AND ${NEAR}) AS "isNew"`;

/** All that is stored about a user's sessions, but the secret's hash, newest first. $1 user, $2 before this id or null, $3 limit */
export const STORED_OF = `
  SELECT s.id, s.created_at AS "createdAt", last_used_at AS "lastUsedAt", expires_at AS "expiresAt",
    coalesce(s.revoked_at, CASE WHEN NOT ${BELOW_FLOOR} THEN NULL
      WHEN s.id < u.sessions_floor THEN moment_of(u.sessions_floor) ELSE now() END) AS "revokedAt",
    CASE WHEN s.revoked_at IS NULL AND ${BELOW_FLOOR} THEN 'revoked_before' ELSE end_reason END AS "endReason",
    host(ip) AS ip, user_agent AS "userAgent", auth_methods AS "authMethods"
  FROM sessions s JOIN users u ON u.id = s.user_id
  WHERE u.id = $1 AND ${IS_KEPT} AND ($2::uuid IS NULL OR s.id < $2) ORDER BY s.id DESC LIMIT $3`;

/** Why a rotation found nothing to rotate. $1 id, $2 secret hash, $3 grace, $4 greatest age (both ms), $5 hash of the Idempotency-Key or null */
export const EXAMINE = {
  name: 'session-examine',
  text: `
  SELECT s.counter, ${SUBJECT},
    (s.revoked_at IS NOT NULL AND s.end_reason IS DISTINCT FROM 'expired') OR u.status <> 'active' OR ${BELOW_FLOOR} AS revoked,
    s.end_reason AS "endReason", u.email_verified_at IS NULL AS unverified,
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

/** From the live sessions of a user. $1 user */
const FROM_LIVE = `
  FROM users u JOIN sessions s ON s.user_id = u.id
  WHERE u.id = $1 AND s.revoked_at IS NULL AND s.expires_at > now() AND NOT ${BELOW_FLOOR}`;

/** The live sessions of a user, newest first. $1 user, $2 before this id or null, $3 limit */
export const LIST = `
  SELECT s.id, s.created_at, last_used_at, expires_at, host(ip) AS ip, user_agent, auth_methods ${FROM_LIVE}
    AND ($2::uuid IS NULL OR s.id < $2)
  ORDER BY s.id DESC LIMIT $3`;

/** How many live sessions a user has. $1 user */
export const COUNT_LIVE = { name: 'session-count-live', text: `SELECT count(*)::integer AS count ${FROM_LIVE}` };

/** The newest live sessions of a user but one, and how many there are. $1 user, $2 the one to leave out or null, $3 limit */
export const SURVEY = `
  WITH live AS (SELECT s.id ${FROM_LIVE} AND s.id IS DISTINCT FROM $2::uuid)
  SELECT (SELECT count(*)::integer FROM live) AS count, ARRAY(SELECT id FROM live ORDER BY id DESC LIMIT $3) AS newest`;

/** Ends one session. $1 id, $2 its owner, or null for any owner */
export const REVOKE = `
  UPDATE sessions s SET revoked_at = now() FROM users u
  WHERE s.id = $1 AND u.id = s.user_id AND ($2::uuid IS NULL OR u.id = $2)
    AND s.revoked_at IS NULL AND s.expires_at > now() AND NOT ${BELOW_FLOOR}
  RETURNING u.id`;

/** Ends all sessions of a user but one, by the floor, which is null where there is no such user. $1 user, $2 the one to keep or null */
export const END_ALL = 'SELECT end_sessions($1::uuid, $2::uuid) AS floor';

/** $1 user */
export const REMOVE_ALL = 'SELECT remove_sessions($1::uuid)';
