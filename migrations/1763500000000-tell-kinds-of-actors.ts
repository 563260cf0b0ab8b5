import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Of what kind the actor of an audit entry is, read from what the entry says and the seals cover: a column of its own would
 * rewrite the whole log, which grows without bound, and could be changed under the seals.
 */
export class TellKindsOfActors1763500000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(FUNCTION);
    await queryRunner.query(OWNER);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(DROP);
  }
}

/** Bound to its tables and operators here, whatever the search_path of a caller; SET would keep it from being inlined. */
const FUNCTION = `
  CREATE FUNCTION actor_kind(entry audit_events) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE
    WHEN (entry).actor_id IS NOT NULL THEN 'user'
    WHEN (entry).data OPERATOR(pg_catalog.?) 'operator' THEN 'operator'
    WHEN (entry).ip IS NULL AND (entry).request_id IS NULL THEN 'system'
    ELSE 'anonymous'
  END;
  COMMENT ON FUNCTION actor_kind IS 'user, operator (at the command line), anonymous (a request without a token) or system: SELECT e.actor_kind FROM audit_events e';
`;

/** Where the log belongs to a role that nobody signs in as, so does what tells who wrote it. */
const OWNER = `
  DO $$
  DECLARE
    owner name := pg_get_userbyid((SELECT relowner FROM pg_class WHERE oid = 'audit_events'::regclass));
  BEGIN
    IF owner = current_user OR NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN
      RETURN;
    END IF;
    SET LOCAL ROLE NONE;
    EXECUTE format('ALTER FUNCTION actor_kind OWNER TO %I', owner);
    RESET ROLE;
  END $$;
`;

const DROP = `
  DO $$
  BEGIN
    IF pg_get_userbyid((SELECT proowner FROM pg_proc WHERE oid = 'actor_kind'::regproc)) = current_user THEN
      DROP FUNCTION actor_kind;
      RETURN;
    END IF;
    SET LOCAL ROLE NONE;
    DROP FUNCTION actor_kind;
    RESET ROLE;
  END $$;
`;
