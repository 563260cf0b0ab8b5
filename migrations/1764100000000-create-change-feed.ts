import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The change feed: whatever ends a session or changes roles, a statement typed by hand too, leaves a row in its own
 * transaction. The table is the truth. A notification only says that there is something to look at, and none is sent where
 * nobody listens: transactions that notify commit one after the other.
 */
export class CreateChangeFeed1764100000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    // With the writers of before out of the way: what they ended is in the tables, and what is ended from here on in the feed.
    await queryRunner.query('LOCK TABLE users, sessions, session_tombstones IN SHARE ROW EXCLUSIVE MODE');
    await queryRunner.query(TABLES);
    await queryRunner.query(FUNCTIONS);
    await queryRunner.query(TRIGGERS);
    await queryRunner.query(`
      INSERT INTO changes (kind, id, at)
        SELECT 'session', id, revoked_at FROM sessions WHERE revoked_at > now() - interval '2 days';
      INSERT INTO changes (kind, id, at)
        SELECT 'session', session_id, at FROM session_tombstones WHERE at > now() - interval '2 days';
      INSERT INTO changes (kind, id, ver, roles, at)
        SELECT 'user', id, ver, user_role_names(id), ver_changed_at FROM users WHERE ver_changed_at > now() - interval '2 days';
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(FORMER_FUNCTIONS);
    await queryRunner.query(`
      DROP TRIGGER users_announce ON users;
      DROP FUNCTION users_announce();
      DROP FUNCTION ring(text);
      DROP FUNCTION user_role_names(uuid);
      DROP FUNCTION first_id_at(timestamptz);
      DROP TABLE pulse, changes;
    `);
  }
}

const TABLES = `
  CREATE TABLE changes (
    number bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT changes_pk PRIMARY KEY,
    xid    xid8        NOT NULL DEFAULT pg_current_xact_id(),
    at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind   text        NOT NULL,
    id     uuid,
    ver    integer,
    roles  text[]
  );
  COMMENT ON TABLE changes IS 'What every instance has to hear of; written by triggers, kept for two days';
  COMMENT ON COLUMN changes.xid IS 'The transaction: an instance reads those that were not visible when it last looked';
  COMMENT ON COLUMN changes.roles IS 'The roles of a user from here on, so that an instance can write back what a failover lost';
  CREATE INDEX changes_xid ON changes (xid);
  CREATE INDEX changes_at ON changes (at, number);

  CREATE TABLE pulse (
    only_row boolean     NOT NULL DEFAULT true CONSTRAINT pulse_pk PRIMARY KEY CONSTRAINT pulse_one_row CHECK (only_row),
    number   bigint      NOT NULL DEFAULT 0,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    rings    boolean     NOT NULL DEFAULT true
  ) WITH (fillfactor = 10);
  INSERT INTO pulse DEFAULT VALUES;
  COMMENT ON TABLE pulse IS 'One instance commits here each second: a database that this does not come from is not believed';
  COMMENT ON COLUMN pulse.rings IS 'Whether anybody listens for notifications';
`;

const FUNCTIONS = `
  -- The least UUIDv7 of a moment: every id made before it is less.
  CREATE FUNCTION first_id_at(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (lpad(to_hex(greatest(floor(extract(epoch FROM moment) * 1000), 0)::bigint), 12, '0') || '70008000000000000000')::uuid;

  CREATE FUNCTION user_role_names(owner uuid) RETURNS text[] LANGUAGE sql STABLE
    BEGIN ATOMIC
      SELECT ARRAY(SELECT role FROM user_roles WHERE user_id = owner ORDER BY role);
    END;

  -- Notifies the links that listen. A statement over many rows rings a thousand times at most: the links read the feed.
  CREATE FUNCTION ring(word text) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  DECLARE
    told integer := coalesce(nullif(current_setting('gatehouse.told', true), ''), '0')::integer;
  BEGIN
    IF told >= 1000 OR NOT (SELECT rings FROM pulse) THEN
      RETURN;
    END IF;
    PERFORM set_config('gatehouse.told', (told + 1)::text, true);
    PERFORM pg_notify('gatehouse', word);
  END $$;
`;

/** The triggers of before call these; a server of the version before goes on hearing what it listens for. */
const TRIGGERS = `
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

  CREATE OR REPLACE FUNCTION users_stamp_ver() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    NEW.ver := greatest(NEW.ver, OLD.ver + 1);
    NEW.ver_changed_at := clock_timestamp();
    RETURN NEW;
  END $$;
  CREATE FUNCTION users_announce() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    INSERT INTO changes (kind, id, ver, roles) VALUES ('user', NEW.id, NEW.ver, user_role_names(NEW.id));
    PERFORM ring('user ' || NEW.id || ' ' || NEW.ver);
    RETURN NULL;
  END $$;
  CREATE TRIGGER users_announce AFTER UPDATE ON users
    FOR EACH ROW WHEN (OLD.ver <> NEW.ver) EXECUTE FUNCTION users_announce();

  CREATE OR REPLACE FUNCTION roles_announce() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    INSERT INTO changes (kind) VALUES ('roles');
    PERFORM ring('roles');
    RETURN NULL;
  END $$;

  CREATE OR REPLACE FUNCTION signing_keys_announce() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    INSERT INTO changes (kind) VALUES ('keys');
    PERFORM ring('keys');
    RETURN NULL;
  END $$;

  CREATE OR REPLACE FUNCTION mail_outbox_announce() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    PERFORM ring(NEW.topic);
    RETURN NULL;
  END $$;
`;

const FORMER_FUNCTIONS = `
      CREATE OR REPLACE FUNCTION sessions_announce_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_notify('gatehouse', 'session ' || NEW.id);
        RETURN NULL;
      END $$;

      CREATE OR REPLACE FUNCTION sessions_bury() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO session_tombstones VALUES (OLD.id, clock_timestamp()) ON CONFLICT DO NOTHING;
        PERFORM pg_notify('gatehouse', 'session ' || OLD.id);
        RETURN NULL;
      END $$;

      CREATE OR REPLACE FUNCTION users_stamp_ver() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        NEW.ver := greatest(NEW.ver, OLD.ver + 1);
        NEW.ver_changed_at := clock_timestamp();
        PERFORM pg_notify('gatehouse', 'user ' || NEW.id || ' ' || NEW.ver);
        RETURN NEW;
      END $$;

      CREATE OR REPLACE FUNCTION roles_announce() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_notify('gatehouse', 'roles');
        RETURN NULL;
      END $$;

      CREATE OR REPLACE FUNCTION signing_keys_announce() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_notify('gatehouse', 'keys');
        RETURN NULL;
      END $$;

      CREATE OR REPLACE FUNCTION mail_outbox_announce() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_notify('gatehouse', NEW.topic);
        RETURN NULL;
      END $$;
`;
