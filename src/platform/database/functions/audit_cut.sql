-- Version 1.
-- Removes a seal and its entries, where it is shown what the seal's SHA-256 was made of, which only APP_SECRET gives.
CREATE OR REPLACE FUNCTION {schema}.audit_cut(cut bigint, shown bytea)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  gone uuid[];
BEGIN
  PERFORM set_config('gatehouse.audit_retention', 'on', true);
  DELETE FROM {schema}.audit_seals s WHERE s.number = cut AND s.release = sha256(shown) RETURNING s.ids INTO gone;
  IF gone IS NULL THEN
    RAISE EXCEPTION 'seal % is not there, or what was shown does not release it', cut;
  END IF;
  DELETE FROM {schema}.audit_events e WHERE e.id = ANY (gone);
  PERFORM set_config('gatehouse.audit_retention', 'off', true);
END $$;
