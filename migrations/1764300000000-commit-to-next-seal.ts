import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What the next seal has to show stands beside the end of the chain, so that nothing gets into the chain, or to another of
 * its places, that no server has made. The functions that ask for it are files, `src/platform/database/functions/audit_*.sql`.
 */
export class CommitToNextSeal1764300000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE audit_chain
        ADD COLUMN release bytea CONSTRAINT audit_chain_release_length CHECK (octet_length(release) = 32);
      COMMENT ON COLUMN audit_chain.release IS 'At the head: SHA-256 of what the next seal has to show, which is what releases the last one';
      UPDATE audit_chain c SET release = s.release FROM audit_seals s WHERE c.place = 'head' AND s.number = c.number;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP FUNCTION IF EXISTS audit_append(bigint, timestamptz, uuid[], bytea, bytea, bytea, bytea, bytea);
      DROP FUNCTION IF EXISTS audit_begin(bigint, bytea, bytea, bytea);
      DROP FUNCTION IF EXISTS audit_place(text, bigint, bytea, bytea, bytea);
      ALTER TABLE audit_chain DROP COLUMN release;
    `);
  }
}
