import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * `ver` rises with a new password too, which makes the tokens of before stale. `ver_changed_at` goes on saying when the roles
 * changed: what a failover lost of them is put right only where nobody has changed them since, and to choose a password is
 * not to change them. Roles change in triggers of `user_roles`, so that update comes from within one.
 */
export class DateRolesAlone1764304000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(STAMP);
    await queryRunner.query(`
      COMMENT ON COLUMN users.ver IS 'Grows with every change of roles and every new password; access tokens that carry a smaller one are stale';
      COMMENT ON COLUMN users.ver_changed_at IS 'When the roles were last changed'`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(FORMER_STAMP);
    await queryRunner.query(`
      COMMENT ON COLUMN users.ver IS 'Grows with every change of roles; access tokens that carry a smaller one are stale';
      COMMENT ON COLUMN users.ver_changed_at IS NULL`);
  }
}

const STAMP = `
  CREATE OR REPLACE FUNCTION users_stamp_ver() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    NEW.ver := greatest(NEW.ver, OLD.ver + 1);
    IF pg_trigger_depth() > 1 THEN
      NEW.ver_changed_at := clock_timestamp();
    END IF;
    RETURN NEW;
  END $$;
`;

const FORMER_STAMP = `
  CREATE OR REPLACE FUNCTION users_stamp_ver() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    NEW.ver := greatest(NEW.ver, OLD.ver + 1);
    NEW.ver_changed_at := clock_timestamp();
    RETURN NEW;
  END $$;
`;
