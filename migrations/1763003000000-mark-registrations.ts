import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whether an account is a registration that nobody has confirmed, kept with the account and no longer with its token. */
export class MarkRegistrations1763003000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE users
        ADD COLUMN pending boolean NOT NULL DEFAULT false,
        ADD COLUMN contested boolean NOT NULL DEFAULT false;
      COMMENT ON COLUMN users.pending IS 'A registration that nobody has confirmed or used: the account belongs to nobody yet';
      COMMENT ON COLUMN users.contested IS 'The address was registered again before anybody confirmed it: its password may be a stranger''s';

      UPDATE users u SET contested = (t.registration->>'contested')::boolean,
        pending = u.last_login_at IS NULL AND NOT EXISTS (SELECT FROM sessions s WHERE s.user_id = u.id)
        FROM one_time_tokens t
        WHERE t.user_id = u.id AND t.email_key = u.email_key AND t.registration IS NOT NULL AND u.email_verified_at IS NULL;
      ALTER TABLE one_time_tokens DROP COLUMN registration;
      CREATE INDEX one_time_tokens_expires_at ON one_time_tokens (expires_at);
      CREATE INDEX users_pending ON users (created_at) WHERE pending;

      -- Whatever confirms an address settles whose account it is, also by hand.
      CREATE FUNCTION users_settle() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        NEW.pending := false;
        NEW.contested := false;
        RETURN NEW;
      END $$;
      CREATE TRIGGER users_settle BEFORE INSERT OR UPDATE ON users
        FOR EACH ROW WHEN (NEW.email_verified_at IS NOT NULL AND (NEW.pending OR NEW.contested))
        EXECUTE FUNCTION users_settle();

      ALTER TABLE mail_outbox ADD COLUMN claimed_by uuid;
      COMMENT ON COLUMN mail_outbox.claimed_by IS 'The process whose lease it is: one whose lease has lapsed must not touch the mail any more';
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE mail_outbox DROP COLUMN claimed_by;
      DROP TRIGGER users_settle ON users;
      DROP FUNCTION users_settle();
      DROP INDEX one_time_tokens_expires_at;
      ALTER TABLE one_time_tokens ADD COLUMN registration jsonb;
      COMMENT ON COLUMN one_time_tokens.registration IS 'The registration that this mail confirms: passwordHash, username, name';
      UPDATE one_time_tokens t SET registration = jsonb_build_object('passwordHash', u.password_hash, 'username', u.username,
          'name', u.name, 'contested', u.contested)
        FROM users u WHERE u.id = t.user_id AND t.purpose = 'verify_email' AND (u.pending OR u.contested)
          AND u.password_hash IS NOT NULL;
      ALTER TABLE users DROP COLUMN pending, DROP COLUMN contested;
    `);
  }
}
