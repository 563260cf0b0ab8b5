import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * No text of an audit entry is longer than a request can make it, written by SQL either: a thousand entries are read at once to be
 * sealed, and a few whose user agent has many megabytes would keep every later entry from its seal. Those of before are left as
 * they are, which NOT VALID allows. In the embedded Postgres the log belongs to a role of its own, and is bounded where it is given
 * to that (src/audit/log-objects.ts).
 */
export class BoundAuditTexts1764305300000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await asOwner(
      queryRunner,
      `ALTER TABLE audit_events
         ADD CONSTRAINT audit_events_texts_bounded
           CHECK (octet_length(type) <= 128 AND octet_length(user_agent) <= 4096 AND octet_length(request_id) <= 1024) NOT VALID`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await asOwner(queryRunner, 'ALTER TABLE audit_events DROP CONSTRAINT IF EXISTS audit_events_texts_bounded');
  }
}

/** Where the one who migrates may not act for the owner of the log, the server's own bounds on what it writes are all there is. */
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
