-- Version 1.
-- Keeps the column of users in step with the table of passwords, as users_copy_password does the other way.
CREATE OR REPLACE FUNCTION {schema}.passwords_copy_hash()
RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    UPDATE {schema}.users SET password_hash = NULL WHERE id = OLD.user_id AND password_hash IS NOT NULL;
  ELSE
    UPDATE {schema}.users SET password_hash = NEW.hash
      WHERE id = NEW.user_id AND password_hash IS DISTINCT FROM NEW.hash;
  END IF;
  RETURN NULL;
END $$;
