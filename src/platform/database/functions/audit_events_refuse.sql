-- Version 1.
-- Retention says that it is retention. This keeps out accidents; what keeps out intent are the seals.
CREATE OR REPLACE FUNCTION {schema}.audit_events_refuse()
RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('gatehouse.audit_retention', true) = 'on' THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'INSERT' THEN
    RAISE EXCEPTION '% is written by the functions of the audit log alone', TG_TABLE_NAME;
  END IF;
  RAISE EXCEPTION '% takes new entries only', TG_TABLE_NAME;
END $$;
