import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * When the user of a session last proved who they are, for the claim `auth_time`. Empty is when the session was opened, so
 * that no row has to be written: there may be millions.
 */
export class DateLastProof1763300000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE sessions ADD COLUMN auth_time timestamptz;
      COMMENT ON COLUMN sessions.auth_time IS 'The last proof of who the user is, where it was not when the session was opened; a refresh keeps it';
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE sessions DROP COLUMN auth_time');
  }
}
