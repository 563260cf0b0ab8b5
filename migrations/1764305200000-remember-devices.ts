import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Each session keeps by what its device is recognized, so that a sign-in compares a few bytes with those of the sessions
 * before, and no user agent is taken apart but the one that came. Sessions of before get theirs as they are refreshed.
 */
export class RememberDevices1764305200000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      -- Of a user agent without its versions: an update of the browser makes no new device.
      CREATE FUNCTION device_key(user_agent text) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN substring(sha256(convert_to(
          regexp_replace(left(coalesce(user_agent, ''), 512), '/[0-9.]+|[0-9]+([._][0-9]+)+', '', 'g'), 'UTF8')) FOR 8);

      ALTER TABLE sessions ADD COLUMN device_key bytea;
      COMMENT ON COLUMN sessions.device_key IS 'By what the device is recognized: a hash of the user agent without its versions';

      CREATE FUNCTION sessions_recognize_device() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
      BEGIN
        NEW.device_key := device_key(NEW.user_agent);
        RETURN NEW;
      END $$;
      CREATE TRIGGER sessions_recognize_device BEFORE INSERT ON sessions
        FOR EACH ROW EXECUTE FUNCTION sessions_recognize_device();
      CREATE TRIGGER sessions_recognize_other_device BEFORE UPDATE OF user_agent ON sessions
        FOR EACH ROW WHEN (NEW.device_key IS NULL OR OLD.user_agent IS DISTINCT FROM NEW.user_agent)
        EXECUTE FUNCTION sessions_recognize_device();
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP TRIGGER sessions_recognize_other_device ON sessions;
      DROP TRIGGER sessions_recognize_device ON sessions;
      DROP FUNCTION sessions_recognize_device();
      ALTER TABLE sessions DROP COLUMN device_key;
      DROP FUNCTION device_key(text);
    `);
  }
}
