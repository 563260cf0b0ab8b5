import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A credential is a row, not a column of users: passwords get a table, and a view shows every credential of a user.
 * The column stays for one release, in step with the table whichever of the two is written, so that instances of the
 * version before go on working while the new ones come up. The passwords that are there follow in the next migration.
 */
export class KeepPasswordsApart1763100000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    // The schema is the deployment's to choose. No function looks elsewhere: a temporary table would else take its place.
    const [{ schema }] = await queryRunner.query('SELECT quote_ident(current_schema()) AS schema');
    await queryRunner.query(`
      CREATE TABLE passwords (
        user_id    uuid        CONSTRAINT passwords_pk PRIMARY KEY CONSTRAINT passwords_user_fk REFERENCES users ON DELETE CASCADE,
        hash       text        NOT NULL,
        changed_at timestamptz NOT NULL DEFAULT now()
      );
      COMMENT ON TABLE passwords IS 'Every writer has locked the row of the user first';
      COMMENT ON COLUMN passwords.changed_at IS 'When the password was chosen; a fresh hash of the same one leaves it';

      CREATE VIEW credentials AS
        SELECT user_id, 'password'::text AS kind, changed_at AS since FROM passwords;
      COMMENT ON VIEW credentials IS 'What each user can prove who they are with, one row for each';

      -- Each of the two writes only what differs, so the other's answer finds nothing left to do.
      CREATE FUNCTION users_copy_password() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, ${schema}, pg_temp AS $$
      BEGIN
        IF NEW.password_hash IS NULL THEN
          DELETE FROM ${schema}.passwords WHERE user_id = NEW.id;
        ELSE
          INSERT INTO ${schema}.passwords AS p (user_id, hash) VALUES (NEW.id, NEW.password_hash)
            ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at
            WHERE p.hash <> excluded.hash;
        END IF;
        RETURN NULL;
      END $$;
      CREATE TRIGGER users_copy_new_password AFTER INSERT ON users
        FOR EACH ROW WHEN (NEW.password_hash IS NOT NULL) EXECUTE FUNCTION users_copy_password();
      CREATE TRIGGER users_copy_password AFTER UPDATE OF password_hash ON users
        FOR EACH ROW WHEN (OLD.password_hash IS DISTINCT FROM NEW.password_hash) EXECUTE FUNCTION users_copy_password();

      CREATE FUNCTION passwords_copy_hash() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, ${schema}, pg_temp AS $$
      BEGIN
        IF TG_OP = 'DELETE' THEN
          UPDATE ${schema}.users SET password_hash = NULL WHERE id = OLD.user_id AND password_hash IS NOT NULL;
        ELSE
          UPDATE ${schema}.users SET password_hash = NEW.hash WHERE id = NEW.user_id AND password_hash IS DISTINCT FROM NEW.hash;
        END IF;
        RETURN NULL;
      END $$;
      CREATE TRIGGER passwords_copy_hash AFTER INSERT OR UPDATE OF hash OR DELETE ON passwords
        FOR EACH ROW EXECUTE FUNCTION passwords_copy_hash();
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP TRIGGER users_copy_new_password ON users;
      DROP TRIGGER users_copy_password ON users;
      DROP FUNCTION users_copy_password();
      DROP VIEW credentials;
      DROP TABLE passwords;
      DROP FUNCTION passwords_copy_hash();
    `);
  }
}
