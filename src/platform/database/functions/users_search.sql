-- Version 2.
-- Every hit has to fit; the ways to find them differ in their cost alone. That hits are few is said (ROWS), because with a
-- thousand rows to expect the whole table would be read for them. A page that is not full when patience is at an end closes
-- with a row without an id, whose number says below which to go on. Each of the three ways asks who has the role of each hit
-- in turn, until there are enough.
CREATE OR REPLACE FUNCTION users_search(
  wanted text, word text, below bigint, held_role text, has_status text, quota integer, patience interval,
  OUT id uuid, OUT number bigint
) RETURNS SETOF record LANGUAGE plpgsql SET search_path FROM CURRENT ROWS 20 AS $$
DECLARE
  few      constant integer := 2000;
  started  constant timestamptz := clock_timestamp();
  spent    interval;
  newest   integer;
  keys     text[];
  rare     uuid[];
  -- The extension may lie in any schema, on no search_path of ours.
  trigrams constant name := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm');
  indexed  boolean := to_regclass('users_search') IS NOT NULL AND trigrams IS NOT NULL;
  got      integer := 0;
  more     integer;
BEGIN
  wanted := lower(wanted);
  word := lower(word);
  below := least(below, (SELECT coalesce(max(u.number), 0) + 1 FROM users u));

  -- Of a million users few are admins, and few are disabled.
  IF held_role IS NOT NULL THEN
    rare := ARRAY(SELECT r.user_id FROM held_roles r WHERE r.role = held_role LIMIT few + 1);
  END IF;
  IF has_status = 'disabled' AND (rare IS NULL OR cardinality(rare) > few) THEN
    rare := ARRAY(SELECT u.id FROM users u WHERE u.status = 'disabled' LIMIT few + 1);
  END IF;
  IF cardinality(rare) <= few THEN
    RETURN QUERY SELECT u.id, u.number FROM users u
      WHERE u.id = ANY (rare) AND u.number < below
        AND CASE WHEN word IS NULL THEN strpos(u.search_text, wanted) > 0 ELSE u.search_text ~ word END
        AND (has_status IS NULL OR u.status = has_status)
        AND (held_role IS NULL OR EXISTS (SELECT FROM held_roles r WHERE r.user_id = u.id AND r.role = held_role))
      ORDER BY u.number DESC LIMIT quota;
    RETURN;
  END IF;

  IF indexed AND word IS NULL THEN
    keys := users_search_keys(wanted);
    indexed := cardinality(keys) > 0;
  ELSIF indexed THEN
    EXECUTE format('SELECT %I.show_trgm($1) <> ''{}''', trigrams) INTO indexed USING left(wanted, 1);
  END IF;

  newest := ((below - 1) >> 14)::integer;
  FOR part IN REVERSE newest .. 0 LOOP
    -- Found first and sorted then, so that no plan can walk through the table in the order of the numbers instead.
    IF NOT indexed THEN
      RETURN QUERY WITH hits AS MATERIALIZED (
        SELECT u.id, u.number, u.status FROM users u
        WHERE u.number BETWEEN part::bigint << 14 AND ((part + 1)::bigint << 14) - 1
          AND CASE WHEN word IS NULL THEN strpos(u.search_text, wanted) > 0 ELSE u.search_text ~ word END
      ) SELECT h.id, h.number FROM (
        SELECT * FROM hits WHERE hits.number < below AND (has_status IS NULL OR hits.status = has_status)
        ORDER BY hits.number DESC
      ) AS h
      WHERE held_role IS NULL OR (SELECT true FROM held_roles r WHERE r.user_id = h.id AND r.role = held_role)
      LIMIT quota - got;
    ELSIF word IS NULL THEN
      RETURN QUERY WITH hits AS MATERIALIZED (
        SELECT u.id, u.number, u.status FROM users u
        WHERE (u.number >> 14)::integer = part AND u.search_text LIKE keys[1]
          AND u.search_text LIKE coalesce(keys[2], keys[1]) AND u.search_text LIKE coalesce(keys[3], keys[1])
          AND strpos(u.search_text, wanted) > 0
      ) SELECT h.id, h.number FROM (
        SELECT * FROM hits WHERE hits.number < below AND (has_status IS NULL OR hits.status = has_status)
        ORDER BY hits.number DESC
      ) AS h
      WHERE held_role IS NULL OR (SELECT true FROM held_roles r WHERE r.user_id = h.id AND r.role = held_role)
      LIMIT quota - got;
    ELSE
      RETURN QUERY WITH hits AS MATERIALIZED (
        SELECT u.id, u.number, u.status FROM users u
        WHERE (u.number >> 14)::integer = part AND u.search_text ~ word
      ) SELECT h.id, h.number FROM (
        SELECT * FROM hits WHERE hits.number < below AND (has_status IS NULL OR hits.status = has_status)
        ORDER BY hits.number DESC
      ) AS h
      WHERE held_role IS NULL OR (SELECT true FROM held_roles r WHERE r.user_id = h.id AND r.role = held_role)
      LIMIT quota - got;
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
