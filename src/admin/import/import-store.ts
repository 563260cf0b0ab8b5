/**
 * The statements of an import. Each takes a batch as arrays, one element for each user. Ids grow from line to line, so in
 * their order the first of two lines with one name is the one that counts.
 */

/** The time of the database. */
export const NOW = 'SELECT now() AS now';

/** Its last owner may still take it back; a trigger would refuse the whole batch for it. */
const NOT_RESERVED = `NOT EXISTS (
    SELECT FROM one_time_tokens t
    WHERE t.purpose = 'undo_email_change' AND t.email_key = given.email_key AND t.expires_at > now())`;

/**
 * While users.password_hash is kept for the version before, it is written here too: the trigger that would do it writes each
 * row of users twice. $1 ids, $2 emails, $3 email keys, $4 usernames, $5 names, $6 password hashes, $7 verified, $8 status, $9 last sign-ins
 */
export const INSERT = `
  WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[], $8::text[],
        $9::timestamptz[]) AS given (id, email, email_key, username, name, hash, verified, status, signed_in)
  ), made AS (
    INSERT INTO users (id, email, email_key, username, name, password_hash, email_verified_at, status,
      last_login_at)
    SELECT id, email, email_key, username, name, hash, CASE WHEN verified THEN now() END, status, signed_in
    FROM given WHERE ${NOT_RESERVED}
    ORDER BY id ON CONFLICT DO NOTHING RETURNING id
  ), kept AS (
    INSERT INTO passwords (user_id, hash) SELECT id, hash FROM made JOIN given USING (id) WHERE hash IS NOT NULL
  )
  SELECT id FROM made`;

/** $1 names */
export const KNOWN_ROLES = 'SELECT name FROM roles WHERE name = ANY ($1::text[])';

/** $1 users, $2 roles */
export const GIVE_ROLES = 'INSERT INTO user_roles (user_id, role) SELECT * FROM unnest($1::uuid[], $2::text[])';

/** Only after the roles: those of a user who was made earlier are a change that every instance is told. $1 ids, $2 moments */
export const SET_CREATED = `
  UPDATE users SET created_at = given.at FROM unnest($1::uuid[], $2::timestamptz[]) AS given (id, at)
  WHERE users.id = given.id`;

/** What a dry run has seen of the file. */
export const REMEMBER_SEEN = `
  CREATE TEMPORARY TABLE import_seen (id uuid, email_key text UNIQUE, username_key text UNIQUE) ON COMMIT DROP`;

/** Whom an import would take, by the users there are and by what the file has said so far. $1 ids, $2 email keys, $3 username keys */
export const REHEARSE = `
  INSERT INTO import_seen
  SELECT given.id, given.email_key, given.username
  FROM unnest($1::uuid[], $2::text[], $3::text[]) AS given (id, email_key, username)
  WHERE NOT EXISTS (SELECT FROM users u WHERE u.email_key = given.email_key)
    AND NOT EXISTS (SELECT FROM users u WHERE u.username_key = given.username)
    AND ${NOT_RESERVED}
  ORDER BY given.id ON CONFLICT DO NOTHING RETURNING id`;
