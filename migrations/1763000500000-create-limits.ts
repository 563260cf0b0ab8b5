import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What guessing has cost so far, what has been used of each quota, and from where each user has signed in. The functions that
 * count guesses are files, `src/platform/database/functions/guesses_*.sql`.
 */
export class CreateLimits1763000500000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE UNLOGGED TABLE guesses (
        key           text        CONSTRAINT guesses_pk PRIMARY KEY,
        wrong         integer     NOT NULL DEFAULT 0,
        pending       float8[]    NOT NULL DEFAULT '{}',
        blocked_until timestamptz,
        expires_at    timestamptz NOT NULL
      );
      COMMENT ON TABLE guesses IS 'Wrong passwords by account and by address. Counts outlive a restart, not a crash of the database';
      COMMENT ON COLUMN guesses.key IS 'A keyed hash: neither accounts nor addresses can be read from it';
      COMMENT ON COLUMN guesses.pending IS 'When each guess that is being checked just now took its place, in ms since the epoch';
      CREATE INDEX guesses_expires_at ON guesses (expires_at);

      CREATE UNLOGGED TABLE quotas (
        key    varchar(255) CONSTRAINT quotas_pk PRIMARY KEY,
        points integer      NOT NULL DEFAULT 0,
        expire bigint
      );
      CREATE INDEX quotas_expire ON quotas (expire);
      COMMENT ON TABLE quotas IS 'In the form that rate-limiter-flexible asks for; expire is in milliseconds since the epoch';

      CREATE TABLE known_addresses (
        user_id uuid        NOT NULL CONSTRAINT known_addresses_user_fk REFERENCES users ON DELETE CASCADE,
        network cidr        NOT NULL,
        seen_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT known_addresses_pk PRIMARY KEY (user_id, network)
      );
      COMMENT ON TABLE known_addresses IS 'From where a user has signed in: an IPv4 address, or an IPv6 /64';
      CREATE INDEX known_addresses_seen_at ON known_addresses (seen_at);

      -- Every way to sign in opens a session, so none can forget to note the address.
      CREATE FUNCTION sessions_know_address() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO known_addresses AS k (user_id, network)
          VALUES (NEW.user_id, network(set_masklen(NEW.ip, CASE family(NEW.ip) WHEN 6 THEN 64 ELSE 32 END)))
          ON CONFLICT (user_id, network) DO UPDATE SET seen_at = now() WHERE k.seen_at < now() - interval '1 day';
        RETURN NULL;
      END $$;
      CREATE TRIGGER sessions_know_address AFTER INSERT ON sessions
        FOR EACH ROW WHEN (NEW.ip IS NOT NULL) EXECUTE FUNCTION sessions_know_address();
      INSERT INTO known_addresses (user_id, network, seen_at)
        SELECT user_id, network(set_masklen(ip, CASE family(ip) WHEN 6 THEN 64 ELSE 32 END)), max(created_at)
        FROM sessions WHERE ip IS NOT NULL GROUP BY 1, 2;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP TRIGGER sessions_know_address ON sessions;
      DROP FUNCTION sessions_know_address();
      DROP FUNCTION IF EXISTS guesses_settle(jsonb, float8, text);
      DROP FUNCTION IF EXISTS guesses_reserve(jsonb);
      DROP TABLE known_addresses, quotas, guesses;
    `);
  }
}
