-- Version 1.
-- Puts new entries into the queue for a seal: those of the log, and of no other table that would name this as its trigger.
CREATE OR REPLACE FUNCTION {schema}.audit_events_await_seal()
RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_TABLE_SCHEMA <> {schema_literal} OR TG_TABLE_NAME <> 'audit_events' THEN
    RAISE EXCEPTION 'only entries of the audit log wait for a seal';
  END IF;
  INSERT INTO {schema}.audit_unsealed (id) SELECT id FROM added;
  RETURN NULL;
END $$;
