import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * With which `Idempotency-Key` the refresh token of a session was last exchanged, so that the very same request gets the
 * same answer however late it is repeated. Empty where none came.
 */
export class RememberRefreshKey1764000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE sessions ADD COLUMN refresh_key_hash bytea;
      COMMENT ON COLUMN sessions.refresh_key_hash IS 'SHA-256 of session, counter and the Idempotency-Key that the last rotation was asked with';
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE sessions DROP COLUMN refresh_key_hash');
  }
}
