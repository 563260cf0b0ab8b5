-- Version 1.
-- Keeps the table of passwords in step with the column of users, for servers of a version before there was the table. Writes
-- only what differs, so that the answer of the other, passwords_copy_hash, finds nothing left to do.
CREATE OR REPLACE FUNCTION {schema}.users_copy_password()
RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.password_hash IS NULL THEN
    DELETE FROM {schema}.passwords WHERE user_id = NEW.id;
  ELSE
    INSERT INTO {schema}.passwords AS p (user_id, hash) VALUES (NEW.id, NEW.password_hash)
      ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at
      WHERE p.hash <> excluded.hash;
  END IF;
  RETURN NULL;
END $$;
