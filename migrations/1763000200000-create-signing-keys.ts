import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The keys that sign access tokens; the private half is readable with APP_SECRET only. */
export class CreateSigningKeys1763000200000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE signing_keys (
        kid        text        CONSTRAINT signing_keys_pk PRIMARY KEY,
        alg        text        NOT NULL CONSTRAINT signing_keys_alg_known CHECK (alg IN ('ES256', 'RS256', 'HS256')),
        sealed     bytea       NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        signs_from timestamptz NOT NULL
      );
      COMMENT ON COLUMN signing_keys.sealed IS 'The private key, AES-256-GCM under a key derived from APP_SECRET, with the kid as associated data';
      COMMENT ON COLUMN signing_keys.signs_from IS 'From when it signs; until then it is only published, so that every verifier has it first';

      -- For each row: a statement that touched none is no news. Of equal notifications in one transaction Postgres sends one.
      CREATE FUNCTION signing_keys_announce() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_notify('gatehouse', 'keys');
        RETURN NULL;
      END $$;
      CREATE TRIGGER signing_keys_announce AFTER INSERT OR UPDATE OR DELETE ON signing_keys
        FOR EACH ROW EXECUTE FUNCTION signing_keys_announce();
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE signing_keys; DROP FUNCTION signing_keys_announce();');
  }
}
