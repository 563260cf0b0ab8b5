import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Sessions are dead below a floor: an id under which none counts, kept with a user and, in `epochs`, with a role or for
 * everybody. Ids are UUIDv7, so their order is that in which sessions were opened. To shut out one account, a role or
 * everybody is one small write, however many rows there are; the rows follow in batches.
 */
export class BoundSessions1764200000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(LOCKS);
    await queryRunner.query(TABLES);
    await queryRunner.query(FUNCTIONS);
    await queryRunner.query(USER_TRIGGERS);
    await queryRunner.query(EPOCH_TRIGGERS);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP TRIGGER user_roles_hand_down_epoch ON user_roles;
      DROP FUNCTION user_roles_hand_down_epoch();
      DROP TRIGGER users_stamp_floor ON users;
      DROP FUNCTION users_stamp_floor();
      DROP TRIGGER users_announce ON users;
    `);
    await queryRunner.query(FORMER_FUNCTIONS);
    await queryRunner.query(`
      DROP FUNCTION IF EXISTS changes_after(timestamptz, bigint, text[], integer);
      DROP TABLE epochs;
      DROP FUNCTION epochs_announce();
      DROP FUNCTION epochs_stamp();
      DROP FUNCTION end_sessions_before(uuid, timestamptz);
      DROP FUNCTION end_sessions(uuid, uuid);
      DROP FUNCTION new_session_id(uuid);
      DROP FUNCTION new_id_at(timestamptz);
      DROP FUNCTION moment_of(uuid);
      DROP FUNCTION first_id_after(uuid);
      ALTER TABLE changes DROP COLUMN floor, DROP COLUMN kept, DROP COLUMN disabled;
      ALTER TABLE users DROP COLUMN sessions_floor, DROP COLUMN sessions_kept;
    `);
  }
}

/** All at once: requests take them in every order, and what is waited for in a circle is given up before they are. */
const LOCKS = `
  LOCK TABLE users, changes IN ACCESS EXCLUSIVE MODE;
  LOCK TABLE user_roles, roles IN SHARE ROW EXCLUSIVE MODE;
`;

const TABLES = `
  ALTER TABLE users
    ADD COLUMN sessions_floor uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    ADD COLUMN sessions_kept uuid;
  COMMENT ON COLUMN users.sessions_floor IS 'Sessions with an id below it are dead; it only rises, and ver_changed_at says when it did';
  COMMENT ON COLUMN users.sessions_kept IS 'The one session below the floor that goes on';

  CREATE TABLE epochs (
    role  text        CONSTRAINT epochs_role_fk REFERENCES roles ON UPDATE CASCADE ON DELETE CASCADE,
    floor uuid        NOT NULL,
    at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT epochs_role_unique UNIQUE NULLS NOT DISTINCT (role)
  );
  COMMENT ON TABLE epochs IS 'Sessions with an id below the floor are dead: those of users with the role, or all where it names none';

  ALTER TABLE changes ADD COLUMN floor uuid, ADD COLUMN kept uuid, ADD COLUMN disabled boolean;
  COMMENT ON COLUMN changes.floor IS 'The floor from here on, of the user or of an epoch';
  COMMENT ON COLUMN changes.disabled IS 'Whether the user is disabled from here on';
`;

const FUNCTIONS = `
  -- The least UUIDv7 of the millisecond after that of an id.
  CREATE FUNCTION first_id_after(id uuid) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (lpad(to_hex(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint + 1), 12, '0') || '70008000000000000000')::uuid;

  -- The moment that an id tells, to the millisecond.
  CREATE FUNCTION moment_of(id uuid) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0);

  -- A UUIDv7 (RFC 9562, 5.7) that tells a moment to the microsecond (6.2, method 3); 62 bits are random.
  CREATE FUNCTION new_id_at(moment timestamptz) RETURNS uuid LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
    RETURN (left(first_id_at(moment)::text, 13) || '-7'
      || lpad(to_hex(floor(extract(epoch FROM moment) * 1000 % 1 * 4096)::integer), 3, '0')
      || right(gen_random_uuid()::text, 18))::uuid;

  -- The id of a session that is opened now. By this clock alone, since the floors are; and never below one of them, which
  -- may be of this very millisecond or of a clock that was ahead of this one.
  CREATE FUNCTION new_session_id(owner uuid) RETURNS uuid LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  DECLARE
    made  uuid := new_id_at(clock_timestamp());
    floor uuid := greatest(
      (SELECT sessions_floor FROM users WHERE id = owner),
      (SELECT e.floor FROM epochs e
         WHERE e.role IS NULL OR e.role IN (SELECT r.role FROM user_roles r WHERE r.user_id = owner)
         ORDER BY e.floor DESC LIMIT 1));
  BEGIN
    RETURN greatest(made, (left(floor::text, 13) || right(made::text, 23))::uuid);
  END $$;

  -- Ends every session of a user, or all but one, whatever their number. Returns the floor.
  CREATE FUNCTION end_sessions(owner uuid, keep uuid DEFAULT NULL) RETURNS uuid LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  DECLARE
    risen uuid;
  BEGIN
    UPDATE users SET sessions_kept = keep,
      sessions_floor = greatest(first_id_after(first_id_at(clock_timestamp())), first_id_after(sessions_floor))
      WHERE id = owner RETURNING sessions_floor INTO risen;
    -- Those whose id is of a clock that was ahead. There are hardly ever any.
    UPDATE sessions SET revoked_at = now()
      WHERE user_id = owner AND id >= risen AND id IS DISTINCT FROM keep AND revoked_at IS NULL;
    RETURN risen;
  END $$;

  -- Ends every session of a user that was opened before a moment, the kept one too.
  CREATE FUNCTION end_sessions_before(owner uuid, moment timestamptz) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    UPDATE users SET sessions_floor = greatest(sessions_floor, first_id_at(moment)),
      sessions_kept = CASE WHEN sessions_kept >= first_id_at(moment) THEN sessions_kept END
      WHERE id = owner;
    -- Those whose id is of a clock that was ahead of the moment at which they were opened.
    -- There are hardly ever any, and of an account with very many sessions those next to the moment are looked at.
    UPDATE sessions SET revoked_at = now()
      WHERE created_at < moment AND revoked_at IS NULL AND id = ANY (ARRAY(
        SELECT id FROM sessions WHERE user_id = owner AND id >= first_id_at(moment) AND revoked_at IS NULL ORDER BY id LIMIT 10000));
  END $$;
`;

const USER_TRIGGERS = `
  -- Floors rise, in whole milliseconds and not into the future, and no session comes back by being kept. Instances forget
  -- what was kept by the floor it was kept under, so another one takes another floor.
  CREATE FUNCTION users_stamp_floor() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    NEW.sessions_floor := greatest(OLD.sessions_floor, least(
      (left(NEW.sessions_floor::text, 13) || '-7000-8000-000000000000')::uuid, first_id_at(clock_timestamp() + interval '1 s')));
    IF NEW.sessions_kept IS DISTINCT FROM OLD.sessions_kept THEN
      IF NEW.sessions_kept < OLD.sessions_floor THEN
        NEW.sessions_kept := NULL;
      END IF;
      IF OLD.sessions_kept IS NOT NULL AND NEW.sessions_floor = OLD.sessions_floor THEN
        NEW.sessions_floor := first_id_after(OLD.sessions_floor);
      END IF;
    END IF;
    NEW.ver_changed_at := clock_timestamp();
    RETURN NEW;
  END $$;
  CREATE TRIGGER users_stamp_floor BEFORE UPDATE ON users FOR EACH ROW
    WHEN (OLD.sessions_floor <> NEW.sessions_floor OR OLD.sessions_kept IS DISTINCT FROM NEW.sessions_kept)
    EXECUTE FUNCTION users_stamp_floor();

  CREATE OR REPLACE FUNCTION users_announce() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  DECLARE
    rose boolean := OLD.sessions_floor <> NEW.sessions_floor OR OLD.sessions_kept IS DISTINCT FROM NEW.sessions_kept;
  BEGIN
    INSERT INTO changes (kind, id, ver, roles, floor, kept, disabled) VALUES ('user', NEW.id, NEW.ver, user_role_names(NEW.id),
      CASE WHEN rose THEN NEW.sessions_floor END, CASE WHEN rose THEN NEW.sessions_kept END, NEW.status = 'disabled');
    IF OLD.ver <> NEW.ver THEN
      PERFORM ring('user ' || NEW.id || ' ' || NEW.ver);
    END IF;
    IF rose THEN
      PERFORM ring('floor');
    END IF;
    RETURN NULL;
  END $$;
  DROP TRIGGER users_announce ON users;
  CREATE TRIGGER users_announce AFTER UPDATE ON users FOR EACH ROW
    WHEN (OLD.ver <> NEW.ver OR OLD.status <> NEW.status
      OR OLD.sessions_floor <> NEW.sessions_floor OR OLD.sessions_kept IS DISTINCT FROM NEW.sessions_kept)
    EXECUTE FUNCTION users_announce();

  -- A disabled user has no session.
  CREATE OR REPLACE FUNCTION users_end_sessions() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    PERFORM end_sessions(NEW.id);
    RETURN NULL;
  END $$;
`;

const EPOCH_TRIGGERS = `
  CREATE FUNCTION epochs_stamp() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    NEW.floor := least(
      (left(NEW.floor::text, 13) || '-7000-8000-000000000000')::uuid, first_id_at(clock_timestamp() + interval '1 s'));
    NEW.at := clock_timestamp();
    IF TG_OP = 'UPDATE' AND NEW.floor <= OLD.floor THEN
      NEW.floor := OLD.floor;
      NEW.at := OLD.at;
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER epochs_stamp BEFORE INSERT OR UPDATE ON epochs FOR EACH ROW EXECUTE FUNCTION epochs_stamp();

  CREATE FUNCTION epochs_announce() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    IF TG_OP = 'INSERT' OR OLD IS DISTINCT FROM NEW THEN
      INSERT INTO changes (kind, roles, floor) VALUES ('epoch', CASE WHEN NEW.role IS NOT NULL THEN ARRAY[NEW.role] END, NEW.floor);
      PERFORM ring('epoch');
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER epochs_announce AFTER INSERT OR UPDATE ON epochs FOR EACH ROW EXECUTE FUNCTION epochs_announce();

  -- Who loses a role does not get back what ended with it. A role is deleted only once nobody holds it.
  CREATE FUNCTION user_roles_hand_down_epoch() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    UPDATE users u SET sessions_floor = greatest(u.sessions_floor, e.floor),
        sessions_kept = CASE WHEN u.sessions_kept >= e.floor THEN u.sessions_kept END
      FROM epochs e WHERE e.role = OLD.role AND u.id = OLD.user_id AND (u.sessions_floor < e.floor OR u.sessions_kept < e.floor);
    RETURN NULL;
  END $$;
  CREATE TRIGGER user_roles_hand_down_epoch AFTER DELETE OR UPDATE ON user_roles
    FOR EACH ROW EXECUTE FUNCTION user_roles_hand_down_epoch();
`;

const FORMER_FUNCTIONS = `
  CREATE OR REPLACE FUNCTION users_announce() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    INSERT INTO changes (kind, id, ver, roles) VALUES ('user', NEW.id, NEW.ver, user_role_names(NEW.id));
    PERFORM ring('user ' || NEW.id || ' ' || NEW.ver);
    RETURN NULL;
  END $$;
  CREATE TRIGGER users_announce AFTER UPDATE ON users
    FOR EACH ROW WHEN (OLD.ver <> NEW.ver) EXECUTE FUNCTION users_announce();

      CREATE OR REPLACE FUNCTION users_end_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        UPDATE sessions SET revoked_at = now() WHERE user_id = NEW.id AND revoked_at IS NULL;
        RETURN NULL;
      END $$;
`;
