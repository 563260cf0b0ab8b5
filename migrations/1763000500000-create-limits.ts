import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What guessing has cost so far, what has been used of each quota, and from where each user has signed in. */
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

      -- Takes a place for one guess under every rule, or under none. The rules come in the same order from every caller,
      -- so that no two callers wait for each other. Answers with the rule (from 0) that says no, if any, and for how long;
      -- no time at all means that guesses in flight will decide. The place is known by when it was taken.
      CREATE FUNCTION guesses_reserve(rules jsonb) RETURNS TABLE (rule integer, wait_ms float8, since float8) LANGUAGE plpgsql AS $$
      DECLARE
        r      record;
        g      guesses;
        t      timestamptz;
        lapsed float8;
        room   integer;
      BEGIN
        rule := NULL;
        wait_ms := 0;
        FOR r IN SELECT e.value ->> 'key' AS key, (e.value ->> 'free')::integer AS free,
                        (e.value ->> 'open')::boolean AS open, (e.value ->> 'forget')::float8 AS forget, e.ordinality
                 FROM jsonb_array_elements(rules) WITH ORDINALITY AS e ORDER BY e.ordinality
        LOOP
          t := clock_timestamp();
          lapsed := 1000 * extract(epoch FROM t - interval '1 minute');
          INSERT INTO guesses AS o (key, expires_at) VALUES (r.key, t + r.forget * interval '1 ms')
            ON CONFLICT (key) DO UPDATE SET
              (wrong, pending) = (
                SELECT CASE WHEN o.expires_at > t THEN o.wrong + count(*) FILTER (WHERE p < lapsed) ELSE 0 END,
                       coalesce(array_agg(p) FILTER (WHERE p >= lapsed), '{}')
                FROM unnest(o.pending) AS p),
              blocked_until = CASE WHEN o.expires_at > t THEN o.blocked_until END,
              expires_at = CASE WHEN o.expires_at > t THEN o.expires_at ELSE excluded.expires_at END
            RETURNING * INTO g;
          t := clock_timestamp();
          room := CASE WHEN g.wrong < r.free THEN r.free - g.wrong
                       WHEN coalesce(g.blocked_until, t) <= t THEN 1 ELSE 0 END;
          CONTINUE WHEN r.open OR cardinality(g.pending) < room;
          IF rule IS NULL OR room = 0 THEN
            rule := r.ordinality - 1;
            wait_ms := CASE WHEN room = 0 THEN 1000 * extract(epoch FROM g.blocked_until - t) ELSE 0 END;
          END IF;
          EXIT WHEN room = 0;
        END LOOP;
        IF rule IS NULL THEN
          since := 1000 * extract(epoch FROM clock_timestamp());
          UPDATE guesses SET pending = pending || since
            WHERE key IN (SELECT value ->> 'key' FROM jsonb_array_elements(rules));
        ELSE
          -- Only what was made above holds nothing: a refusal leaves no row behind.
          DELETE FROM guesses
            WHERE key IN (SELECT value ->> 'key' FROM jsonb_array_elements(rules)) AND wrong = 0 AND pending = '{}';
        END IF;
        RETURN NEXT;
      END $$;

      -- Gives the places back and, as the outcome says, counts a wrong guess or starts anew after a right one. A guess whose
      -- place is gone took more than a minute and has counted as wrong already.
      CREATE FUNCTION guesses_settle(rules jsonb, since float8, outcome text) RETURNS void LANGUAGE plpgsql AS $$
      DECLARE
        r     record;
        g     guesses;
        t     timestamptz;
        place integer;
      BEGIN
        FOR r IN SELECT e.value ->> 'key' AS key, (e.value ->> 'free')::integer AS free,
                        (e.value ->> 'first')::float8 AS first, (e.value ->> 'most')::float8 AS most,
                        (e.value ->> 'forget')::float8 AS forget, (e.value ->> 'consecutive')::boolean AS consecutive
                 FROM jsonb_array_elements(rules) WITH ORDINALITY AS e ORDER BY e.ordinality
        LOOP
          SELECT * INTO g FROM guesses WHERE key = r.key FOR UPDATE;
          CONTINUE WHEN NOT FOUND;
          t := clock_timestamp();
          place := array_position(g.pending, since);
          IF place IS NOT NULL THEN
            g.pending := g.pending[:place - 1] || g.pending[place + 1:];
          END IF;
          IF outcome = 'wrong' AND place IS NOT NULL THEN
            g.wrong := g.wrong + 1;
            IF r.consecutive THEN
              g.expires_at := t + r.forget * interval '1 ms';
            END IF;
            IF g.wrong >= r.free THEN
              g.blocked_until :=
                least(t + least(r.first * 2 ^ least(g.wrong - r.free, 40), r.most) * interval '1 ms', g.expires_at);
            END IF;
          ELSIF outcome = 'right' AND r.consecutive THEN
            g.wrong := 0;
            g.blocked_until := NULL;
          END IF;
          IF g.wrong = 0 AND g.pending = '{}' THEN
            DELETE FROM guesses WHERE key = r.key;
          ELSE
            UPDATE guesses
              SET (wrong, pending, blocked_until, expires_at) = (g.wrong, g.pending, g.blocked_until, g.expires_at)
              WHERE key = r.key;
          END IF;
        END LOOP;
      END $$;

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
      DROP FUNCTION guesses_settle(jsonb, float8, text);
      DROP FUNCTION guesses_reserve(jsonb);
      DROP TABLE known_addresses, quotas, guesses;
    `);
  }
}
