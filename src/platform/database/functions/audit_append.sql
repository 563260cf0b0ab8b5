-- Version 1.
-- Takes entries out of the queue and into a seal, which becomes the end of the chain. Only a server can do it: the seal has
-- the next number, and shows what the seal before it was released by, which only APP_SECRET gives.
CREATE OR REPLACE FUNCTION {schema}.audit_append(
  number bigint, sealed_at timestamptz, ids uuid[], macs bytea, mac bytea, release bytea, head_mac bytea, shown bytea
) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  taken integer;
BEGIN
  PERFORM FROM {schema}.audit_chain c
    WHERE c.place = 'head' AND c.number = audit_append.number - 1 AND c.release = sha256(audit_append.shown) FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'seal % does not follow the end of the chain, or what was shown does not let it', audit_append.number;
  END IF;
  DELETE FROM {schema}.audit_unsealed u WHERE u.id = ANY (audit_append.ids);
  GET DIAGNOSTICS taken = ROW_COUNT;
  IF taken <> cardinality(audit_append.ids) THEN
    RAISE EXCEPTION 'a seal takes entries that wait for one, each once';
  END IF;
  INSERT INTO {schema}.audit_seals (number, sealed_at, ids, macs, mac, release) VALUES (audit_append.number,
    audit_append.sealed_at, audit_append.ids, audit_append.macs, audit_append.mac, audit_append.release);
  UPDATE {schema}.audit_chain c SET number = audit_append.number, seal = audit_append.mac, mac = audit_append.head_mac,
    release = audit_append.release WHERE c.place = 'head';
END $$;
