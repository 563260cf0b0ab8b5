import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The passwords of the accounts that are there, in a transaction of its own: it locks no table, so that sign-ins go on, and
 * what is written meanwhile comes by the triggers of the migration before. When a password was chosen is not known any more;
 * not before its account was made.
 */
export class CopyPasswords1763100000001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      INSERT INTO passwords (user_id, hash, changed_at)
      SELECT id, password_hash, created_at FROM users WHERE password_hash IS NOT NULL
      ON CONFLICT (user_id) DO NOTHING
    `);
  }

  /** The column has them all. */
  async down(): Promise<void> {}
}
