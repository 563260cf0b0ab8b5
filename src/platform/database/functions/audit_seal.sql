-- Version 1.
-- For servers of the version before, which write the end of the chain themselves. The embedded Postgres, where the log is
-- kept from the role of the server, has none.
CREATE OR REPLACE FUNCTION {schema}.audit_seal(
  number bigint, sealed_at timestamptz, ids uuid[], macs bytea, mac bytea, release bytea
) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  taken integer;
BEGIN
  IF EXISTS (SELECT FROM {schema}.audit_chain c WHERE c.place = 'head' AND c.number <> audit_seal.number - 1) THEN
    RAISE EXCEPTION 'seal % does not follow the end of the chain', audit_seal.number;
  END IF;
  DELETE FROM {schema}.audit_unsealed u WHERE u.id = ANY (audit_seal.ids);
  GET DIAGNOSTICS taken = ROW_COUNT;
  IF taken <> cardinality(audit_seal.ids) THEN
    RAISE EXCEPTION 'a seal takes entries that wait for one, each once';
  END IF;
  INSERT INTO {schema}.audit_seals (number, sealed_at, ids, macs, mac, release) VALUES (audit_seal.number,
    audit_seal.sealed_at, audit_seal.ids, audit_seal.macs, audit_seal.mac, audit_seal.release);
  UPDATE {schema}.audit_chain c SET release = audit_seal.release WHERE c.place = 'head';
END $$;
