import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The audit log: who did what to whom, from where. Rows are added and never changed. */
export class CreateAuditEvents1763000300000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE audit_events (
        id         uuid        CONSTRAINT audit_events_pk PRIMARY KEY,
        type       text        NOT NULL CONSTRAINT audit_events_type_form CHECK (type ~ '^[a-z]+\\.[a-z_]+$'),
        actor_id   uuid,
        user_id    uuid,
        ip         inet,
        user_agent text,
        request_id text,
        at         timestamptz NOT NULL DEFAULT now(),
        data       jsonb       NOT NULL DEFAULT '{}'
      );
      COMMENT ON COLUMN audit_events.user_id IS 'No foreign key on purpose: the entry outlives the user and keeps the id only';
      CREATE INDEX audit_events_user ON audit_events (user_id, id);

      -- Retention says that it is retention. This keeps out accidents; what keeps out intent are the seals.
      CREATE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'DELETE' AND current_setting('gatehouse.audit_retention', true) = 'on' THEN
          RETURN NULL;
        END IF;
        RAISE EXCEPTION '% takes new entries only', TG_TABLE_NAME;
      END $$;
      CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
        FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse();
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE audit_events; DROP FUNCTION audit_events_refuse();');
  }
}
