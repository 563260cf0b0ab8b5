-- Version 1.
-- Counts what the dashboard shows by day. A signed-in user who mistypes the password has failed to sign in nowhere.
CREATE OR REPLACE FUNCTION {schema}.audit_events_tally()
RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO {schema}.tally_changes (name, day, delta)
    SELECT type, (at AT TIME ZONE 'UTC')::date, count(*) FROM added
    WHERE type IN ('auth.registered', 'auth.login', 'auth.login_failed') AND data ->> 'code' IS DISTINCT FROM 'wrong_password'
    GROUP BY 1, 2;
  RETURN NULL;
END $$;
