import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A search of users whose every page is bounded work, whatever is searched for. Users are numbered as they came; the index
 * holds slices of 16 384 numbers beside the trigrams, so that a search goes from the newest slice to the oldest, pays in
 * each at most for what is in it, and next to nothing where the index knows that nothing is. The functions that search are
 * files, `src/platform/database/functions/users_search*.sql`.
 */
export class BoundSearch1763002400000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(NUMBERS);
    await queryRunner.query(INDEX);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP FUNCTION IF EXISTS users_search(text, text, bigint, text, text, integer, interval);
      DROP FUNCTION IF EXISTS users_search_keys(text);
      DROP INDEX IF EXISTS users_search;
      ALTER TABLE users DROP COLUMN number;
      ALTER TABLE users RESET (fillfactor);
      DO $$
      BEGIN
        EXECUTE format('CREATE INDEX users_search ON users USING gin (search_text %I.gin_trgm_ops)',
          (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm'));
      EXCEPTION WHEN undefined_object THEN
        RAISE NOTICE 'pg_trgm is not available: %', SQLERRM;
      END $$;
    `);
  }
}

/**
 * Written anew in the order of the ids, so that the numbers follow it. With a tenth of each page left free a sign-in, which
 * writes last_login_at, finds room beside the row that it replaces and no index hears of it.
 */
const NUMBERS = `
  DROP INDEX IF EXISTS users_search;
  ALTER TABLE users SET (fillfactor = 90);
  CLUSTER users USING users_pk;
  ALTER TABLE users SET WITHOUT CLUSTER;
  ALTER TABLE users ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT users_number_unique UNIQUE;
  COMMENT ON COLUMN users.number IS 'The order in which users came, by which the search pages';
`;

/** Where an extension may not be created the search still works, from the table; the server says so at start. */
const INDEX = `
  DO $$
  BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE EXTENSION IF NOT EXISTS btree_gin;
    -- Every slice that is asked looks through the list of what is pending, so it is kept short.
    EXECUTE format('CREATE INDEX users_search ON users USING gin (((number >> 14)::integer), search_text %I.gin_trgm_ops)
      WITH (gin_pending_list_limit = 256)',
      (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm'));
  EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
    RAISE NOTICE 'pg_trgm or btree_gin is not available: %', SQLERRM;
  END $$;
`;
