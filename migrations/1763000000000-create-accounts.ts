import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Users, their roles, their sessions, and the rules about them that hold for every writer of the tables. */
export class CreateAccounts1763000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE users (
        id              uuid        CONSTRAINT users_pk PRIMARY KEY,
        email           text        NOT NULL,
        email_key       text        NOT NULL CONSTRAINT users_email_key_unique UNIQUE,
        email_verified_at timestamptz,
        username        text        CONSTRAINT users_username_form CHECK (username ~ '^[A-Za-z0-9._-]{3,32}$'),
        username_key    text        GENERATED ALWAYS AS (lower(username COLLATE "C")) STORED CONSTRAINT users_username_key_unique UNIQUE,
        name            text        CONSTRAINT users_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
        password_hash   text,
        status          text        NOT NULL DEFAULT 'active' CONSTRAINT users_status_known CHECK (status IN ('active', 'disabled')),
        ver             integer     NOT NULL DEFAULT 1 CONSTRAINT users_ver_positive CHECK (ver > 0),
        ver_changed_at  timestamptz,
        created_at      timestamptz NOT NULL DEFAULT now(),
        updated_at      timestamptz NOT NULL DEFAULT now(),
        last_login_at   timestamptz,
        CONSTRAINT users_email_length CHECK (char_length(email) BETWEEN 3 AND 320)
      );
      COMMENT ON COLUMN users.email_key IS 'The email as it is compared: NFC, lower case, the domain in its ASCII form';
      COMMENT ON COLUMN users.ver IS 'Grows with every change of roles; access tokens that carry a smaller one are stale';
      CREATE INDEX users_ver_changed_at ON users (ver_changed_at) WHERE ver_changed_at IS NOT NULL;

      CREATE TABLE roles (
        name        text   CONSTRAINT roles_pk PRIMARY KEY CONSTRAINT roles_name_form CHECK (name ~ '^[a-z][a-z0-9_-]{0,63}$'),
        description text,
        permissions text[] NOT NULL DEFAULT '{}'
      );
      INSERT INTO roles (name, description, permissions) VALUES
        ('admin', 'Runs the service', '{users:read,users:write,roles:read,roles:write,audit:read,stats:read}'),
        ('user', 'Everybody with an account', '{}');

      CREATE TABLE user_roles (
        user_id uuid NOT NULL CONSTRAINT user_roles_user_fk REFERENCES users ON DELETE CASCADE,
        role    text NOT NULL CONSTRAINT user_roles_role_fk REFERENCES roles ON UPDATE CASCADE,
        CONSTRAINT user_roles_pk PRIMARY KEY (user_id, role)
      );
      CREATE INDEX user_roles_role ON user_roles (role);

      CREATE TABLE sessions (
        id           uuid        CONSTRAINT sessions_pk PRIMARY KEY,
        user_id      uuid        NOT NULL CONSTRAINT sessions_user_fk REFERENCES users ON DELETE CASCADE,
        secret_hash  bytea       NOT NULL CONSTRAINT sessions_secret_hash_is_sha256 CHECK (octet_length(secret_hash) = 32),
        counter      integer     NOT NULL DEFAULT 0 CONSTRAINT sessions_counter_positive CHECK (counter >= 0),
        rotated_at   timestamptz,
        created_at   timestamptz NOT NULL DEFAULT now(),
        last_used_at timestamptz NOT NULL DEFAULT now(),
        expires_at   timestamptz NOT NULL,
        auth_methods text[]      NOT NULL,
        ip           inet,
        user_agent   text,
        revoked_at   timestamptz
      );
      COMMENT ON COLUMN sessions.secret_hash IS 'SHA-256 of the secret that only the refresh token carries';
      COMMENT ON COLUMN sessions.counter IS 'How often the refresh token was rotated; only the token of this count is the current one';
      CREATE INDEX sessions_user ON sessions (user_id, id);
      CREATE INDEX sessions_revoked_at ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE sessions, user_roles, roles, users');
  }
}
