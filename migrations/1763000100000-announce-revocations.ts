import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whatever ends a session or changes roles, a statement typed by hand too, is told to every instance on commit. */
export class AnnounceRevocations1763000100000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE session_tombstones (
        session_id uuid        CONSTRAINT session_tombstones_pk PRIMARY KEY,
        at         timestamptz NOT NULL
      );
      COMMENT ON TABLE session_tombstones IS 'Sessions whose row was deleted while an access token of theirs could live; kept for two days';
      CREATE INDEX session_tombstones_at ON session_tombstones (at);

      -- A session that was ended stays ended, and the moment is the true one, whoever writes it.
      CREATE FUNCTION sessions_keep_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF OLD.revoked_at IS NULL THEN
          NEW.revoked_at := clock_timestamp();
        ELSE
          NEW.revoked_at := OLD.revoked_at;
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER sessions_keep_revoked BEFORE UPDATE ON sessions
        FOR EACH ROW WHEN (OLD.revoked_at IS DISTINCT FROM NEW.revoked_at) EXECUTE FUNCTION sessions_keep_revoked();

      CREATE FUNCTION sessions_announce_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_notify('gatehouse', 'session ' || NEW.id);
        RETURN NULL;
      END $$;
      CREATE TRIGGER sessions_announce_revoked AFTER UPDATE ON sessions
        FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION sessions_announce_revoked();

      CREATE FUNCTION sessions_bury() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO session_tombstones VALUES (OLD.id, clock_timestamp()) ON CONFLICT DO NOTHING;
        PERFORM pg_notify('gatehouse', 'session ' || OLD.id);
        RETURN NULL;
      END $$;
      CREATE TRIGGER sessions_bury AFTER DELETE ON sessions
        FOR EACH ROW WHEN (OLD.last_used_at > now() - interval '2 days') EXECUTE FUNCTION sessions_bury();

      -- Nobody would hear of it.
      CREATE FUNCTION refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION '% cannot be truncated, because nobody would be told', TG_TABLE_NAME USING HINT = TG_ARGV[0];
      END $$;
      CREATE TRIGGER sessions_refuse_truncate BEFORE TRUNCATE ON sessions FOR EACH STATEMENT EXECUTE FUNCTION
        refuse_truncate('End them all with: UPDATE sessions SET revoked_at = now() WHERE revoked_at IS NULL');

      -- A disabled user has no session.
      CREATE FUNCTION users_end_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        UPDATE sessions SET revoked_at = now() WHERE user_id = NEW.id AND revoked_at IS NULL;
        RETURN NULL;
      END $$;
      CREATE TRIGGER users_end_sessions AFTER UPDATE ON users
        FOR EACH ROW WHEN (NEW.status = 'disabled' AND OLD.status <> 'disabled') EXECUTE FUNCTION users_end_sessions();

      -- ver only grows, and every growth is told.
      CREATE FUNCTION users_stamp_ver() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        NEW.ver := greatest(NEW.ver, OLD.ver + 1);
        NEW.ver_changed_at := clock_timestamp();
        PERFORM pg_notify('gatehouse', 'user ' || NEW.id || ' ' || NEW.ver);
        RETURN NEW;
      END $$;
      CREATE TRIGGER users_stamp_ver BEFORE UPDATE ON users
        FOR EACH ROW WHEN (OLD.ver <> NEW.ver) EXECUTE FUNCTION users_stamp_ver();

      -- A user made in this very transaction has no token yet, so its first roles are no change. One made by
      -- another transaction after this one began has a later time.
      CREATE FUNCTION user_roles_raise_ver() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        UPDATE users SET ver = ver + 1, updated_at = now()
          WHERE id IN (SELECT user_id FROM changed) AND created_at <> now();
        RETURN NULL;
      END $$;
      CREATE TRIGGER user_roles_given AFTER INSERT ON user_roles
        REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION user_roles_raise_ver();
      CREATE TRIGGER user_roles_taken AFTER DELETE ON user_roles
        REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION user_roles_raise_ver();
      CREATE FUNCTION user_roles_raise_both() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        UPDATE users SET ver = ver + 1, updated_at = now()
          WHERE id IN (SELECT user_id FROM was UNION SELECT user_id FROM changed);
        RETURN NULL;
      END $$;
      CREATE TRIGGER user_roles_moved AFTER UPDATE ON user_roles
        REFERENCING OLD TABLE AS was NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION user_roles_raise_both();
      CREATE TRIGGER user_roles_refuse_truncate BEFORE TRUNCATE ON user_roles
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate('Take them all with: DELETE FROM user_roles');
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP TRIGGER user_roles_refuse_truncate ON user_roles;
      DROP TRIGGER user_roles_moved ON user_roles;
      DROP FUNCTION user_roles_raise_both();
      DROP TRIGGER user_roles_taken ON user_roles;
      DROP TRIGGER user_roles_given ON user_roles;
      DROP FUNCTION user_roles_raise_ver();
      DROP TRIGGER users_stamp_ver ON users;
      DROP FUNCTION users_stamp_ver();
      DROP TRIGGER users_end_sessions ON users;
      DROP FUNCTION users_end_sessions();
      DROP TRIGGER sessions_refuse_truncate ON sessions;
      DROP FUNCTION refuse_truncate();
      DROP TRIGGER sessions_bury ON sessions;
      DROP FUNCTION sessions_bury();
      DROP TRIGGER sessions_announce_revoked ON sessions;
      DROP FUNCTION sessions_announce_revoked();
      DROP TRIGGER sessions_keep_revoked ON sessions;
      DROP FUNCTION sessions_keep_revoked();
      DROP TABLE session_tombstones;
    `);
  }
}
