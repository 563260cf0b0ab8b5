import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The rows of sessions that ended by a floor, or whose user is gone, follow in batches: a few in the statement itself, which
 * is all that most accounts have, the rest by the server (`sessions_sweep`). No statement grows with the rows of an account.
 */
export class SweepSessions1764200100000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    // At once: requests take them in either order, and what is waited for in a circle is given up before they are.
    await queryRunner.query('LOCK TABLE users, sessions, epochs IN ACCESS EXCLUSIVE MODE');
    await queryRunner.query(TABLES);
    await queryRunner.query(FUNCTIONS);
    await queryRunner.query(TRIGGERS);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP TRIGGER users_bury ON users;
      DROP FUNCTION users_bury();
      DROP TRIGGER users_sweep ON users;
      DROP FUNCTION users_sweep();
      DROP TRIGGER epochs_sweep ON epochs;
      DROP FUNCTION epochs_sweep();
    `);
    await queryRunner.query(FORMER_FUNCTIONS);
    await queryRunner.query(`
      DROP FUNCTION remove_sessions(uuid);
      DROP FUNCTION end_dead_sessions(uuid, integer);
      DROP FUNCTION IF EXISTS sessions_sweep(integer);
      DROP TABLE session_sweeps;
      DELETE FROM sessions s WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = s.user_id);
      ALTER TABLE sessions
        DROP COLUMN end_reason,
        ADD CONSTRAINT sessions_user_fk FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
    `);
  }
}

const TABLES = `
  CREATE TABLE session_sweeps (
    number     bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT session_sweeps_pk PRIMARY KEY,
    user_id    uuid,
    role       text,
    reached    uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    removes_to uuid
  );
  COMMENT ON TABLE session_sweeps IS 'Whose sessions have ended or go while their rows say nothing of it yet: a user, the holders of a role, or everybody';
  COMMENT ON COLUMN session_sweeps.reached IS 'The last user who is done';
  COMMENT ON COLUMN session_sweeps.removes_to IS 'The last session of the user to be removed, ended or not; empty where they are to be ended only';

  -- A deleted user's rows go in batches, which no cascade can do.
  ALTER TABLE sessions ADD COLUMN end_reason text, DROP CONSTRAINT sessions_user_fk;
  COMMENT ON COLUMN sessions.end_reason IS 'Why it ended where nobody asked for it alone: sessions_per_user, expired, or revoked_before (a floor, which every instance knows)';
`;

const FUNCTIONS = `
  -- Brings the rows of a user into line with the floors, the newest first, so many at most. Returns how many.
  CREATE FUNCTION end_dead_sessions(owner uuid, most integer) RETURNS integer LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  DECLARE
    ahead integer := 0;
    ended integer;
  BEGIN
    -- Those that an epoch would have ended, had their ids not been of a clock that was ahead: no floor tells of them. A sign-in
    -- that waited for the epoch is none, however long before it had begun. Every live row is read, so no statement of a request does.
    IF pg_trigger_depth() = 0 THEN
      UPDATE sessions SET revoked_at = now()
        WHERE revoked_at IS NULL AND id IN (
          SELECT s.id FROM sessions s
          WHERE s.user_id = owner AND s.revoked_at IS NULL AND moment_of(s.id) > s.created_at + interval '5 s'
            AND EXISTS (SELECT FROM epochs e WHERE s.id >= e.floor AND s.created_at < moment_of(e.floor)
              AND (e.role IS NULL OR EXISTS (SELECT FROM user_roles h WHERE h.user_id = s.user_id AND h.role = e.role)))
          ORDER BY s.id DESC LIMIT most FOR UPDATE OF s);
      GET DIAGNOSTICS ahead = ROW_COUNT;
    END IF;
    PERFORM set_config('gatehouse.sweeping', 'on', true);
    UPDATE sessions SET revoked_at = now(), end_reason = 'revoked_before'
      WHERE revoked_at IS NULL AND id IN (
        SELECT s.id FROM users u JOIN sessions s ON s.user_id = u.id
        WHERE u.id = owner AND s.revoked_at IS NULL
          AND ((s.id < u.sessions_floor AND s.id IS DISTINCT FROM u.sessions_kept)
            OR EXISTS (SELECT FROM epochs e WHERE s.id < e.floor AND (e.role IS NULL OR EXISTS (
              SELECT FROM user_roles h WHERE h.user_id = u.id AND h.role = e.role))))
        ORDER BY s.id DESC LIMIT most - ahead FOR UPDATE OF s);
    GET DIAGNOSTICS ended = ROW_COUNT;
    PERFORM set_config('gatehouse.sweeping', '', true);
    RETURN ahead + ended;
  END $$;

  -- Removes the sessions of a user, a hundred at once and the rest in batches.
  CREATE FUNCTION remove_sessions(owner uuid) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user_id = owner ORDER BY id DESC LIMIT 100);
    INSERT INTO session_sweeps (user_id, removes_to)
      SELECT owner, id FROM sessions WHERE user_id = owner ORDER BY id DESC LIMIT 1;
    IF FOUND THEN
      PERFORM ring('sweep');
    END IF;
  END $$;
`;

const TRIGGERS = `
  -- Those that a floor ended are known by the floor; only a server of the version before has to be told of each.
  CREATE OR REPLACE FUNCTION sessions_announce_revoked() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    IF current_setting('gatehouse.sweeping', true) IS DISTINCT FROM 'on' THEN
      INSERT INTO changes (kind, id) VALUES ('session', NEW.id);
    END IF;
    PERFORM ring('session ' || NEW.id);
    RETURN NULL;
  END $$;

  CREATE OR REPLACE FUNCTION sessions_bury() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    IF current_setting('gatehouse.sweeping', true) IS DISTINCT FROM 'on' THEN
      INSERT INTO session_tombstones VALUES (OLD.id, clock_timestamp()) ON CONFLICT DO NOTHING;
      INSERT INTO changes (kind, id) VALUES ('session', OLD.id);
    END IF;
    PERFORM ring('session ' || OLD.id);
    RETURN NULL;
  END $$;

  CREATE FUNCTION users_sweep() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    IF end_dead_sessions(NEW.id, 10) = 10 THEN
      INSERT INTO session_sweeps (user_id) VALUES (NEW.id);
      PERFORM ring('sweep');
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER users_sweep AFTER UPDATE ON users FOR EACH ROW
    WHEN (OLD.sessions_floor <> NEW.sessions_floor OR OLD.sessions_kept IS DISTINCT FROM NEW.sessions_kept)
    EXECUTE FUNCTION users_sweep();

  CREATE FUNCTION epochs_sweep() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    IF TG_OP = 'INSERT' OR OLD IS DISTINCT FROM NEW THEN
      -- The floor does not reach those whose id is ahead of the clock. There are hardly ever any; the sweep finds what is left.
      UPDATE sessions s SET revoked_at = now()
        WHERE s.revoked_at IS NULL AND s.created_at < moment_of(NEW.floor)
          AND s.id = ANY (ARRAY(SELECT id FROM sessions WHERE id >= greatest(NEW.floor, first_id_at(now())) ORDER BY id DESC LIMIT 1000))
          AND (NEW.role IS NULL OR EXISTS (SELECT FROM user_roles h WHERE h.user_id = s.user_id AND h.role = NEW.role));
      INSERT INTO session_sweeps (role) VALUES (NEW.role);
      PERFORM ring('sweep');
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER epochs_sweep AFTER INSERT OR UPDATE ON epochs FOR EACH ROW EXECUTE FUNCTION epochs_sweep();

  -- Where sessions are left, all of them are below a floor that none can reach.
  CREATE FUNCTION users_bury() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    PERFORM remove_sessions(OLD.id);
    IF EXISTS (SELECT FROM sessions WHERE user_id = OLD.id) THEN
      INSERT INTO changes (kind, id, ver, roles, floor)
        VALUES ('user', OLD.id, OLD.ver, '{}', 'ffffffff-ffff-7000-8000-000000000000');
      PERFORM ring('floor');
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER users_bury AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION users_bury();
`;

const FORMER_FUNCTIONS = `
  CREATE OR REPLACE FUNCTION sessions_announce_revoked() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    INSERT INTO changes (kind, id) VALUES ('session', NEW.id);
    PERFORM ring('session ' || NEW.id);
    RETURN NULL;
  END $$;

  CREATE OR REPLACE FUNCTION sessions_bury() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    INSERT INTO session_tombstones VALUES (OLD.id, clock_timestamp()) ON CONFLICT DO NOTHING;
    INSERT INTO changes (kind, id) VALUES ('session', OLD.id);
    PERFORM ring('session ' || OLD.id);
    RETURN NULL;
  END $$;
`;
