import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * No audit entry says more than 32 KiB, written by SQL either: entries are kept for years, and each is read into memory where the
 * log is shown, exported or verified. Those of before are left as they are, which NOT VALID allows.
 */
export class BoundAuditData1764305100000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await asOwner(
      queryRunner,
      `ALTER TABLE audit_events
         ADD CONSTRAINT audit_events_data_bounded CHECK (octet_length(data::text) <= 32768) NOT VALID`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await asOwner(queryRunner, 'ALTER TABLE audit_events DROP CONSTRAINT IF EXISTS audit_events_data_bounded');
  }
}

/**
 * The log may belong to a role that nobody signs in as. Where the one who migrates may not act for it, the server's own bound
 * on what it writes is all there is.
 */
async function asOwner(queryRunner: QueryRunner, statement: string): Promise<void> {
  await queryRunner.query(`
    DO $$
    DECLARE
      owner regrole := (SELECT relowner::regrole FROM pg_catalog.pg_class WHERE oid = 'audit_events'::regclass);
    BEGIN
      IF pg_catalog.pg_has_role(owner::oid, 'USAGE') THEN
        ${statement};
      END IF;
    END $$`);
}
