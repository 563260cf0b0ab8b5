import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What guessing has cost so far, what has been used of each quota, and from where each user has signed in. */
export class CreateLimits1763000500000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE UNLOGGED TABLE guesses (
        key           text        CONSTRAINT guesses_pk PRIMARY KEY,
        wrong         integer     NOT NULL DEFAULT 0,
        pending       integer     NOT NULL DEFAULT 0,
        pending_at    timestamptz,
        blocked_until timestamptz,
        expires_at    timestamptz NOT NULL
      );
      COMMENT ON TABLE guesses IS 'Wrong passwords by account and by address. Counts outlive a restart, not a crash of the database';
      COMMENT ON COLUMN guesses.key IS 'A keyed hash: neither accounts nor addresses can be read from it';
      COMMENT ON COLUMN guesses.pending IS 'Guesses that are being checked just now';
      CREATE INDEX guesses_expires_at ON guesses (expires_at);

      -- Takes a place for one guess under every rule, or under none. The rules come in the same order from every caller,
      -- so that no two callers wait for each other. Answers with the rule (from 0) that says no, if any, and for how long;
      -- no time at all means that guesses in flight will decide.
      CREATE FUNCTION guesses_reserve(rules jsonb) RETURNS TABLE (rule integer, wait_ms float8) LANGUAGE plpgsql AS $$
      DECLARE
        r    record;
        g    guesses;
        t    timestamptz;
        room integer;
      BEGIN
        rule := NULL;
        wait_ms := 0;
        FOR r IN SELECT e.value ->> 'key' AS key, (e.value ->> 'free')::integer AS free,
                        (e.value ->> 'open')::boolean AS open, (e.value ->> 'forget')::float8 AS forget, e.ordinality
                 FROM jsonb_array_elements(rules) WITH ORDINALITY AS e ORDER BY e.ordinality
        LOOP
          INSERT INTO guesses AS o (key, expires_at) VALUES (r.key, clock_timestamp() + r.forget * interval '1 ms')
            ON CONFLICT (key) DO UPDATE SET
              wrong = CASE WHEN o.expires_at <= clock_timestamp() THEN 0
                           WHEN o.pending_at < clock_timestamp() - interval '1 minute' THEN o.wrong + o.pending
                           ELSE o.wrong END,
              pending = CASE WHEN o.pending_at < clock_timestamp() - interval '1 minute' THEN 0 ELSE o.pending END,
              blocked_until = CASE WHEN o.expires_at > clock_timestamp() THEN o.blocked_until END,
              expires_at = CASE WHEN o.expires_at > clock_timestamp() THEN o.expires_at ELSE excluded.expires_at END
            RETURNING * INTO g;
          t := clock_timestamp();
          room := CASE WHEN g.wrong < r.free THEN r.free - g.wrong
                       WHEN coalesce(g.blocked_until, t) <= t THEN 1 ELSE 0 END;
          CONTINUE WHEN r.open OR g.pending < room;
          IF rule IS NULL OR room = 0 THEN
            rule := r.ordinality - 1;
            wait_ms := CASE WHEN room = 0 THEN 1000 * extract(epoch FROM g.blocked_until - t) ELSE 0 END;
          END IF;
          EXIT WHEN room = 0;
        END LOOP;
        IF rule IS NULL THEN
          FOR r IN SELECT e.value ->> 'key' AS key FROM jsonb_array_elements(rules) WITH ORDINALITY AS e ORDER BY e.ordinality
          LOOP
            UPDATE guesses SET pending = pending + 1, pending_at = clock_timestamp() WHERE key = r.key;
          END LOOP;
        END IF;
        RETURN NEXT;
      END $$;

      -- Gives the places back and, as the outcome says, counts a wrong guess or starts anew after a right one.
      CREATE FUNCTION guesses_settle(rules jsonb, outcome text) RETURNS void LANGUAGE plpgsql AS $$
      DECLARE
        r record;
        t timestamptz;
      BEGIN
        FOR r IN SELECT e.value ->> 'key' AS key, (e.value ->> 'free')::integer AS free,
                        (e.value ->> 'first')::float8 AS first, (e.value ->> 'most')::float8 AS most,
                        (e.value ->> 'forget')::float8 AS forget, (e.value ->> 'consecutive')::boolean AS consecutive
                 FROM jsonb_array_elements(rules) WITH ORDINALITY AS e ORDER BY e.ordinality
        LOOP
          PERFORM FROM guesses WHERE key = r.key FOR UPDATE;
          t := clock_timestamp();
          UPDATE guesses g SET
            pending = greatest(g.pending - 1, 0),
            wrong = CASE WHEN outcome = 'wrong' THEN g.wrong + 1
                         WHEN outcome = 'right' AND r.consecutive THEN 0 ELSE g.wrong END,
            expires_at = n.expires_at,
            blocked_until = CASE
              WHEN outcome = 'wrong' AND g.wrong + 1 >= r.free
                THEN least(t + least(r.first * 2 ^ least(g.wrong + 1 - r.free, 40), r.most) * interval '1 ms', n.expires_at)
              WHEN outcome = 'right' AND r.consecutive THEN NULL
              ELSE g.blocked_until END
          FROM (SELECT CASE WHEN outcome = 'wrong' AND r.consecutive
                            THEN t + r.forget * interval '1 ms' ELSE e.expires_at END AS expires_at
                FROM guesses e WHERE e.key = r.key) n
          WHERE g.key = r.key;
          DELETE FROM guesses WHERE key = r.key AND wrong = 0 AND pending = 0;
        END LOOP;
      END $$;

      CREATE UNLOGGED TABLE quotas (
        key    varchar(255) CONSTRAINT quotas_pk PRIMARY KEY,
        points integer      NOT NULL DEFAULT 0,
        expire bigint
      );
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
      DROP FUNCTION guesses_settle(jsonb, text);
      DROP FUNCTION guesses_reserve(jsonb);
      DROP TABLE known_addresses, quotas, guesses;
    `);
  }
}
