import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Of what kind the actor of an audit entry is, read from what the entry says and the seals cover: a column of its own would
 * rewrite the whole log, which grows without bound, and could be changed under the seals.
 */
export class TellKindsOfActors1763500000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(FUNCTION);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP FUNCTION actor_kind');
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
