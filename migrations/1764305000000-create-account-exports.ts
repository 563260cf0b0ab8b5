import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which accounts are being exported just now: one export at a time for an account, over all instances. */
export class CreateAccountExports1764305000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE UNLOGGED TABLE account_exports (
        user_id    uuid        CONSTRAINT account_exports_pk PRIMARY KEY
          CONSTRAINT account_exports_user_fk REFERENCES users ON DELETE CASCADE,
        claim      uuid        NOT NULL,
        expires_at timestamptz NOT NULL
      );
      COMMENT ON TABLE account_exports IS 'One row while an export is being sent; an instance renews it as it goes, and removes it in the end';
      COMMENT ON COLUMN account_exports.expires_at IS 'From here on the instance is taken for dead, and the next export may begin';
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE account_exports');
  }
}
