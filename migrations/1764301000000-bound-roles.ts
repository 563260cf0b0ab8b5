import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A user holds 64 roles at most, by whatever way they are given: a token names all of them and has a size. Users who hold more already
 * keep them, and are given no other until they hold fewer.
 */
export class BoundRoles1764301000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      -- Called once the rows of these users are locked, so that of two who give at once the second counts what the first gave.
      CREATE FUNCTION refuse_many_roles(owners uuid[]) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
      DECLARE
        crowded record;
      BEGIN
        SELECT user_id, count(*) AS roles INTO crowded FROM user_roles
          WHERE user_id = ANY (owners) GROUP BY user_id HAVING count(*) > 64 LIMIT 1;
        IF FOUND THEN
          RAISE EXCEPTION 'A user may hold 64 roles at most: % would hold %', crowded.user_id, crowded.roles
            USING ERRCODE = 'check_violation', TABLE = 'user_roles', CONSTRAINT = 'user_roles_at_most_64';
        END IF;
      END $$;

      CREATE OR REPLACE FUNCTION user_roles_raise_ver() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
      BEGIN
        ${RAISE}
        IF TG_OP = 'INSERT' THEN
          PERFORM refuse_many_roles(ARRAY(SELECT DISTINCT user_id FROM changed));
        END IF;
        RETURN NULL;
      END $$;

      CREATE OR REPLACE FUNCTION user_roles_raise_both() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
      BEGIN
        ${RAISE_BOTH}
        -- A role that is only called otherwise makes them no more.
        PERFORM refuse_many_roles(ARRAY(SELECT user_id FROM changed EXCEPT SELECT user_id FROM was));
        RETURN NULL;
      END $$;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION user_roles_raise_ver() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        ${RAISE}
        RETURN NULL;
      END $$;
      CREATE OR REPLACE FUNCTION user_roles_raise_both() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        ${RAISE_BOTH}
        RETURN NULL;
      END $$;
      DROP FUNCTION refuse_many_roles(uuid[]);
    `);
  }
}

const RAISE = `UPDATE users SET ver = ver + 1, updated_at = now()
          WHERE id IN (SELECT user_id FROM changed) AND created_at <> now();`;

const RAISE_BOTH = `UPDATE users SET ver = ver + 1, updated_at = now()
          WHERE id IN (SELECT user_id FROM was UNION SELECT user_id FROM changed);`;
