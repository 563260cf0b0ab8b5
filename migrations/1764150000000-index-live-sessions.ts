import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Finds the sessions of a user that have not ended, however many have. By itself: while it is built, nothing may be written
 * to sessions, and a lock on users beside that would be waited for in a circle with requests that hold both.
 */
export class IndexLiveSessions1764150000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('CREATE INDEX sessions_live ON sessions (user_id, id) WHERE revoked_at IS NULL');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX sessions_live');
  }
}
