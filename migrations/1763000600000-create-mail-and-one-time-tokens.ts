import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Mails on their way, and the one-time tokens that they carry. */
export class CreateMailAndOneTimeTokens1763000600000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE mail_outbox (
        id         uuid        CONSTRAINT mail_outbox_pk PRIMARY KEY,
        kind       text        NOT NULL,
        sealed     bytea       NOT NULL,
        due_at     timestamptz NOT NULL DEFAULT now(),
        attempts   integer     NOT NULL DEFAULT 0,
        last_error text,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      COMMENT ON TABLE mail_outbox IS 'Mails not delivered yet; delivery removes the row';
      COMMENT ON COLUMN mail_outbox.sealed IS 'Recipient and text, AES-256-GCM under a key derived from APP_SECRET: a dump gives no usable link';
      COMMENT ON COLUMN mail_outbox.due_at IS 'When it may be tried next. A try moves this to the end of its lease; infinity is the development outbox';
      CREATE INDEX mail_outbox_due_at ON mail_outbox (due_at);

      CREATE FUNCTION mail_outbox_announce() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_notify('gatehouse', 'mail');
        RETURN NULL;
      END $$;
      CREATE TRIGGER mail_outbox_announce AFTER INSERT ON mail_outbox
        FOR EACH ROW WHEN (NEW.due_at < 'infinity') EXECUTE FUNCTION mail_outbox_announce();

      CREATE TABLE one_time_tokens (
        hash         bytea       CONSTRAINT one_time_tokens_pk PRIMARY KEY CONSTRAINT one_time_tokens_hash_is_sha256 CHECK (octet_length(hash) = 32),
        purpose      text        NOT NULL CONSTRAINT one_time_tokens_purpose_known
                     CHECK (purpose IN ('verify_email', 'reset_password', 'invitation', 'change_email', 'undo_email_change')),
        user_id      uuid        NOT NULL CONSTRAINT one_time_tokens_user_fk REFERENCES users ON DELETE CASCADE,
        email        text        NOT NULL,
        email_key    text        NOT NULL,
        registration jsonb,
        created_at   timestamptz NOT NULL DEFAULT now(),
        expires_at   timestamptz NOT NULL
      );
      COMMENT ON COLUMN one_time_tokens.hash IS 'SHA-256 of the token, which only the mail holds';
      COMMENT ON COLUMN one_time_tokens.email_key IS 'The address that the mail went to, as it is compared';
      COMMENT ON COLUMN one_time_tokens.registration IS 'The registration that this mail confirms: passwordHash, username, name';
      -- The newest of a purpose replaces the one before. Only ways back add up: each restores another address.
      CREATE UNIQUE INDEX one_time_tokens_one_of_a_purpose ON one_time_tokens (user_id, purpose) WHERE purpose <> 'undo_email_change';
      CREATE INDEX one_time_tokens_user ON one_time_tokens (user_id);
      CREATE INDEX one_time_tokens_reserved ON one_time_tokens (email_key) WHERE purpose = 'undo_email_change';

      -- An address that its owner may still take back is not free for others. Checked after the row is written, so that
      -- who waited for the change of address to commit sees the way back that came with it.
      CREATE FUNCTION users_keep_reserved_addresses() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF EXISTS (SELECT FROM one_time_tokens WHERE purpose = 'undo_email_change' AND email_key = NEW.email_key
                   AND user_id <> NEW.id AND expires_at > now()) THEN
          RAISE unique_violation USING CONSTRAINT = 'users_email_key_unique', MESSAGE = 'the address is reserved for its last owner';
        END IF;
        RETURN NULL;
      END $$;
      CREATE TRIGGER users_keep_reserved_addresses AFTER INSERT OR UPDATE OF email_key ON users
        FOR EACH ROW EXECUTE FUNCTION users_keep_reserved_addresses();

      -- What somebody did to others, for the export of what is stored about them.
      CREATE INDEX audit_events_actor ON audit_events (actor_id, id) WHERE actor_id IS DISTINCT FROM user_id;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP INDEX audit_events_actor;
      DROP TRIGGER users_keep_reserved_addresses ON users;
      DROP FUNCTION users_keep_reserved_addresses();
      DROP TABLE one_time_tokens, mail_outbox;
      DROP FUNCTION mail_outbox_announce();
    `);
  }
}
