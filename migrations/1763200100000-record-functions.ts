import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which version of each function that stands in a file this database has. */
export class RecordFunctions1763200100000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE applied_functions (
        name    text    CONSTRAINT applied_functions_pk PRIMARY KEY,
        version integer NOT NULL CONSTRAINT applied_functions_version_positive CHECK (version > 0),
        hash    bytea   NOT NULL CONSTRAINT applied_functions_hash_is_sha256 CHECK (octet_length(hash) = 32)
      );
      COMMENT ON COLUMN applied_functions.hash IS 'SHA-256 of the file that was applied';
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE applied_functions');
  }
}
