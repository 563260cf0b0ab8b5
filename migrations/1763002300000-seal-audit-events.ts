import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Seals over the audit log, each over a batch of entries and the seal before it, so that tampering shows and is named. */
export class SealAuditEvents1763002300000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(TABLES);
    await queryRunner.query(TRIGGERS);
    await queryRunner.query(OWNER);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    // The owner of the schema may drop what belongs to another role, but not alter it.
    await queryRunner.query(`
      DO $$ BEGIN
        IF pg_get_userbyid((SELECT relowner FROM pg_class WHERE oid = 'audit_events'::regclass)) = 'gatehouse_audit' THEN
          SET LOCAL ROLE gatehouse_audit;
        END IF;
      END $$;
      DROP TRIGGER audit_events_await_seal ON audit_events;
      DROP INDEX audit_events_type;
      RESET ROLE;
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
    mac       bytea       NOT NULL CONSTRAINT audit_seals_mac_length CHECK (octet_length(mac) = 32)
  );
  COMMENT ON COLUMN audit_seals.macs IS 'For each entry the first 16 bytes of its HMAC-SHA-256 under a key derived from APP_SECRET';
  COMMENT ON COLUMN audit_seals.mac IS 'HMAC-SHA-256 over the seal before, number, time, ids and macs';

  CREATE TABLE audit_chain (
    place  text   CONSTRAINT audit_chain_pk PRIMARY KEY CONSTRAINT audit_chain_place_known CHECK (place IN ('head', 'anchor')),
    number bigint NOT NULL,
    seal   bytea  NOT NULL,
    mac    bytea  NOT NULL
  );
  COMMENT ON TABLE audit_chain IS 'The last seal, and the last one that retention has cut off; each under its own HMAC';
`;

const TRIGGERS = `
  CREATE FUNCTION audit_events_await_seal() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO audit_unsealed SELECT id FROM added;
    RETURN NULL;
  END $$;
  CREATE TRIGGER audit_events_await_seal AFTER INSERT ON audit_events
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION audit_events_await_seal();

  -- Retention says that it is retention. This keeps out accidents; what keeps out intent are the seals and their anchor.
  CREATE OR REPLACE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'DELETE' AND current_setting('gatehouse.audit_retention', true) = 'on' THEN
      RETURN NULL;
    END IF;
    RAISE EXCEPTION '% takes new entries only', TG_TABLE_NAME;
  END $$;
  CREATE TRIGGER audit_seals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seals
    FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse();
`;

/**
 * Where the server has set up Postgres itself there is a role for the log: the application's own may then read and add,
 * and nothing else, unless it says SET ROLE as retention does. Elsewhere the triggers alone refuse.
 */
const OWNER = `
  DO $$
  BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gatehouse_audit')
      OR NOT pg_has_role(current_user, 'gatehouse_audit', 'MEMBER') THEN
      RETURN;
    END IF;
    GRANT CREATE, USAGE ON SCHEMA public TO gatehouse_audit;
    ALTER TABLE audit_events OWNER TO gatehouse_audit;
    ALTER TABLE audit_seals OWNER TO gatehouse_audit;
    EXECUTE format('SET LOCAL ROLE gatehouse_audit; GRANT SELECT, INSERT ON audit_events, audit_seals TO %I; RESET ROLE', session_user);
  EXCEPTION WHEN insufficient_privilege THEN
    RESET ROLE;
    RAISE NOTICE 'audit_events stays with %: %', current_user, SQLERRM;
  END $$;
`;
