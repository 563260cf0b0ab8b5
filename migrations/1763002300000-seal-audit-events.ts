import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Seals over the audit log, each over a batch of entries and the seal before it, so that tampering shows and is named. */
export class SealAuditEvents1763002300000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(TABLES);
    await queryRunner.query(FUNCTIONS);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP TRIGGER audit_events_await_seal ON audit_events;
      DROP INDEX audit_events_type;
      DROP FUNCTION audit_cut(bigint, bytea);
      DROP FUNCTION audit_seal(bigint, timestamptz, uuid[], bytea, bytea, bytea);
      DROP TABLE audit_unsealed, audit_chain, audit_seals;
      DROP FUNCTION audit_events_await_seal();
    `);
  }
}

const TABLES = `
  CREATE INDEX audit_events_type ON audit_events (type, id);

  CREATE TABLE audit_unsealed (
    id uuid CONSTRAINT audit_unsealed_pk PRIMARY KEY
  ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
  COMMENT ON TABLE audit_unsealed IS 'Entries that wait for a seal, about a second; written by a trigger, taken out with the seal';
  INSERT INTO audit_unsealed SELECT id FROM audit_events;

  CREATE TABLE audit_seals (
    number    bigint      CONSTRAINT audit_seals_pk PRIMARY KEY,
    sealed_at timestamptz NOT NULL,
    ids       uuid[]      NOT NULL,
    macs      bytea       NOT NULL CONSTRAINT audit_seals_mac_for_each CHECK (octet_length(macs) = 16 * cardinality(ids)),
    mac       bytea       NOT NULL CONSTRAINT audit_seals_mac_length CHECK (octet_length(mac) = 32),
    release   bytea       NOT NULL CONSTRAINT audit_seals_release_length CHECK (octet_length(release) = 32)
  );
  COMMENT ON COLUMN audit_seals.macs IS 'For each entry the first 16 bytes of its HMAC-SHA-256 under a key derived from APP_SECRET';
  COMMENT ON COLUMN audit_seals.mac IS 'HMAC-SHA-256 over the seal before, number, time, ids and macs';
  COMMENT ON COLUMN audit_seals.release IS 'SHA-256 of what retention has to show, and only APP_SECRET gives, before the seal may go';

  CREATE TABLE audit_chain (
    place  text   CONSTRAINT audit_chain_pk PRIMARY KEY
      CONSTRAINT audit_chain_place_known CHECK (place IN ('head', 'anchor', 'accepted')),
    number bigint NOT NULL,
    seal   bytea  NOT NULL,
    mac    bytea  NOT NULL
  );
  COMMENT ON TABLE audit_chain IS 'The last seal, the last one that retention has cut off, and the last one up to which audit:accept lets late seals stand; each under its own HMAC';
`;

/** The only ways into a seal and out of the log: an entry is in one seal at most, and leaves only with it. */
const FUNCTIONS = `
  CREATE FUNCTION audit_events_await_seal() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO audit_unsealed SELECT id FROM added;
    RETURN NULL;
  END $$;
  CREATE TRIGGER audit_events_await_seal AFTER INSERT ON audit_events
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION audit_events_await_seal();

  CREATE FUNCTION audit_seal(number bigint, sealed_at timestamptz, ids uuid[], macs bytea, mac bytea, release bytea)
  RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    taken integer;
  BEGIN
    DELETE FROM audit_unsealed WHERE id = ANY (ids);
    GET DIAGNOSTICS taken = ROW_COUNT;
    IF taken <> cardinality(ids) THEN
      RAISE EXCEPTION 'a seal takes entries that wait for one, each once';
    END IF;
    INSERT INTO audit_seals VALUES (number, sealed_at, ids, macs, mac, release);
  END $$;

  CREATE FUNCTION audit_cut(cut bigint, shown bytea) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    gone uuid[];
  BEGIN
    PERFORM set_config('gatehouse.audit_retention', 'on', true);
    DELETE FROM audit_seals WHERE number = cut AND release = sha256(shown) RETURNING ids INTO gone;
    IF gone IS NULL THEN
      RAISE EXCEPTION 'seal % is not there, or what was shown does not release it', cut;
    END IF;
    DELETE FROM audit_events WHERE id = ANY (gone);
    PERFORM set_config('gatehouse.audit_retention', 'off', true);
  END $$;

  CREATE TRIGGER audit_seals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seals
    FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse();
`;
