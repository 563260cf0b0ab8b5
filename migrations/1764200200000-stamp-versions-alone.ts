import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * `ver_changed_at` is when the roles of a user changed, and no more when their sessions were ended: what a failover lost of the
 * roles is put right only where nobody has changed them since, and to sign out is not to change them.
 */
export class StampVersionsAlone1764200200000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(stampFloor(''));
    await queryRunner.query(`
      COMMENT ON COLUMN users.sessions_floor IS 'Sessions with an id below it are dead; it only rises'`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(stampFloor('NEW.ver_changed_at := clock_timestamp();'));
    await queryRunner.query(`
      COMMENT ON COLUMN users.sessions_floor IS
        'Sessions with an id below it are dead; it only rises, and ver_changed_at says when it did'`);
  }
}

const stampFloor = (last: string) => `
  CREATE OR REPLACE FUNCTION users_stamp_floor() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
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
    ${last}
    RETURN NEW;
  END $$;
`;
