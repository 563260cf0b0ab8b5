-- Version 1.
-- Begins a chain where there is none, and says what the first seal has to show. A chain that was begun before that was asked
-- for gets it once, for the end that it has.
CREATE OR REPLACE FUNCTION {schema}.audit_begin(number bigint, seal bytea, mac bytea, release bytea)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE {schema}.audit_chain c SET release = audit_begin.release
    WHERE c.place = 'head' AND c.release IS NULL AND c.number = audit_begin.number AND c.seal = audit_begin.seal;
  IF audit_begin.number = 0 AND NOT EXISTS (SELECT FROM {schema}.audit_seals) THEN
    INSERT INTO {schema}.audit_chain (place, number, seal, mac, release)
      VALUES ('head', 0, audit_begin.seal, audit_begin.mac, audit_begin.release)
      ON CONFLICT ON CONSTRAINT audit_chain_pk DO NOTHING;
  END IF;
END $$;
