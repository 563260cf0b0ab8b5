import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Counts of users, sessions and daily events, exact with every commit, without a row that two sign-ins must wait for. */
export class KeepTallies1763002200000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(TABLES);
    await queryRunner.query(TRIGGERS);
    await queryRunner.query(FIRST_COUNTS);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP TRIGGER audit_events_tally ON audit_events;
      DROP FUNCTION audit_events_tally();
      DROP TRIGGER sessions_tally_changed ON sessions;
      DROP FUNCTION sessions_tally_changed();
      DROP TRIGGER sessions_tally_gone ON sessions;
      DROP TRIGGER sessions_tally_new ON sessions;
      DROP FUNCTION sessions_tally();
      DROP TRIGGER user_roles_tally_changed ON user_roles;
      DROP TRIGGER user_roles_tally_gone ON user_roles;
      DROP TRIGGER user_roles_tally_new ON user_roles;
      DROP FUNCTION user_roles_tally();
      DROP TRIGGER users_tally_changed ON users;
      DROP FUNCTION users_tally_changed();
      DROP TRIGGER users_tally_gone ON users;
      DROP TRIGGER users_tally_new ON users;
      DROP FUNCTION users_tally();
      ALTER TABLE sessions DROP COLUMN expires_on;
      DROP TABLE tally_changes, tallies;
    `);
  }
}

const TABLES = `
  CREATE TABLE tallies (
    name  text   NOT NULL,
    day   date   NOT NULL,
    count bigint NOT NULL,
    CONSTRAINT tallies_pk PRIMARY KEY (name, day)
  );
  COMMENT ON TABLE tallies IS 'Counts up to the last time that tally_changes was folded into them; day is -infinity where it means nothing';

  -- Added to and never updated, so nobody waits for anybody; folded into tallies by the server every few seconds.
  CREATE TABLE tally_changes (
    name  text    NOT NULL,
    day   date    NOT NULL,
    delta integer NOT NULL
  ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

  -- The day alone is indexed: an index on expires_at would make every refresh write to every index of the table.
  ALTER TABLE sessions ADD COLUMN expires_on date
    GENERATED ALWAYS AS ((expires_at AT TIME ZONE 'UTC')::date) STORED;
  CREATE INDEX sessions_live_expires_on ON sessions (expires_on) WHERE revoked_at IS NULL;
`;

/** A signed-in user who mistypes the password has failed to sign in nowhere. */
const COUNTED = `type IN ('auth.registered', 'auth.login', 'auth.login_failed') AND data ->> 'code' IS DISTINCT FROM 'wrong_password'`;

const TRIGGERS = `
  CREATE FUNCTION users_tally() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO tally_changes SELECT 'users.' || status, '-infinity', TG_ARGV[0]::integer * count(*) FROM changed GROUP BY status;
    RETURN NULL;
  END $$;
  CREATE TRIGGER users_tally_new AFTER INSERT ON users
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION users_tally('1');
  CREATE TRIGGER users_tally_gone AFTER DELETE ON users
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION users_tally('-1');
  CREATE FUNCTION users_tally_changed() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO tally_changes VALUES ('users.' || OLD.status, '-infinity', -1), ('users.' || NEW.status, '-infinity', 1);
    RETURN NULL;
  END $$;
  CREATE TRIGGER users_tally_changed AFTER UPDATE ON users
    FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION users_tally_changed();

  CREATE FUNCTION user_roles_tally() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP <> 'INSERT' THEN
      INSERT INTO tally_changes SELECT 'role.' || role, '-infinity', -count(*) FROM former GROUP BY role;
    END IF;
    IF TG_OP <> 'DELETE' THEN
      INSERT INTO tally_changes SELECT 'role.' || role, '-infinity', count(*) FROM latter GROUP BY role;
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER user_roles_tally_new AFTER INSERT ON user_roles
    REFERENCING NEW TABLE AS latter FOR EACH STATEMENT EXECUTE FUNCTION user_roles_tally();
  CREATE TRIGGER user_roles_tally_gone AFTER DELETE ON user_roles
    REFERENCING OLD TABLE AS former FOR EACH STATEMENT EXECUTE FUNCTION user_roles_tally();
  CREATE TRIGGER user_roles_tally_changed AFTER UPDATE ON user_roles
    REFERENCING OLD TABLE AS former NEW TABLE AS latter FOR EACH STATEMENT EXECUTE FUNCTION user_roles_tally();

  -- Live sessions by the day on which they expire.
  CREATE FUNCTION sessions_tally() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO tally_changes SELECT 'sessions', expires_on, TG_ARGV[0]::integer * count(*)
      FROM changed WHERE revoked_at IS NULL GROUP BY expires_on;
    RETURN NULL;
  END $$;
  CREATE TRIGGER sessions_tally_new AFTER INSERT ON sessions
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sessions_tally('1');
  CREATE TRIGGER sessions_tally_gone AFTER DELETE ON sessions
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sessions_tally('-1');
  CREATE FUNCTION sessions_tally_changed() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF OLD.revoked_at IS NULL THEN INSERT INTO tally_changes VALUES ('sessions', OLD.expires_on, -1); END IF;
    IF NEW.revoked_at IS NULL THEN INSERT INTO tally_changes VALUES ('sessions', NEW.expires_on, 1); END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER sessions_tally_changed AFTER UPDATE ON sessions
    FOR EACH ROW WHEN ((OLD.revoked_at IS NULL) <> (NEW.revoked_at IS NULL) OR OLD.expires_on <> NEW.expires_on)
    EXECUTE FUNCTION sessions_tally_changed();

  CREATE FUNCTION audit_events_tally() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO tally_changes SELECT type, (at AT TIME ZONE 'UTC')::date, count(*) FROM added
      WHERE ${COUNTED} GROUP BY 1, 2;
    RETURN NULL;
  END $$;
  CREATE TRIGGER audit_events_tally AFTER INSERT ON audit_events
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION audit_events_tally();
`;

/** What stood there before the triggers. */
const FIRST_COUNTS = `
  INSERT INTO tallies
    SELECT 'users.' || status, '-infinity'::date, count(*) FROM users GROUP BY status
    UNION ALL SELECT 'role.' || role, '-infinity', count(*) FROM user_roles GROUP BY role
    UNION ALL SELECT 'sessions', expires_on, count(*) FROM sessions WHERE revoked_at IS NULL GROUP BY expires_on
    UNION ALL SELECT type, (at AT TIME ZONE 'UTC')::date, count(*) FROM audit_events
      WHERE ${COUNTED} GROUP BY 1, 2;
`;
