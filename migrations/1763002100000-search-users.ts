import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Lists of users by part of a name, by role and by status, each from an index. */
export class SearchUsers1763002100000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    // The unit separator cannot stand in any of the three, so no search matches across two of them. It begins the first one
    // too: the beginning of a word always has a sign before it.
    await queryRunner.query(`
      ALTER TABLE users ADD COLUMN search_text text GENERATED ALWAYS AS
        (lower(E'\\x1f' || email || E'\\x1f' || coalesce(username, '') || E'\\x1f' || coalesce(name, ''))) STORED;
      COMMENT ON COLUMN users.search_text IS 'What the list of users is searched by: email, username and name';

      DROP INDEX user_roles_role;
      CREATE INDEX user_roles_role ON user_roles (role, user_id);
      CREATE INDEX users_disabled ON users (id) WHERE status = 'disabled';

      -- Where the extension may not be created the search still works, from the table; the server says so at start.
      DO $$
      BEGIN
        CREATE EXTENSION IF NOT EXISTS pg_trgm;
        EXECUTE format('CREATE INDEX users_search ON users USING gin (search_text %I.gin_trgm_ops)',
          (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm'));
      EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
        RAISE NOTICE 'pg_trgm is not available: %', SQLERRM;
      END $$;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP INDEX IF EXISTS users_search;
      DROP INDEX users_disabled;
      DROP INDEX user_roles_role;
      CREATE INDEX user_roles_role ON user_roles (role);
      ALTER TABLE users DROP COLUMN search_text;
    `);
  }
}
