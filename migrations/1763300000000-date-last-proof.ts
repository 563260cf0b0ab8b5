import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When the user of a session last proved who they are, for the claim `auth_time`. */
export class DateLastProof1763300000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE sessions ADD COLUMN auth_time timestamptz NOT NULL DEFAULT now();
      UPDATE sessions SET auth_time = created_at;
      COMMENT ON COLUMN sessions.auth_time IS 'The last proof of who the user is, at sign-in or later; a refresh keeps it';
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE sessions DROP COLUMN auth_time');
  }
}
