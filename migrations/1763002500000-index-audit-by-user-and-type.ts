import type { MigrationInterface, QueryRunner } from 'typeorm';

/** One kind of entry about one user, at once also where somebody has failed to sign in as them a million times. */
export class IndexAuditByUserAndType1763002500000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await asOwner(queryRunner, 'CREATE INDEX audit_events_user_type ON audit_events (user_id, type, id)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await asOwner(queryRunner, 'DROP INDEX audit_events_user_type');
  }
}

/** The log may belong to a role of its own; who migrates may then be more than the role in whose name they do it. */
async function asOwner(queryRunner: QueryRunner, statement: string): Promise<void> {
  await queryRunner.query(`SET LOCAL ROLE NONE; ${statement}; RESET ROLE`);
}
