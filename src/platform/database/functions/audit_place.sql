-- Version 1.
-- Writes down where retention has cut the chain, or up to where it was accepted, for a server that shows what only APP_SECRET
-- gives at its end. The end itself moves with a seal alone.
CREATE OR REPLACE FUNCTION {schema}.audit_place(place text, number bigint, seal bytea, mac bytea, shown bytea)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF audit_place.place = 'head' OR NOT EXISTS (
    SELECT FROM {schema}.audit_chain c WHERE c.place = 'head' AND c.release = sha256(audit_place.shown))
  THEN
    RAISE EXCEPTION 'the chain has another end, or what was shown does not let a place be written';
  END IF;
  INSERT INTO {schema}.audit_chain AS c (place, number, seal, mac)
    VALUES (audit_place.place, audit_place.number, audit_place.seal, audit_place.mac)
    ON CONFLICT ON CONSTRAINT audit_chain_pk
    DO UPDATE SET number = excluded.number, seal = excluded.seal, mac = excluded.mac;
END $$;
