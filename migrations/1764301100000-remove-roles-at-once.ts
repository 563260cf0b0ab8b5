import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A role goes with one write, however many hold it: what they held of it is dead from then on, and its rows follow in pieces.
 * A role that is made anew under the name is another one: each row has a number, and each removal one above those before it.
 */
export class RemoveRolesAtOnce1764301100000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('LOCK TABLE roles, user_roles, epochs IN ACCESS EXCLUSIVE MODE');
    await queryRunner.query(TABLES);
    await queryRunner.query(GRANTS);
    await queryRunner.query(REMOVALS);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP TRIGGER user_roles_examine ON user_roles;
      DROP FUNCTION user_roles_examine();
      DROP TRIGGER roles_bury ON roles;
      DROP FUNCTION roles_bury();
      DROP TRIGGER roles_rename ON roles;
      DROP FUNCTION roles_rename();
    `);
    await queryRunner.query(FORMER_FUNCTIONS);
    await queryRunner.query(`
      DELETE FROM user_roles h WHERE NOT EXISTS (SELECT FROM held_roles l WHERE l.user_id = h.user_id AND l.role = h.role);
      DROP VIEW held_roles;
      DROP TABLE role_removals;
      ALTER TABLE user_roles DROP COLUMN number,
        ADD CONSTRAINT user_roles_role_fk FOREIGN KEY (role) REFERENCES roles ON UPDATE CASCADE;
      DROP SEQUENCE user_roles_number;
    `);
  }
}

const TABLES = `
  CREATE SEQUENCE user_roles_number;
  -- The rows that are there have 0, so that none of them is written anew.
  ALTER TABLE user_roles ADD COLUMN number bigint NOT NULL DEFAULT 0;
  ALTER TABLE user_roles ALTER COLUMN number SET DEFAULT nextval('user_roles_number'), DROP CONSTRAINT user_roles_role_fk;
  COMMENT ON COLUMN user_roles.number IS 'Grows from grant to grant; the role counts for nothing where it was removed at a higher number';

  CREATE TABLE role_removals (
    number   bigint      CONSTRAINT role_removals_pk PRIMARY KEY,
    role     text        NOT NULL,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    floor    uuid,
    actor    jsonb,
    swept_at timestamptz
  );
  CREATE INDEX role_removals_role ON role_removals (role, number);
  COMMENT ON TABLE role_removals IS 'Roles that were removed from many at once: rows of user_roles up to the number are dead';
  COMMENT ON COLUMN role_removals.floor IS 'Sessions of the holders with an id below it are dead';
  COMMENT ON COLUMN role_removals.actor IS 'By whom, for the entries of the audit log that follow';
  COMMENT ON COLUMN role_removals.swept_at IS 'When the last of the rows was gone';

  CREATE VIEW held_roles AS
    SELECT user_id, role FROM user_roles h
    WHERE NOT EXISTS (SELECT FROM role_removals r WHERE r.role = h.role AND r.number >= h.number);
  COMMENT ON VIEW held_roles IS 'Who holds which role. user_roles also has what is left of roles that were removed';
`;

/** What counts against the bound of a user. The text of the function is that of the migration that made it. */
const refuseManyRoles = (
  holders: string,
) => `CREATE OR REPLACE FUNCTION refuse_many_roles(owners uuid[]) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
      DECLARE
        crowded record;
      BEGIN
        SELECT user_id, count(*) AS roles INTO crowded FROM ${holders}
          WHERE user_id = ANY (owners) GROUP BY user_id HAVING count(*) > 64 LIMIT 1;
        IF FOUND THEN
          RAISE EXCEPTION 'A user may hold 64 roles at most: % would hold %', crowded.user_id, crowded.roles
            USING ERRCODE = 'check_violation', TABLE = 'user_roles', CONSTRAINT = 'user_roles_at_most_64';
        END IF;
      END $$;`;

const GRANTS = `
  CREATE OR REPLACE FUNCTION user_role_names(owner uuid) RETURNS text[] LANGUAGE sql STABLE
    BEGIN ATOMIC
      SELECT ARRAY(SELECT role FROM held_roles WHERE user_id = owner ORDER BY role);
    END;

  ${refuseManyRoles('held_roles')}

  -- In the place of a foreign key, whose rows would have to go before the role does.
  CREATE FUNCTION user_roles_examine() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    PERFORM FROM roles WHERE name = NEW.role FOR KEY SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'There is no role %', NEW.role
        USING ERRCODE = 'foreign_key_violation', TABLE = 'user_roles', CONSTRAINT = 'user_roles_role_fk';
    END IF;
    IF TG_OP = 'UPDATE' THEN
      NEW.number := nextval('user_roles_number');
    END IF;
    -- What is left of a former role of this name would be in the way.
    DELETE FROM user_roles h WHERE h.user_id = NEW.user_id AND h.role = NEW.role
      AND EXISTS (SELECT FROM role_removals r WHERE r.role = h.role AND r.number >= h.number);
    RETURN NEW;
  END $$;
  CREATE TRIGGER user_roles_examine BEFORE INSERT OR UPDATE ON user_roles FOR EACH ROW EXECUTE FUNCTION user_roles_examine();

  -- Who loses a role does not get back what ended with it.
  CREATE OR REPLACE FUNCTION user_roles_hand_down_epoch() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    UPDATE users u SET sessions_floor = greatest(u.sessions_floor, e.floor),
        sessions_kept = CASE WHEN u.sessions_kept >= e.floor THEN u.sessions_kept END
      FROM (
        SELECT floor FROM (
          SELECT r.floor FROM role_removals r WHERE r.role = OLD.role AND r.number >= OLD.number
          UNION ALL
          SELECT l.floor FROM epochs l WHERE l.role = OLD.role
            AND NOT EXISTS (SELECT FROM role_removals r WHERE r.role = OLD.role AND r.number >= OLD.number)
        ) AS floors WHERE floor IS NOT NULL ORDER BY floor DESC LIMIT 1
      ) AS e
      WHERE u.id = OLD.user_id AND (u.sessions_floor < e.floor OR u.sessions_kept < e.floor);
    RETURN NULL;
  END $$;
`;

const REMOVALS = `
  -- The lock on the role's row is had by now: a transaction that was giving the role is done, and has a lower number.
  CREATE FUNCTION roles_bury() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  DECLARE
    held    boolean := EXISTS (SELECT FROM held_roles WHERE role = OLD.name);
    removal role_removals;
  BEGIN
    IF NOT held THEN
      RETURN OLD;
    END IF;
    IF OLD.name IN ('admin', 'user') THEN
      RAISE EXCEPTION 'The role % is held, and cannot be removed', OLD.name
        USING ERRCODE = 'foreign_key_violation', TABLE = 'roles', CONSTRAINT = 'user_roles_role_fk';
    END IF;
    INSERT INTO role_removals (number, role, floor)
      VALUES (nextval('user_roles_number'), OLD.name, (SELECT floor FROM epochs WHERE role = OLD.name))
      RETURNING * INTO removal;
    INSERT INTO changes (kind, roles, floor) VALUES ('role', ARRAY[OLD.name], first_id_at(removal.at));
    PERFORM ring('role');
    RETURN OLD;
  END $$;
  CREATE TRIGGER roles_bury BEFORE DELETE ON roles FOR EACH ROW EXECUTE FUNCTION roles_bury();

  CREATE FUNCTION roles_rename() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    UPDATE user_roles SET role = NEW.name
      WHERE role = OLD.name AND user_id IN (SELECT user_id FROM held_roles WHERE role = OLD.name);
    RETURN NULL;
  END $$;
  CREATE TRIGGER roles_rename AFTER UPDATE OF name ON roles FOR EACH ROW
    WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION roles_rename();
`;

const FORMER_FUNCTIONS = `
  ${refuseManyRoles('user_roles')}

  CREATE OR REPLACE FUNCTION user_role_names(owner uuid) RETURNS text[] LANGUAGE sql STABLE
    BEGIN ATOMIC
      SELECT ARRAY(SELECT role FROM user_roles WHERE user_id = owner ORDER BY role);
    END;

  CREATE OR REPLACE FUNCTION user_roles_hand_down_epoch() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    UPDATE users u SET sessions_floor = greatest(u.sessions_floor, e.floor),
        sessions_kept = CASE WHEN u.sessions_kept >= e.floor THEN u.sessions_kept END
      FROM epochs e WHERE e.role = OLD.role AND u.id = OLD.user_id AND (u.sessions_floor < e.floor OR u.sessions_kept < e.floor);
    RETURN NULL;
  END $$;
`;
