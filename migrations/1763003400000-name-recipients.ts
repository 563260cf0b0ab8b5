import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whose a waiting mail is, so that it goes with a deleted account and stands in an export. */
export class NameRecipients1763003400000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE mail_outbox ADD COLUMN recipient bytea;
      COMMENT ON COLUMN mail_outbox.recipient IS 'HMAC-SHA-256 of the address under a key derived from APP_SECRET: a dump names nobody';
      CREATE INDEX mail_outbox_recipient ON mail_outbox (recipient);
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE mail_outbox DROP COLUMN recipient');
  }
}
