/**
 * Statements that tell every instance of ends which no row can hold: the session, or its user, was made within commits that a
 * failover lost, and access tokens of it are about all the same. Where there is a row they tell nothing.
 */

/** $1 ids */
export const TELL_SESSIONS = `
  INSERT INTO changes (kind, id) SELECT 'session', k.id FROM unnest($1::uuid[]) AS k(id)
  WHERE NOT EXISTS (SELECT FROM sessions s WHERE s.id = k.id) RETURNING 1`;

/** $1 ids, $2 versions */
export const TELL_VERSIONS = `
  INSERT INTO changes (kind, id, ver) SELECT 'user', k.id, k.ver FROM unnest($1::uuid[], $2::integer[]) AS k(id, ver)
  WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = k.id) RETURNING 1`;

/** $1 ids, $2 moments of the floors, in milliseconds since the epoch */
export const TELL_FLOORS = `
  INSERT INTO changes (kind, id, floor)
  SELECT 'user', k.id, first_id_at(to_timestamp(k.moment / 1000)) FROM unnest($1::uuid[], $2::float8[]) AS k(id, moment)
  WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = k.id) RETURNING 1`;

/** A floor of this moment. $1 user, $2 the session that goes on below it, or null */
export const TELL_FLOOR_NOW = `
  INSERT INTO changes (kind, id, floor, kept)
  SELECT 'user', $1::uuid, first_id_after(first_id_at(clock_timestamp())), $2::uuid
  WHERE NOT EXISTS (SELECT FROM users WHERE id = $1::uuid) RETURNING 1`;

export const RING = `SELECT ring('lost')`;
