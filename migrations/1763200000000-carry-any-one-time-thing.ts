import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The table of the mailed links carries every one-time thing: challenges, mailed codes and hand-over codes too.
 * It only adds, and the version before goes on writing and using mailed links beside this one.
 */
export class CarryAnyOneTimeThing1763200000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE one_time_tokens
        ADD COLUMN owner_id uuid CONSTRAINT one_time_tokens_owner_fk REFERENCES users ON DELETE CASCADE,
        ADD COLUMN proof bytea CONSTRAINT one_time_tokens_proof_length CHECK (octet_length(proof) = 32),
        ADD COLUMN attempts_left integer CONSTRAINT one_time_tokens_attempts_not_negative CHECK (attempts_left >= 0),
        ADD COLUMN data jsonb,
        ALTER COLUMN user_id DROP NOT NULL,
        ALTER COLUMN email DROP NOT NULL,
        ALTER COLUMN email_key DROP NOT NULL,
        ADD CONSTRAINT one_time_tokens_newest_has_owner CHECK (user_id IS NULL OR user_id IS NOT DISTINCT FROM owner_id) NOT VALID,
        ADD CONSTRAINT one_time_tokens_links_have_address CHECK (
          purpose NOT IN ('verify_email', 'reset_password', 'invitation', 'change_email', 'undo_email_change')
          OR (owner_id IS NOT NULL AND email IS NOT NULL AND email_key IS NOT NULL)) NOT VALID;
      COMMENT ON COLUMN one_time_tokens.owner_id IS 'Whose it is; null where the address has no account yet, or where it is for nobody in particular';
      COMMENT ON COLUMN one_time_tokens.user_id IS 'The owner once more, where the newest of a purpose replaces the one before; null where several may live';
      COMMENT ON COLUMN one_time_tokens.proof IS 'SHA-256, keyed where it is short, of a second secret that has to come with the first: a mailed code, the cookie of a flow';
      COMMENT ON COLUMN one_time_tokens.attempts_left IS 'How many wrong attempts it still bears; at 0 it is dead. Null: they are not counted';
      COMMENT ON COLUMN one_time_tokens.data IS 'What its flow has to know at the end; never a secret in the clear';

      -- The version before knows no owner_id.
      CREATE FUNCTION one_time_tokens_fill_owner() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        NEW.owner_id := NEW.user_id;
        RETURN NEW;
      END $$;
      CREATE TRIGGER one_time_tokens_fill_owner BEFORE INSERT ON one_time_tokens
        FOR EACH ROW WHEN (NEW.owner_id IS NULL AND NEW.user_id IS NOT NULL) EXECUTE FUNCTION one_time_tokens_fill_owner();
      UPDATE one_time_tokens SET owner_id = user_id;
      ALTER TABLE one_time_tokens
        VALIDATE CONSTRAINT one_time_tokens_newest_has_owner,
        VALIDATE CONSTRAINT one_time_tokens_links_have_address;
      CREATE INDEX one_time_tokens_owner ON one_time_tokens (owner_id);
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DELETE FROM one_time_tokens WHERE user_id IS NULL OR email IS NULL OR email_key IS NULL OR proof IS NOT NULL;
      COMMENT ON COLUMN one_time_tokens.user_id IS NULL;
      DROP TRIGGER one_time_tokens_fill_owner ON one_time_tokens;
      DROP FUNCTION one_time_tokens_fill_owner();
      ALTER TABLE one_time_tokens
        DROP CONSTRAINT one_time_tokens_links_have_address,
        DROP CONSTRAINT one_time_tokens_newest_has_owner,
        DROP COLUMN owner_id,
        DROP COLUMN proof,
        DROP COLUMN attempts_left,
        DROP COLUMN data,
        ALTER COLUMN user_id SET NOT NULL,
        ALTER COLUMN email SET NOT NULL,
        ALTER COLUMN email_key SET NOT NULL;
    `);
  }
}
