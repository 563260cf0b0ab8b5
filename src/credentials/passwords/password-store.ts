/** The statements of the passwords table. The caller has locked the user's row before any of them that writes. */

/** $1 user */
export const HASH_OF = 'SELECT hash FROM passwords WHERE user_id = $1';

/** $1 user, $2 hash */
export const SET = `
  INSERT INTO passwords (user_id, hash) VALUES ($1, $2)
  ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at`;

/** $1 user */
export const REMOVE = 'DELETE FROM passwords WHERE user_id = $1';

/** Unless the password that was checked is no longer the one. $1 user, $2 checked hash, $3 new hash */
export const REPLACE = 'UPDATE passwords SET hash = $3, changed_at = now() WHERE user_id = $1 AND hash = $2';

/** As REPLACE, with another hash of the same password. */
export const REHASH = 'UPDATE passwords SET hash = $3 WHERE user_id = $1 AND hash = $2';
