import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A server that starts on this database with another APP_SECRET finds out before it hashes a password or seals a key. */
export class ProveAppSecret1763003400000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE app_secret_proof (
        only_row boolean NOT NULL DEFAULT true CONSTRAINT app_secret_proof_pk PRIMARY KEY CONSTRAINT app_secret_proof_one_row CHECK (only_row),
        sealed   bytea   NOT NULL
      );
      COMMENT ON COLUMN app_secret_proof.sealed IS 'Words known to everybody, AES-256-GCM under a key derived from APP_SECRET: what opens them is that secret';
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE app_secret_proof');
  }
}
