import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A search of users whose every page is bounded work, whatever is searched for. Users are numbered as they came; the index
 * holds slices of 16 384 numbers beside the trigrams, so that a search goes from the newest slice to the oldest, pays in
 * each at most for what is in it, and next to nothing where the index knows that nothing is.
 */
export class BoundSearch1763002400000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(NUMBERS);
    await queryRunner.query(KEYS);
    await queryRunner.query(SEARCH);
    await queryRunner.query(INDEX);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP FUNCTION users_search(text, text, bigint, text, text, integer, interval);
      DROP FUNCTION users_search_keys(text);
      DROP INDEX IF EXISTS users_search;
      ALTER TABLE users DROP COLUMN number;
      ALTER TABLE users RESET (fillfactor);
      DO $$
      BEGIN
        CREATE INDEX users_search ON users USING gin (search_text gin_trgm_ops);
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

/**
 * A long pattern has many trigrams, and comparing all their lists costs more than the few rarest save. So a search asks the
 * index for three pieces of the text, those that the fewest of some users taken at random have together.
 */
const KEYS = `
  CREATE FUNCTION users_search_keys(wanted text) RETURNS text[] LANGUAGE plpgsql AS $$
  DECLARE
    form   text;
    pieces text[];
    people text[];
    among  text[];
    piece  text;
    keys   text[] := '{}';
  BEGIN
    -- What is a letter to the index depends on the locale of the database: x is one, a blank is none.
    SELECT string_agg(CASE WHEN show_trgm(substr(wanted, n, 1)) = '{}' THEN ' ' ELSE 'x' END, '' ORDER BY n)
      INTO form FROM generate_series(1, length(wanted)) AS n;
    -- From any other piece the index can tell nothing, and would read all that it has.
    pieces := ARRAY(SELECT DISTINCT substr(wanted, n, 3) FROM generate_series(1, greatest(1, length(wanted) - 2)) AS n
                    WHERE substr(form, n, 3) ~ '^(xxx|xx | xx| x ?)$');
    -- To the index one sign is like another.
    people := ARRAY(
      SELECT regexp_replace(near.search_text, '[^[:alnum:]]', ' ', 'g') || ' '
      FROM (
        SELECT (random() * last)::bigint AS place FROM (SELECT max(number) AS last FROM users) AS x, generate_series(1, 100)
      ) AS places, LATERAL (SELECT search_text FROM users WHERE number >= place ORDER BY number LIMIT 1) AS near);
    among := people;
    FOR round IN 1 .. 3 LOOP
      SELECT p INTO piece FROM unnest(pieces) AS p, regexp_replace(p, '[^[:alnum:]]', ' ') AS seen
        ORDER BY (SELECT count(*) FROM unnest(among) AS t WHERE strpos(t, seen) > 0),
          (SELECT count(*) FROM unnest(people) AS t WHERE strpos(t, seen) > 0) LIMIT 1;
      EXIT WHEN NOT FOUND;
      keys := keys || ('%' || regexp_replace(piece, '([\\\\%_])', '\\\\\\1', 'g') || '%');
      pieces := array_remove(pieces, piece);
      among := ARRAY(SELECT t FROM unnest(among) AS t WHERE strpos(t, regexp_replace(piece, '[^[:alnum:]]', ' ')) > 0);
    END LOOP;
    RETURN keys;
  END $$;
  COMMENT ON FUNCTION users_search_keys IS 'LIKE patterns by which the index finds whoever has this text; none where it cannot';
`;

/**
 * Every hit has to fit; that they are few is said, because with a thousand rows to expect the whole table would be read for them; the ways to find them differ in their cost alone. A page that is not full when patience is at an
 * end closes with a row without an id, whose number says below which to go on.
 */
const SEARCH = `
  CREATE FUNCTION users_search(
    wanted text, word text, below bigint, held_role text, has_status text, quota integer, patience interval,
    OUT id uuid, OUT number bigint
  ) RETURNS SETOF record LANGUAGE plpgsql ROWS 20 AS $$
  DECLARE
    few      constant integer := 2000;
    started  constant timestamptz := clock_timestamp();
    spent    interval;
    newest   integer;
    keys     text[];
    rare     uuid[];
    indexed  boolean := to_regclass('users_search') IS NOT NULL;
    got      integer := 0;
    more     integer;
  BEGIN
    wanted := lower(wanted);
    word := lower(word);
    below := least(below, (SELECT coalesce(max(u.number), 0) + 1 FROM users u));

    -- Of a million users few are admins, and few are disabled.
    IF held_role IS NOT NULL THEN
      rare := ARRAY(SELECT r.user_id FROM user_roles r WHERE r.role = held_role LIMIT few + 1);
    END IF;
    IF has_status = 'disabled' AND (rare IS NULL OR cardinality(rare) > few) THEN
      rare := ARRAY(SELECT u.id FROM users u WHERE u.status = 'disabled' LIMIT few + 1);
    END IF;
    IF cardinality(rare) <= few THEN
      RETURN QUERY SELECT u.id, u.number FROM users u
        WHERE u.id = ANY (rare) AND u.number < below AND CASE WHEN word IS NULL THEN strpos(u.search_text, wanted) > 0 ELSE u.search_text ~ word END
          AND (has_status IS NULL OR u.status = has_status)
          AND (held_role IS NULL OR EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role = held_role))
        ORDER BY u.number DESC LIMIT quota;
      RETURN;
    END IF;

    IF indexed AND word IS NULL THEN
      keys := users_search_keys(wanted);
      indexed := cardinality(keys) > 0;
    ELSIF indexed THEN
      indexed := show_trgm(left(wanted, 1)) <> '{}';
    END IF;

    newest := ((below - 1) >> 14)::integer;
    FOR part IN REVERSE newest .. 0 LOOP
      -- Found first and sorted then, so that no plan can walk through the table in the order of the numbers instead.
      IF NOT indexed THEN
        RETURN QUERY WITH hits AS MATERIALIZED (
          SELECT u.id, u.number, u.status FROM users u
          WHERE u.number BETWEEN part::bigint << 14 AND ((part + 1)::bigint << 14) - 1
            AND CASE WHEN word IS NULL THEN strpos(u.search_text, wanted) > 0 ELSE u.search_text ~ word END
        ) FITTING;
      ELSIF word IS NULL THEN
        RETURN QUERY WITH hits AS MATERIALIZED (
          SELECT u.id, u.number, u.status FROM users u
          WHERE (u.number >> 14)::integer = part AND u.search_text LIKE keys[1]
            AND u.search_text LIKE coalesce(keys[2], keys[1]) AND u.search_text LIKE coalesce(keys[3], keys[1])
            AND strpos(u.search_text, wanted) > 0
        ) FITTING;
      ELSE
        RETURN QUERY WITH hits AS MATERIALIZED (
          SELECT u.id, u.number, u.status FROM users u
          WHERE (u.number >> 14)::integer = part AND u.search_text ~ word
        ) FITTING;
      END IF;
      GET DIAGNOSTICS more = ROW_COUNT;
      got := got + more;
      EXIT WHEN got >= quota;
      spent := clock_timestamp() - started;
      -- Patience is had twice where, at the pace so far, that is enough for all the rest.
      IF part > 0 AND spent > patience AND spent * part > patience * (newest - part + 1) THEN
        id := NULL;
        number := part::bigint << 14;
        RETURN NEXT;
        EXIT;
      END IF;
    END LOOP;
  END $$;
`.replaceAll(
  'FITTING',
  // Who has the role is asked of each in turn, until there are enough.
  `SELECT h.id, h.number FROM (
          SELECT * FROM hits WHERE hits.number < below AND (has_status IS NULL OR hits.status = has_status)
          ORDER BY hits.number DESC
        ) AS h
        WHERE held_role IS NULL OR (SELECT true FROM user_roles r WHERE r.user_id = h.id AND r.role = held_role)
        LIMIT quota - got`,
);

/** Where an extension may not be created the search still works, from the table; the server says so at start. */
const INDEX = `
  DO $$
  BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE EXTENSION IF NOT EXISTS btree_gin;
    -- Every slice that is asked looks through the list of what is pending, so it is kept short.
    CREATE INDEX users_search ON users USING gin (((number >> 14)::integer), search_text gin_trgm_ops)
      WITH (gin_pending_list_limit = 256);
  EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
    RAISE NOTICE 'pg_trgm or btree_gin is not available: %', SQLERRM;
  END $$;
`;
